"""Answers that are not GitHub's: a wrong host, a login page, a proxy; each names what gave the address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakehub.faults import Fault
from fakehub.hub import Hub
from rollout.adapters.github.address import Address, address
from rollout.adapters.github.answers import RefusedByGitHubError
from rollout.adapters.github.api import Api
from rollout.adapters.github.hints import advice
from rollout.errors import OutsideError
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.world import GitHubWorld, WaitingClock

__all__ = ["hub", "origin"]

LOGIN = "https://login.example/sso"
PAGE = "<!doctype html><title>Sign in</title>"
WAYS: dict[str, Callable[[Api], object]] = {
    "POST /graphql *": lambda api: api.graphql("query { viewer { login } }", {}),
    "GET *": lambda api: api.rest("GET", f"/repos/{api.repository}/actions/workflows/x.yml"),
}


def named(hub: Hub, named_by: str = "GITHUB_API_URL") -> Api:
    where = Address("acme/tau", hub.url, f"{hub.url}/graphql", hub.url, named_by)
    return Api(where, "ghp_x", WaitingClock(hub.clock))


def told(api: Api, act: Callable[[Api], object]) -> tuple[str, str]:
    with pytest.raises(OutsideError) as failed:
        api.attempt("reading", lambda: act(api))
    return failed.value.message, failed.value.hint


@pytest.mark.parametrize("route", WAYS)
@pytest.mark.parametrize("status", [200, 401, 403, 404])
def test_a_web_page_is_no_answer_of_github(hub: Hub, route: str, status: int) -> None:
    hub.fail(route, Fault(status=status, page=PAGE), times=-1)
    message, hint = told(named(hub), WAYS[route])
    assert f"answered {status} with text/html" in message
    assert hub.url in message
    assert f"expected at {hub.url}, by GITHUB_API_URL" in hint
    assert "GITHUB_REPOSITORY" not in hint


@pytest.mark.parametrize("route", WAYS)
@pytest.mark.parametrize("place", [LOGIN, "/login", "https://api.elsewhere.example/repos/acme/other"])
def test_a_redirect_that_leaves_the_api_names_the_address(hub: Hub, route: str, place: str) -> None:
    hub.fail(route, Fault(status=302, headers=(("Location", place),)))
    message, hint = told(named(hub, "GITHUB_SERVER_URL"), WAYS[route])
    assert f"answered 302 to {place}" in message
    assert "by GITHUB_SERVER_URL" in hint
    assert "moved" not in message


def test_a_renamed_repository_is_still_told_as_one(hub: Hub, origin: tuple[Path, str]) -> None:
    world = GitHubWorld(hub, *origin)
    hub.rename(world.repo, "acme/new")
    with pytest.raises(OutsideError, match="acme/tau has moved to acme/new"):
        world.run().releases.page(1, "")


@pytest.mark.parametrize("by", ["GITHUB_API_URL", "the clone's remote", ""])
def test_a_host_that_does_not_answer_names_the_address(hub: Hub, by: str) -> None:
    """Port 1 of the loopback listens to nobody."""
    away = "http://127.0.0.1:1"
    api = Api(Address("acme/tau", away, f"{away}/graphql", away, by), "ghp_x", WaitingClock(hub.clock))
    _, hint = told(api, WAYS["GET *"])
    assert hint.startswith("run it again later")
    assert (by or "set GITHUB_SERVER_URL") in hint


def test_a_connection_that_drops_after_github_answered_is_an_outage(
    hub: Hub, origin: tuple[Path, str]
) -> None:
    world = GitHubWorld(hub, *origin)
    run = world.run()
    run.store.head()
    hub.fail("GET *", Fault(status=502), times=5)
    with pytest.raises(OutsideError) as failed:
        run.releases.page(1, "")
    assert failed.value.hint == "run it again later; the next run does what is missing"


@pytest.mark.parametrize(
    ("environment", "by"),
    [
        ({}, ""),
        ({"GITHUB_API_URL": "https://api.github.com"}, ""),
        ({"GITHUB_API_URL": "https://ghe.example/api/v3"}, "GITHUB_API_URL"),
        ({"GITHUB_SERVER_URL": "https://ghe.example"}, "GITHUB_SERVER_URL"),
    ],
)
def test_an_address_knows_what_named_it(environment: dict[str, str], by: str) -> None:
    assert address({"GITHUB_REPOSITORY": "acme/tau", **environment}).named_by == by


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("410 Issues are disabled for this repo", "tick `Issues`"),
        ("410 Issues has been disabled in this repository.", "tick `Issues`"),
        ("410 This issue was deleted", "it was deleted or has expired"),
        ("410 Gone", "it was deleted or has expired"),
        ("410 Artifact has expired", "it was deleted or has expired"),
    ],
)
def test_only_switched_off_issues_are_to_be_switched_on(message: str, hint: str) -> None:
    assert hint in advice(RefusedByGitHubError(message, 410), Address("acme/tau"))
