"""A repository that was renamed or transferred: every request stops at it, and names the new one."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import rollout.adapters.github
from fakehub import faults
from fakehub.clock import NOON
from fakehub.hub import Hub
from rollout.core.contract import Product
from rollout.core.state import Release
from rollout.errors import OutsideError
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.test_routes import ACTS, ROUTES, ready
from tests.adapters.github.world import GitHubWorld, seed

__all__ = ["hub", "origin"]

NEW = "acme/renamed"
WRITES = {
    "POST */labels": "GitHubForge.open_pull_request",
    "POST */statuses/*": "GitHubForge.set_status",
    "POST */comments": "GitHubForge.close_pull_request",
    "DELETE */git/refs/*": "GitHubForge.close_pull_request",
    "PATCH */pulls/*": "GitHubForge.update_pull_request",
    "POST */pulls": "GitHubReverter.propose",
    "POST /graphql checks": "GitHubForge.check_runs",
    "GET */info/refs": "GitHubReverter.preview",
    "POST /graphql repository": "GitHubStore.head",
}
ROUTES_BY_NAME = {
    route: act for route, act in {**ROUTES, **WRITES}.items() if route != "POST /graphql viewer"
}


@pytest.mark.parametrize("route", ROUTES_BY_NAME)
def test_each_request_stops_and_names_the_new_repository(
    hub: Hub, origin: tuple[Path, str], route: str
) -> None:
    act = ACTS[ROUTES_BY_NAME[route]]
    world = ready(hub, origin, act)
    hub.before(route, lambda: hub.rename(world.repo, NEW))
    run = world.run()
    try:
        act.do(run)
    except OutsideError as stopped:
        told = f"{stopped.message}; {stopped.hint}"
    else:
        # What follows a decorative request is made, and stops as well.
        told = run.decorations.told()[0]
    assert f"acme/tau has moved to {NEW}" in told
    assert "GITHUB_REPOSITORY" in told
    assert "product.repository" in told or "set-url" in told


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_any_other_redirect_stops_with_its_address(hub: Hub, origin: tuple[Path, str], status: int) -> None:
    world = GitHubWorld(hub, *origin)
    for place in ("https://elsewhere.example/x", f"{hub.url}/repositories/1", ""):
        headers = (("Location", place),) if place else ()
        hub.fail("GET */releases", faults.Fault(status=status, headers=headers))
        with pytest.raises(OutsideError, match=place or "does not tell"):
            world.run().releases.page(1, "")


def test_a_product_that_has_moved_is_named_by_each_way_to_it(hub: Hub, tmp_path: Path) -> None:
    repository, release = seed(tmp_path / "repository")
    world = GitHubWorld(hub, repository.path, release)
    product = hub.repo("acme/product", seed=repository.path)
    world.product = Product(repository="acme/product")
    world.token = hub.app_token(world.repo, product)
    hub.rename(product, NEW)
    run = world.run()
    for look in (
        lambda: run.reverter.tip(),
        lambda: run.history.newest(),
        lambda: run.history.tagged("v1"),
        lambda: run.forge.check_runs(release),
        lambda: list(run.forge.newest_commits("main")),
        lambda: run.releases.page(1, ""),
        lambda: run.releases.tags_of("v1"),
        lambda: run.evidence.writers(Release(version="v0.1.5", commit=release, started_at=NOON)),
    ):
        with pytest.raises(OutsideError, match=f"acme/product has moved to {NEW}") as stopped:
            look()
        assert "product.repository" in stopped.value.hint


def test_a_name_in_other_letters_is_the_same_repository(hub: Hub, origin: tuple[Path, str]) -> None:
    world = GitHubWorld(hub, *origin)
    world.product = Product(repository="Acme/TAU")
    assert world.run().reverter.tip() == world.repo.bare.branch("main")


def test_every_query_asks_what_the_repository_is_called_now() -> None:
    """GraphQL follows a former name without a word; the adapter compares the name that it answers for."""
    for module in pkgutil.iter_modules(rollout.adapters.github.__path__, "rollout.adapters.github."):
        for name, text in inspect.getmembers(import_module(module.name), lambda each: isinstance(each, str)):
            if text.startswith("query("):
                assert text.count("{ nameWithOwner") == text.count(" repository(owner: "), name
