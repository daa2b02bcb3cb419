"""GitHub at its worst: each fault at each kind of request, runs at one time, and settings that forbid."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from fakehub import faults
from fakehub.clock import NOON
from fakehub.faults import Fault, Match
from fakehub.hub import Hub
from rollout.adapters.github.api import PassingError
from rollout.adapters.github.forge import CLOSED_MARKER
from rollout.commands.freeze import freeze
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.reconcile.report import Report
from rollout.commands.start import StartOptions, start
from rollout.core.observation import Observation
from rollout.core.state import Verdict
from rollout.errors import InputError, OutsideError
from tests.adapters.github.fault_table import ALL, DECORATIVE, FATAL, LOST, table
from tests.adapters.github.fixtures import hub, origin, world
from tests.adapters.github.world import Adapters, GitHubWorld, seed
from tests.world import TAU, VERSION, promotion_body

__all__ = ["hub", "origin", "world"]

PERMISSIONS = dict.fromkeys(("contents", "pull_requests", "statuses"), "write") | {"checks": "read"}
BRANCH = f"rollout/tau/{VERSION}/canary-1"
TITLE = "rollout(tau): promote v0.1.5 preflight -> canary-1"
SNAPSHOT = "POST /graphql repository"
COMMIT = "POST /graphql createCommitOnBranch"
LISTING = "POST /graphql repository,repository"
MAKING = "POST /graphql createRef*"
SECOND_READ = "the second POST /graphql repository"
CHECKS = "POST /graphql checks"


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository with a train that rolls nothing out, and a commit to release."""
    repository, release = seed(tmp_path_factory.mktemp("idle") / "repository")
    return repository.path, release


def reconcile(world: GitHubWorld, *evidence: Observation, timeout: int = 20) -> Report:
    run = world.run(timeout=timeout)
    return reconciler(world, run).run(TAU, evidence)


def reconciler(world: GitHubWorld, run: Adapters) -> Reconciler:
    return Reconciler(run.store, run.forge, world.clock, promotion_body, decorations=run.decorations)


def second(route: str) -> Match:
    """The second request that matches, and no other."""
    matching = itertools.count(1)
    return lambda call: fnmatchcase(call, route) and next(matching) == 2


def with_fault(
    world: GitHubWorld, route: str, name: str, *evidence: Observation, decorative: bool = False
) -> None:
    """One run that meets the fault, and one that does not. The first gets over what passes."""
    fault = ALL[name]
    planned = world.hub.fail(second(SNAPSHOT) if route == SECOND_READ else route, fault)
    failed = False
    try:
        reconcile(world, *evidence, timeout=1 if fault is faults.HANG else 20)
    except OutsideError:
        failed = True
    stops = route != CHECKS and route not in DECORATIVE and not decorative
    assert failed == (name in FATAL and stops)
    assert planned.left == 0
    world.hub.heal()
    reconcile(world, *evidence)


STATUSES_WHEN_OPEN = [
    ("rollout/tau", "pending", "v0.1.5 preflight: in progress"),
    ("rollout/tau", "success", "v0.1.5 preflight -> canary-1: every gate holds"),
]


def assert_open(world: GitHubWorld) -> None:
    """One pull request with one commit, label and body, and each status once."""
    assert world.pulls() == [(BRANCH, "open", ["rollout"], [])]
    assert world.branches() == {"main": [], BRANCH: [TITLE]}
    parent = world.repo.bare.id_of(f"{BRANCH}^")
    assert world.repo.threads[1].body == f"preflight: promote, on {parent}"
    assert world.repo.bare.merge_base("main", BRANCH) == parent
    assert world.statuses() == STATUSES_WHEN_OPEN


@table(SNAPSHOT, COMMIT, LISTING, MAKING, CHECKS, "POST */labels", "POST */statuses/*")
def test_opening_a_promotion(world: GitHubWorld, route: str, fault: str) -> None:
    before = world.subjects()
    with_fault(world, route, fault, world.observe())
    if world.verdict is not Verdict.PROMOTE:
        # CI could not be asked, which is nobody's health: it takes another look.
        assert (route, fault) in {(CHECKS, name) for name in FATAL}
        world.tick()
    assert_open(world)
    if route != CHECKS:
        assert world.subjects() == [
            "rollout(tau): sign-off of v0.1.5: unified-harness, ci-live-smoke, rollb…",
            "rollout(tau): observe v0.1.5 preflight: promote to canary-1",
            *before,
        ]


@table("PATCH */git/refs/*", "POST */pulls")
def test_opening_where_a_branch_was_left(world: GitHubWorld, route: str, fault: str) -> None:
    world.repo.bare.git("branch", BRANCH, "main^")
    with_fault(world, route, fault, world.observe())
    assert_open(world)


@table("POST */git/refs")
def test_opening_after_nothing_came_of_the_first_try(world: GitHubWorld, route: str, fault: str) -> None:
    world.hub.fail(MAKING, faults.BAD_GATEWAY)
    with_fault(world, route, fault, world.observe())
    assert_open(world)


@table("PATCH */pulls/*")
def test_telling_that_a_gate_fails_again(world: GitHubWorld, route: str, fault: str) -> None:
    reconcile(world, world.observe())
    world.ci("failure", names=("Live smoke gate",))
    with_fault(world, route, fault, decorative=True)
    assert world.pulls() == [(BRANCH, "open", ["rollout"], [])]
    parent = world.repo.bare.id_of(f"{BRANCH}^")
    assert world.repo.threads[1].body == f"preflight: hold, on {parent}"
    states = [state for _, state, _ in world.statuses()]
    assert sorted(states) == ["failure", "failure", "pending", "success"]


@table(SECOND_READ, "POST */comments", "DELETE */git/refs/*", "PATCH */pulls/*")
def test_closing_what_a_freeze_forbids(world: GitHubWorld, route: str, fault: str) -> None:
    reconcile(world, world.observe())
    freeze(world.store, world.clock, TAU, "a wish")
    with_fault(world, route, fault)
    why = f"The rollout is frozen: a wish\n\n{CLOSED_MARKER}"
    lost = route if fault in LOST else ""
    assert world.pulls() == [(BRANCH, "closed", ["rollout"], [] if lost == "POST */comments" else [why])]
    left = {BRANCH: [TITLE]} if lost == "DELETE */git/refs/*" else {}
    assert world.branches() == {"main": [], **left}
    assert world.subjects()[:2] == ["rollout(tau): freeze v0.1.5 preflight: a wish"] * 2


@table(COMMIT)
def test_starting_a_release(hub: Hub, idle: tuple[Path, str], route: str, fault: str) -> None:
    world = GitHubWorld(hub, *idle)
    world.clock.forward(minutes=10)
    before = world.subjects()
    hub.fail(route, ALL[fault])
    options = StartOptions(VERSION, world.release)

    def begin(timeout: int) -> None:
        run = world.run(timeout=timeout)
        start(run.store, run.history, world.clock, TAU, options)

    try:
        begin(1 if fault == "timeout" else 20)
    except (OutsideError, InputError):
        assert fault in FATAL
        assert world.subjects() == before
        begin(20)
    assert world.subjects() == ["rollout(tau): start v0.1.5 preflight", *before]


# --- how long it is waited ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (faults.BAD_GATEWAY, [1, 2]),
        (faults.too_many(), [60, 60]),
        (faults.too_many(7), [7, 7]),
        (faults.rate_limited(int((NOON + timedelta(minutes=2)).timestamp())), [121, 121]),
        (faults.graphql("You have exceeded a secondary rate limit.", ""), [60, 60]),
        (Fault(status=403, message="You have triggered an abuse detection mechanism."), [60, 60]),
    ],
)
def test_github_says_how_long_to_wait(
    hub: Hub, origin: tuple[Path, str], fault: Fault, waited: list[float]
) -> None:
    world = GitHubWorld(hub, *origin)
    hub.fail(SNAPSHOT, fault, times=2)
    assert world.run().store.head() == world.repo.bare.branch("main")
    assert world.patience.waited == waited


def test_what_keeps_failing_is_told_with_what_is_done(world: GitHubWorld) -> None:
    world.hub.fail(MAKING, faults.BAD_GATEWAY, times=-1)
    world.hub.fail("PATCH */git/refs/*", faults.BAD_GATEWAY, times=-1)
    with pytest.raises(OutsideError) as failed:
        reconcile(world, world.observe())
    assert failed.value.message == (
        f"opening the pull request from {BRANCH} failed: GitHub: 502 Server Error; tried 5 times"
    )
    first, second = world.repo.bare.git("log", "-2", "--format=%h", "--abbrev=10", "main").split()
    assert failed.value.hint == (
        "run it again later; the next run does what is missing;"
        f" done already: commit {second} on main, commit {first} on main"
    )
    assert world.patience.waited == [1, 2, 4, 8]
    world.hub.heal()
    reconcile(world)
    assert_open(world)


def test_nobody_waits_longer_than_the_budget(world: GitHubWorld) -> None:
    world.hub.fail(SNAPSHOT, faults.too_many(3600))
    with pytest.raises(OutsideError, match="it asks to wait 3600s"):
        reconcile(world)
    world.hub.fail(SNAPSHOT, faults.too_many(200), times=2)
    with pytest.raises(OutsideError, match="it asks to wait 200s"):
        reconcile(world)
    assert world.patience.waited == [200]


def test_decorations_have_little_patience_of_their_own(world: GitHubWorld) -> None:
    """A slow GitHub costs them a minute in all; what is vital has its own five."""
    slow = faults.too_many(25)
    for route in ("POST */labels", "POST */statuses/*"):
        world.hub.fail(route, slow, times=-1)
    run = world.run()
    reconciler(world, run).run(TAU, [world.observe()])
    assert world.patience.waited == [25, 25]
    labelling, *statuses = run.decorations.told()
    assert labelling.startswith("labelling pull request 1 failed: GitHub: 429")
    assert "it asks to wait 25s" in statuses[-1]
    world.hub.heal()
    reconcile(world)
    assert_open(world)


def test_decorations_that_hang_are_given_up(world: GitHubWorld) -> None:
    api = world.run().api
    for _ in range(2):
        with pytest.raises(OutsideError, match="timed out; tried"):
            api.decorate("showing it", lambda: hanging(world))
    with pytest.raises(OutsideError, match="not tried: GitHub answers too slowly"):
        api.decorate("showing it", lambda: hanging(world))
    assert api.attempt("reading it", lambda: "read") == "read"


def hanging(world: GitHubWorld) -> None:
    world.clock.forward(seconds=20)
    raise PassingError("timed out")


# --- settings ----------------------------------------------------------------------------------------------


def test_a_token_that_is_not_accepted(world: GitHubWorld) -> None:
    token = replace(world.token, value="ghs_secret")
    with pytest.raises(OutsideError, match="reading main failed: GitHub: 401 Bad credentials") as refused:
        world.run(token).store.head()
    assert "ROLLOUT_TOKEN" in refused.value.hint
    assert "ghs_secret" not in f"{refused.value} {refused.value.hint}"


def test_a_token_is_cut_out_of_what_a_server_says(world: GitHubWorld) -> None:
    world.hub.fail(SNAPSHOT, Fault(status=422, message=f"bad token {world.token.value}"))
    with pytest.raises(OutsideError, match=r"bad token \*\*\*"):
        world.run().store.head()


def test_actions_that_may_not_open_pull_requests(world: GitHubWorld) -> None:
    world.token = world.hub.run_token(world.repo, PERMISSIONS)
    world.repo.actions_may_open_pulls = False
    with pytest.raises(OutsideError, match="not permitted to create or approve pull requests") as refused:
        reconcile(world, world.observe())
    assert "Settings > Actions > General" in refused.value.hint
    world.repo.actions_may_open_pulls = True
    reconcile(world)
    assert_open(world)


@pytest.mark.parametrize("missing", ["contents", "pull_requests"])
def test_a_permission_that_is_missing(world: GitHubWorld, missing: str) -> None:
    observed = world.observe()
    world.token = world.hub.run_token(world.repo, {**PERMISSIONS, missing: "read"})
    with pytest.raises(OutsideError, match="Resource not accessible by integration") as refused:
        reconcile(world, observed)
    assert "permissions contents: write, pull-requests: write, statuses: write" in refused.value.hint


def test_a_ruleset_that_holds_up_state_commits(world: GitHubWorld) -> None:
    world.hub.ruleset(world.repo, required_statuses=("rollout/tau",))
    with pytest.raises(OutsideError, match="Required status check") as refused:
        reconcile(world, world.observe())
    assert "Settings > Rules > Rulesets" in refused.value.hint


def test_a_repository_that_the_token_does_not_reach(world: GitHubWorld) -> None:
    with pytest.raises(OutsideError, match="Could not resolve to a Repository") as refused:
        world.run(world.hub.person("mallory")).store.head()
    assert "GITHUB_REPOSITORY" in refused.value.hint


# --- several at once ---------------------------------------------------------------------------------------


def test_two_reconcilers_at_once_lose_nothing(world: GitHubWorld) -> None:
    first = world.observe()
    world.clock.forward(minutes=10)
    second = world.observe()
    before = len(world.subjects())
    world.hub.before(COMMIT, lambda: reconcile(world, first))
    world.hub.forget_calls()
    report = reconcile(world, second)
    assert [taken.step.event for taken in report.steps] == ["observe"]
    assert len(world.subjects()) == before + 3
    events = world.events()[-3:]
    assert events == ["observe", "signoff", "observe"]
    assert world.status.observation == second
    assert_open(world)


def test_two_that_open_the_same_promotion_open_one(world: GitHubWorld) -> None:
    observed = world.observe()
    world.hub.before(MAKING, lambda: reconcile(world))
    reconcile(world, observed)
    assert world.pulls() == [(BRANCH, "open", ["rollout"], [])]
    assert world.branches() == {"main": [], BRANCH: [TITLE]}
