"""An outage of the package index is none of the brake."""

from __future__ import annotations

import pytest

from tests.fakehub.act import run_act
from tests.workflows.rollback_town import roll_back
from tests.workflows.town import STEADY, Town, keys


@pytest.fixture
def town(plain_town: Town) -> Town:
    """Under act, which installs as GitHub does."""
    plain_town.hub.engine.run_jobs = run_act
    plain_town.start()
    return plain_town


def test_what_reconcile_kept_carries_over_the_outage(town: Town) -> None:
    assert keys(town.tick()) == STEADY
    town.hub.engine.env["FAKEHUB_INDEX"] = "away"
    assert keys(roll_back(town, reason="users complain")) == ["rollback"]
    assert town.state()["outcome"] == "rolling_back"
    assert {job.conclusion for job in town.tick().jobs} == {"success"}


def test_with_nothing_kept_the_summary_says_how_to_freeze(town: Town) -> None:
    town.hub.engine.env["FAKEHUB_INDEX"] = "away"
    before = town.head()
    run = roll_back(town, reason="users complain")
    assert run.conclusion == "failure"
    assert run.job("rollback").summary.startswith("**Nothing was done:** rollout cannot be installed")
    assert "docs/on-call.md" in run.job("rollback").summary
    assert town.head() == before
