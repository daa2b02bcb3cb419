"""How the CI of a commit went, as GitHub tells it: whatever else hangs on the commit."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from benchmarks.github_calls import pile_up
from fakehub.hub import Hub
from rollout.adapters.github.checks_documents import OWN_JOBS, OWN_WORKFLOWS
from rollout.core.forge import CheckRun
from rollout.errors import OutsideError
from rollout.ports import ChecksBefore, ChecksUnreadError
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.test_faults import PERMISSIONS
from tests.adapters.github.world import GitHubWorld
from tests.world import CHECKS

__all__ = ["hub", "origin"]

WORKFLOWS = Path(__file__).parents[3] / ".github/workflows"
GATE = "Live smoke gate"
OWN = "rollout-reconcile.yml"
_RUNS = 20


@pytest.fixture
def world(hub: Hub, origin: tuple[Path, str]) -> GitHubWorld:
    """Nothing ran on the release's commit, and its token may read Actions."""
    world = GitHubWorld(hub, *origin)
    world.repo.checks.clear()
    hub.forget_calls()
    return world


def found(world: GitHubWorld, *wanted: str, since: datetime | None = None) -> list[CheckRun]:
    """After as many runs as it takes."""
    before = ChecksBefore(world.release, since)
    for _ in range(_RUNS):
        try:
            return world.run().forge.check_runs(world.release, wanted, before)
        except ChecksUnreadError as unread:
            world.clock.forward(minutes=11)
            before = ChecksBefore(world.release, names=unread.reading.names, reading=unread.reading)
    raise AssertionError("it does not come to an end")


def named(runs: list[CheckRun]) -> list[tuple[str, str | None]]:
    return [(run.name, run.conclusion) for run in runs]


def without_actions(world: GitHubWorld) -> None:
    world.token = world.hub.app_token(world.repo, permissions=PERMISSIONS)


# --- the tool itself ---------------------------------------------------------------------------------------


def test_its_workflows_and_jobs_are_known() -> None:
    files = {path.name: yaml.safe_load(path.read_text()) for path in WORKFLOWS.glob("rollout-*.yml")}
    assert files.keys() == OWN_WORKFLOWS
    jobs = [job["name"] for file in files.values() for job in file["jobs"].values()]
    assert [name for name in jobs if not OWN_JOBS.fullmatch(name)] == []
    assert not OWN_JOBS.fullmatch("Plan the migration")


@pytest.mark.parametrize("may_read_actions", [True, False])
def test_its_jobs_and_statuses_are_left_out(world: GitHubWorld, may_read_actions: bool) -> None:
    if not may_read_actions:
        without_actions(world)
    for job in ("Product on ubuntu-24.04", "Report", "Reconcile"):
        world.repo.add_check(world.release, job, workflow=OWN)
    world.repo.add_check(world.release, "rollout-check", "failure", workflow="rollout-check.yml")
    world.repo.set_status(world.token, world.release, "rollout/tau", "failure")
    world.repo.add_check(world.release, "unit")
    assert named(found(world, "*")) == [("unit", "success")]


@pytest.mark.parametrize("may_read_actions", [True, False])
def test_a_product_s_job_of_such_a_name_counts(world: GitHubWorld, may_read_actions: bool) -> None:
    if not may_read_actions:
        without_actions(world)
    for job in ("Plan", "Apply"):
        world.repo.add_check(world.release, job, "failure", workflow="terraform.yml")
    world.repo.add_check(world.release, "Start", app="buildkite")
    assert named(found(world)) == [("Plan", "failure"), ("Apply", "failure"), ("Start", "success")]


def test_what_an_action_reports_into_a_suite_of_the_tool_counts(world: GitHubWorld) -> None:
    """GitHub puts it into whichever suite of Actions the commit has (public issues of test reporters)."""
    world.repo.add_check(world.release, "Reconcile", workflow=OWN)
    world.repo.add_check(world.release, "JUnit report", "failure", workflow=OWN)
    assert named(found(world)) == [("JUnit report", "failure")]


# --- many suites -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newest_first", [False, True])
def test_ci_is_found_under_hundreds_of_own_runs(world: GitHubWorld, newest_first: bool) -> None:
    """Whichever way GitHub lists suites: first CI, own runs, a run of CI by hand, own runs, another check."""
    world.repo.newest_suites_first = newest_first
    world.repo.add_check(world.release, GATE, "failure")
    pile_up(world, 650)
    world.clock.forward(minutes=1)
    world.repo.add_check(world.release, GATE, "success", anew=True)
    pile_up(world, 650)
    world.clock.forward(minutes=20)
    world.repo.add_check(world.release, "late", workflow="nightly.yml")
    world.hub.forget_calls()
    runs = found(world, "Live smoke *", since=world.now)
    assert sorted(named(runs), key=str) == [(GATE, "failure"), (GATE, "success"), ("late", "success")]
    assert len({run.source for run in runs if run.name == GATE}) == 1
    assert world.calls() == ["POST /graphql checks"] * (3 if newest_first else 2)


@pytest.mark.parametrize("newest_first", [False, True])
def test_what_lies_between_the_ends_is_read_once(world: GitHubWorld, newest_first: bool) -> None:
    """A check that nobody has seen may be there, and fail."""
    world.repo.newest_suites_first = newest_first
    pile_up(world, 150)
    world.repo.add_check(world.release, GATE, "failure")
    pile_up(world, 150)
    assert named(found(world, "Live smoke *")) == [(GATE, "failure")]
    later = world.now + timedelta(hours=1)
    world.clock.forward(minutes=60)
    pile_up(world, 1)
    assert named(found(world, "Live smoke *", GATE, since=later)) == [(GATE, "failure")]


def test_more_new_suites_than_one_end_shows_are_read(world: GitHubWorld) -> None:
    """As after an outage of the tool, when a check may have come and sunk."""
    pile_up(world, 150)
    read = world.now
    world.clock.forward(minutes=60)
    world.repo.add_check(world.release, GATE, "failure")
    pile_up(world, 150)
    assert named(found(world, "Live smoke *", since=read)) == [(GATE, "failure")]


def test_a_red_check_between_own_runs_holds(world: GitHubWorld) -> None:
    world.ci()
    pile_up(world, 150)
    world.repo.add_check(world.release, "Live smoke nightly", "failure", workflow="nightly.yml")
    pile_up(world, 150)
    world.reconcile(world.observe())
    assert facts(world)["Live smoke nightly"] == "failure"


def test_suites_are_read_over_several_runs(world: GitHubWorld) -> None:
    """At most two requests more than for a few, in each of them; a red one counts as soon as it is read."""
    pile_up(world, 150)
    world.repo.add_check(world.release, GATE, "failure")
    pile_up(world, 1149)
    world.clock.forward(minutes=20)
    before, told = ChecksBefore(world.release), []
    for _ in range(_RUNS):
        world.hub.forget_calls()
        with pytest.raises(ChecksUnreadError) as unread:
            world.run().forge.check_runs(world.release, ["Live smoke *"], before)
        reading = unread.value.reading
        assert world.calls() == ["POST /graphql checks"] * 3
        assert named(list(unread.value.runs)) == [(GATE, "failure")]
        assert reading.names == (GATE,)
        told.append(reading.in_words)
        before = ChecksBefore(world.release, names=reading.names, reading=reading)
        if reading.read > 1000:
            break
    assert told[:2] == ["300 of 1,300 check suites read", "500 of 1,300 check suites read"]
    assert named(world.run().forge.check_runs(world.release, ["Live smoke *"], before)) == [(GATE, "failure")]


def test_names_without_globs_are_asked_for_at_once(world: GitHubWorld) -> None:
    pile_up(world, 150)
    world.repo.add_check(world.release, GATE, "failure")
    pile_up(world, 1150)
    world.hub.forget_calls()
    assert named(world.run().forge.check_runs(world.release, [GATE])) == [(GATE, "failure")]
    assert world.calls() == ["POST /graphql checks"] * 2


def test_a_gate_says_how_far_its_checks_are_read(world: GitHubWorld) -> None:
    """Green ones may hide a red one, so it is unknown until then; each tick goes on where the last ended."""
    world.ci()
    pile_up(world, 600)
    world.repo.add_check(world.release, "Live smoke nightly", "failure", workflow="nightly.yml")
    pile_up(world, 150)
    seen = []
    for _ in range(4):
        world.clock.forward(minutes=20)
        world.reconcile(world.observe())
        seen += [gate.seen for gate in world.status.gates if "check suites read" in gate.seen]
    assert seen[:2] == ["300 of 752 check suites read", "500 of 752 check suites read"]
    assert facts(world)["Live smoke nightly"] == "failure"
    assert world.status.facts.reading is None


def test_pages_that_are_too_long_are_read_in_shorter_ones(world: GitHubWorld) -> None:
    world.hub.biggest_page = 20
    pile_up(world, 100)
    world.repo.add_check(world.release, GATE, "failure")
    pile_up(world, 50)
    world.clock.forward(minutes=20)
    assert named(found(world, "Live smoke *")) == [(GATE, "failure")]


def test_more_names_than_one_request_asks_for(world: GitHubWorld) -> None:
    names = [f"Live smoke {number}" for number in range(45)]
    for name in names:
        world.repo.add_check(world.release, name)
    pile_up(world, 150)
    world.hub.forget_calls()
    assert {run.name for run in found(world, *names, since=world.now + timedelta(hours=1))} == set(names)
    assert len(world.calls()) == 4


def test_a_suite_of_many_runs(world: GitHubWorld) -> None:
    names = [f"job {number}" for number in range(207)]
    for name in names:
        world.repo.add_check(world.release, name)
    world.hub.forget_calls()
    assert [run.name for run in found(world)] == names
    assert world.calls() == ["POST /graphql checks"] * 3


def test_a_commit_that_is_not_there(world: GitHubWorld) -> None:
    with pytest.raises(OutsideError, match="No commit found"):
        world.run().forge.check_runs("9" * 40)


# --- attempts ----------------------------------------------------------------------------------------------


def test_of_each_suite_the_newest_attempt_is_listed(world: GitHubWorld) -> None:
    world.repo.add_check(world.release, GATE, "failure")
    world.repo.add_check(world.release, GATE, None)
    (run,) = found(world)
    assert (run.status, run.conclusion, run.started_at) == ("in_progress", None, world.now)


def test_a_newer_run_of_a_workflow_is_of_the_same_source(world: GitHubWorld) -> None:
    """Which workflow it is takes `actions: read`; else suites are told apart, and no red one is hidden."""
    world.repo.add_check(world.release, GATE, "failure")
    world.repo.add_check(world.release, GATE, "success", anew=True)
    world.repo.add_check(world.release, GATE, "success", workflow="nightly.yml")
    world.repo.add_check(world.release, GATE, "success", app="buildkite")
    assert len({run.source for run in found(world)}) == 3
    without_actions(world)
    assert len({run.source for run in found(world)}) == 4


def test_a_name_of_two_workflows_has_to_be_green_in_both(world: GitHubWorld) -> None:
    world.ci()
    world.repo.add_check(world.release, GATE, "failure", workflow="nightly.yml")
    world.clock.forward(minutes=1)
    world.ci()  # a re-run of the first workflow alone
    world.reconcile(world.observe())
    assert facts(world)[GATE] == "failure"


# --- commit statuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "conclusion"),
    [("success", "success"), ("failure", "failure"), ("error", "failure"), ("pending", "pending")],
)
def test_ci_by_commit_statuses_alone(world: GitHubWorld, state: str, conclusion: str) -> None:
    """The newest of each context counts, and the tick makes no request more."""
    for name in CHECKS:
        world.repo.set_status(world.alice, world.release, name, "failure")
        world.repo.set_status(world.alice, world.release, name, state)
    observed = world.observe()
    world.hub.forget_calls()
    world.reconcile(observed)
    assert set(facts(world).values()) == {conclusion}
    assert world.calls().count("POST /graphql checks") == 1
    assert all("status" not in call for call in world.calls() if call.startswith("GET"))


def test_a_status_and_a_check_of_one_name_both_count(world: GitHubWorld) -> None:
    world.ci()
    world.repo.set_status(world.alice, world.release, GATE, "failure")
    world.reconcile(world.observe())
    assert facts(world)[GATE] == "failure"


def test_commits_of_a_branch_come_with_their_statuses(world: GitHubWorld) -> None:
    tip = world.repo.bare.branch("main") or ""
    world.repo.set_status(world.alice, tip, "ci/unit", "success")
    world.repo.set_status(world.token, tip, "rollout/tau", "failure")
    pile_up(world, 1, commit=tip)
    newest = next(world.run().forge.newest_commits("main"))
    assert (newest.commit, named(list(newest.runs))) == (tip, [("ci/unit", "success")])


def test_a_commit_of_a_branch_that_was_read_once_is_asked_for_by_name(world: GitHubWorld) -> None:
    """As after a revert, whose merge the tool's own runs pile up on."""
    tip = world.repo.bare.branch("main") or ""
    world.repo.add_check(tip, GATE, "success")
    pile_up(world, 650, commit=tip)
    world.clock.forward(minutes=20)
    with pytest.raises(ChecksUnreadError) as unread:
        next(world.run().forge.newest_commits("main", wanted=["Live smoke *"]))
    reading = unread.value.reading
    assert reading.commit == tip
    known = ChecksBefore(tip, names=reading.names, reading=reading)
    with pytest.raises(ChecksUnreadError, match="500 of 651 check suites read"):
        next(world.run().forge.newest_commits("main", None, ["Live smoke *"], known))
    world.hub.forget_calls()
    known = ChecksBefore(tip, world.now, (GATE,))
    newest = next(world.run().forge.newest_commits("main", None, ["Live smoke *"], known))
    assert (newest.commit, named(list(newest.runs))) == (tip, [(GATE, "success")])
    assert world.calls() == ["POST /graphql checks"] * 3


def test_a_token_that_may_not_read_statuses_makes_ci_unknown(world: GitHubWorld) -> None:
    permissions = {name: level for name, level in PERMISSIONS.items() if name != "statuses"}
    world.token = world.hub.app_token(world.repo, permissions=permissions)
    with pytest.raises(OutsideError, match="not accessible"):
        found(world)


def facts(world: GitHubWorld) -> dict[str, str]:
    return {check.name: check.conclusion for check in world.status.facts.checks or ()}
