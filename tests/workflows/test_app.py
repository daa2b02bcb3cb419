"""What the App may not do, or not any more, never stands between a person, or a trigger, and the freeze."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakehub import faults
from fakehub.entities import Access
from fakehub.hub import Hub
from tests.workflows.rollback_town import incident, roll_back, to_canary
from tests.workflows.test_rollback import POLICY
from tests.workflows.town import CHECK, Town, build

RUN, APP = "github-actions[bot]", "rollout-app[bot]"


def suspended(town: Town) -> None:
    assert town.hub.engine.app is not None
    del town.hub.tokens[town.hub.engine.app.value]


def without_issues(town: Town) -> None:
    granted = dict.fromkeys(("contents", "pull_requests", "statuses", "actions"), "write")
    town.hub.engine.app = town.hub.app_token(*town.hub.repos.values(), permissions=granted)


def not_installed_at_the_product(town: Town) -> None:
    town.hub.engine.app = town.hub.app_token(town.repo)


def product_gone(town: Town) -> None:
    del town.hub.repos["acme/product"]


def product_renamed(town: Town) -> None:
    town.hub.rename(town.hub.repos["acme/product"], "acme/product-new")


HARDSHIPS: dict[str, tuple[Callable[[Town], None], str, str]] = {
    "suspended": (suspended, RUN, "The App gave no token (its step says why)"),
    "a permission is not granted": (without_issues, APP, "The App has not every permission"),
    "not installed at the product": (
        not_installed_at_the_product,
        APP,
        "The App gave no token for the product's repository",
    ),
    "the product is renamed": (product_renamed, APP, "The App gave no token for the product's repository"),
    "the product is gone": (product_gone, APP, "The App gave no token for the product's repository"),
}
"""What happened to the App -> who commits, and what the summary warns of."""


@pytest.fixture
def town(hub: Hub, tmp_path: Path) -> Town:
    """In canary-1, of a product in a repository of its own; voice fails."""
    contract = f"{POLICY}product: {{repository: acme/product, branch: trunk}}\n"
    town = build(hub, tmp_path, app=True, contract=contract, product="acme/product")
    reader = hub.person("reader", hub.repos["acme/product"], Access.READ)
    hub.engine.secrets["ROLLOUT_PRODUCT_TOKEN"] = reader.value
    hub.repos["acme/product"].bare.git("tag", "v0.1.3", "trunk~1")
    to_canary(town)
    return town


@pytest.mark.parametrize("hardship", HARDSHIPS)
def test_a_dispatched_rollback_freezes(town: Town, hardship: str) -> None:
    happens, committer, warned = HARDSHIPS[hardship]
    happens(town)
    run = roll_back(town, reason="users complain", target="v0.1.3")
    assert town.state()["outcome"] == "rolling_back"
    assert incident(town)["started_by"] == "alice"
    assert incident(town)["target"]["version"] == "v0.1.3"  # type: ignore[index]
    assert town.committer() == committer
    assert f"**Warning:** {warned}" in run.job("rollback").summary


@pytest.mark.parametrize("hardship", [each for each in HARDSHIPS if not each.startswith("the product")])
def test_a_trigger_freezes(town: Town, hardship: str) -> None:
    happens, committer, warned = HARDSHIPS[hardship]
    happens(town)
    town.feel(voice={"streak": 3, "counters": {"failed": 0}, "timeline": []}, memory={"streak": 0})
    run = town.tick()
    assert town.state()["frozen"]["reason"].startswith("streak")
    assert town.committer() == committer
    assert f"**Warning:** {warned}" in run.job("reconcile").summary


def test_reconcile_decides_though_no_reading_can_be_asked_for(hub: Hub, tmp_path: Path) -> None:
    town = build(hub, tmp_path, app=False, contract=POLICY)
    to_canary(town)
    town.repo.add_check(town.release, CHECK, "failure")
    hub.fail("POST */rollout-collect.yml/dispatches", faults.FORBIDDEN)
    hub.clock.forward(minutes=10)
    run = town.tick()
    assert (run.conclusion, town.state()["frozen"]["reason"][:10]) == ("success", "validation")
    assert "asking rollout-collect.yml for a reading on ubuntu-24.04 failed" in run.job("reconcile").summary
