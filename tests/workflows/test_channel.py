"""rollout-channel.yml under act: what it changes, and how a list of releases that fails is got over."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakehub import faults
from fakehub.entities import Run
from fakehub.hub import Hub
from tests.workflows.town import CONTRACT, OLD_VERSION, STATUS, VERSION, Town, build, keys

LIST = "GET /repos/acme/tau/releases"
DEPLOY = """\
channel:
  review: {review}
  apply: {{command: [python3, -c, "open('deployed', 'w').write('{{version}}')"]}}
"""


def town_with(hub: Hub, folder: Path, *, app: bool, review: str = "commit") -> Town:
    contract = CONTRACT + DEPLOY.format(review=review)
    town = build(hub, folder, app=app, contract=contract)
    for tag in (OLD_VERSION, VERSION):
        town.repo.add_release(tag)
    town.repo.add_release("v0.2.0-rc.1", prerelease=True)
    return town


@pytest.fixture
def town(hub: Hub, tmp_path: Path) -> Town:
    return town_with(hub, tmp_path, app=False)


def channel(town: Town, do: str, **inputs: str) -> Run:
    return town.hub.dispatch(town.repo, "rollout-channel.yml", {"do": do, **inputs}, by="alice")


def said(run: Run) -> str:
    """The log and the summary of the job."""
    (job,) = run.jobs
    return job.log + job.summary


def cache_of(town: Town) -> str:
    return str(town.repo.bare.text("main:state/tau/release-cache.yaml"))


@pytest.mark.parametrize("app", [True, False], ids=["app", "token"])
def test_plan_and_apply_are_commits_and_the_product_is_told(hub: Hub, tmp_path: Path, app: bool) -> None:
    town = town_with(hub, tmp_path, app=app)
    planned = channel(town, "plan")
    assert keys(planned) == ["channel"]
    assert town.state("channel")["plan"]["target_version"] == VERSION
    assert "ok: v0.1.5 is newer than v0.1.4" in said(planned)
    assert keys(channel(town, "apply")) == ["channel"]
    state = town.state("channel")
    assert (state["current_version"], state["rollback"]["version"]) == (VERSION, OLD_VERSION)
    assert state["request"]["result"] is None
    town.tick()
    assert town.state("channel")["request"]["result"]["ok"]
    assert town.events()[-3:] == ["channel", "channel", "channel"]
    before = town.world()
    town.tick()
    assert town.world() == before


def test_looking_changes_nothing(town: Town) -> None:
    before = town.world()
    for do in ("show", "check"):
        assert keys(channel(town, do)) == ["channel"]
    shown = channel(town, "apply", target=f" {VERSION} ", **{"dry-run": "true"})
    assert "+current_version: v0.1.5" in said(shown)
    assert town.world() == before


def test_a_re_run_applies_no_newer_version(town: Town) -> None:
    first = channel(town, "apply")
    town.hub.clock.forward(hours=30)
    town.repo.add_release("v0.1.6")
    again = town.hub.engine.rerun(town.repo, first)
    assert (again.conclusion, town.state("channel")["current_version"]) == ("failure", VERSION)
    assert "the newest version may be another one than when this was asked" in said(again)


def test_a_blocked_plan_is_an_answer_and_a_blocked_apply_fails(town: Town) -> None:
    assert channel(town, "plan", target="v9.0.0; rm -rf /").conclusion == "success"
    assert town.state("channel")["plan"]["guard_code"] == "invalid_target_version"
    run = channel(town, "apply", target="v9.0.0")
    assert run.conclusion == "failure"
    assert "major_version_jump_blocked: v9.0.0 is 9 major versions ahead of v0.1.4" in said(run)
    assert town.state("channel")["apply"]["status"] == "blocked"
    assert town.state("channel")["current_version"] == OLD_VERSION


def test_a_switch_is_a_commit_and_is_refused_during_a_rollout(town: Town) -> None:
    assert channel(town, "set beta").conclusion == "success"
    assert town.state("channel")["channel"] == "beta"
    town.start()
    refused = channel(town, "set stable")
    assert refused.conclusion == "failure"
    assert "tau is in progress: its channel stays beta" in said(refused)


def test_an_unchanged_list_is_not_sent_again(town: Town) -> None:
    for number in range(120):
        town.repo.add_release(f"v0.1.{number}-rc.1", prerelease=True)
    channel(town, "cache refresh")
    town.hub.clock.forward(minutes=20)
    town.hub.forget_calls()
    channel(town, "check")
    calls = [call for call in town.hub.calls() if str(call) == LIST]
    assert [call.status for call in calls] == [304, 304]


def test_an_outage_with_a_cache_and_without(town: Town) -> None:
    planned = town.hub.fail(LIST, faults.NOT_FOUND, times=-1)
    down = channel(town, "plan")
    assert down.conclusion == "failure"
    assert "no list is cached" in said(down)
    assert town.state("channel").get("plan") is None
    town.hub.heal()
    channel(town, "cache refresh")
    town.hub.clock.forward(minutes=60)
    town.hub.fail(LIST, faults.rate_limited(4_000_000_000), times=-1)
    assert channel(town, "plan").conclusion == "success"
    made = town.state("channel")["plan"]
    assert (made["target_version"], made["lookup_source"]) == (VERSION, "cache_stale_fallback")
    assert planned.hits


def test_clear(town: Town) -> None:
    channel(town, "cache refresh")
    assert f"tag: {VERSION}" in cache_of(town)
    channel(town, "cache clear")
    assert "release-cache.yaml" not in town.repo.bare.git("ls-tree", "--name-only", "main:state/tau")


def test_where_the_contract_asks_for_review_people_merge_it(hub: Hub, tmp_path: Path) -> None:
    town = town_with(hub, tmp_path, app=True, review="pull_request")
    channel(town, "apply")
    pull = town.open_pull()
    assert pull.pull is not None
    assert pull.pull.head == "rollout-channel/tau/apply-v0.1.5"
    assert town.status(pull.pull.head_sha) == "success"
    runs = town.settle()
    assert [run.conclusion for run in runs["rollout-check"]] == ["success"]
    assert town.state("channel")["current_version"] == OLD_VERSION
    town.merge()
    town.settle()
    town.tick()
    state = town.state("channel")
    assert (state["current_version"], state["request"]["result"]["ok"]) == (VERSION, True)


def test_what_is_proposed_turns_red_when_a_rollout_starts(hub: Hub, tmp_path: Path) -> None:
    town = town_with(hub, tmp_path, app=True, review="pull_request")
    channel(town, "set beta")
    pull = town.open_pull().pull
    assert pull is not None
    town.start()
    town.settle()
    assert town.status(pull.head_sha) == "failure"
    assert STATUS == "rollout/tau"
