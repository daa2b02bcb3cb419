"""A rollback from the freeze to the reopened train, by its commands and reconcile, on fakes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.commands import quarantine as quarantines
from rollout.commands import reopen, rollback
from rollout.commands.checked import MOST_COMMITS
from rollout.commands.local import checked_commit
from rollout.commands.reconcile.incident import Responder
from rollout.commands.rollback import Declaration, Dispatch, ReleaseChoice
from rollout.commands.unfreeze import unfreeze
from rollout.commands.verify import verify
from rollout.core.contract import RollbackStep, SwitchLane
from rollout.core.effects import CloseIssue, OpenIssue, OpenPullRequest, UpdateIssue
from rollout.core.files import STATUS
from rollout.core.forge import PullRequestState, StatusState
from rollout.core.issue import IssueState
from rollout.core.state import Outcome, StepState, Work
from rollout.errors import InputError, OutsideError, RefusedError
from rollout.ports import RevertOutcome
from tests.fakes.writes import KilledError
from tests.world import BROWSER, CHECKS, COMMIT, OLD_COMMIT, OTHER_COMMIT, REVERTED, TAU, World, bad_timeline

BREACH = {"voice": {"fields": {"failure_streak": 3, "last_cycle_failed": 1, "queue_depth": 0}}}


@pytest.fixture
def world() -> World:
    world = World().play_to("canary-1")
    world.tick()
    return world


def break_down(world: World) -> World:
    """A trigger fires, and the evidence is captured."""
    world.tick(BREACH)
    world.clock.forward(minutes=1)
    world.reconcile(world.perform())
    return world


def dispatch(
    world: World, reason: str = "customers call", by: str = "ada", target: str | None = None
) -> bool:
    known = ("v0.1.3",)
    asked = Dispatch(reason, by, target)
    return rollback.roll_back(world.store, world.clock, TAU, asked, lambda _: known).commit is not None


def branch(world: World) -> str:
    incident = world.state.incident
    assert incident is not None
    return f"rollout-revert/{TAU}/{incident.id}"


def merge_and_validate(world: World) -> World:
    """A person merges the revert, CI and the harness are green on it."""
    world.clock.forward(minutes=5)
    world.reverter.merge(branch(world), at=world.now)
    world.reconcile()
    return validate(world)


def validate(world: World) -> World:
    world.clock.forward(minutes=1)
    world.ci(commit=REVERTED)
    world.run_harness()
    world.reconcile(world.perform(), world.observe())
    return world


def step(world: World, name: RollbackStep) -> tuple[StepState, str]:
    incident = world.state.incident
    assert incident is not None
    found = incident.step(name)
    return found.state, found.result


def is_sound(world: World) -> bool:
    before = len(world.writes.done)
    world.reconcile()
    assert world.writes.done[before:] == []
    return verify(world.store, TAU, None).findings == ()


# --- to the end -------------------------------------------------------------------------------------------


def test_a_trigger_leads_to_a_pull_request_and_an_issue(world: World) -> None:
    report = world.tick(BREACH)
    assert OpenIssue in {type(effect) for effect in report.effects}
    world.clock.forward(minutes=1)
    report = world.reconcile(world.perform())
    assert OpenPullRequest in {type(effect) for effect in report.effects}
    (pull,) = world.reverter.pulls
    assert (pull.head, pull.title) == (branch(world), "Revert v0.1.5 of tau")
    assert step(world, RollbackStep.REVERT)[1] == "the pull request is open, to be merged"
    (issue,) = world.issues.issues
    assert (issue.title, issue.state) == ("tau: rolling back v0.1.5 from canary-1", IssueState.OPEN)
    assert is_sound(world)


def test_the_merge_is_validated_and_ends_it(world: World) -> None:
    merge_and_validate(break_down(world))
    state = world.state
    assert (state.rollout.outcome, state.rollout.canary_percent) == (Outcome.ROLLED_BACK, 0)
    assert state.quarantine is not None
    assert [release.commit for release in state.quarantine.releases] == [COMMIT]
    assert state.channel is not None
    assert state.channel.current_version == "v0.1.4"
    (issue,) = world.issues.issues
    assert (issue.title, issue.state) == ("tau: rolled back v0.1.5 from canary-1", IssueState.CLOSED)
    assert world.forge.shown[COMMIT]["rollout/tau"][0] is StatusState.FAILURE
    assert is_sound(world)


def test_the_history_alone_tells_it(world: World) -> None:
    merge_and_validate(break_down(world))
    told = [entry.subject.removeprefix("rollout(tau): ") for entry in world.store.log(TAU)][::-1]
    assert told[told.index(next(each for each in told if each.startswith("roll back"))) :] == [
        "roll back v0.1.5 from canary-1: failure-streak-breach (vo…",
        "results v0.1.5 canary-1: rolling back",
        "roll back v0.1.5: capture evidence done: exit 0",
        "roll back v0.1.5: inspect target done: v0.1.4 on stable",
        "roll back v0.1.5: apply target skipped: v0.1.4 is recorde…",
        "roll back v0.1.5: revert: 1 commit, being proposed",
        "roll back v0.1.5: revert: the pull request is open, to be…",
        "roll back v0.1.5: revert done: the branch lacks the relea…",
        "roll back v0.1.5: validate again: waits: harness: no run…",
        "results v0.1.5 canary-1: rolling back",
        "observe v0.1.5 canary-1: rolling back",
        "rolled back v0.1.5",
    ]


def test_a_revert_by_push_goes_on_at_once() -> None:
    world = World().play_to("canary-1")
    policy = world.state.contract.rollback.model_copy(update={"revert": "push"})
    world.edit_contract(rollback=policy)
    world.tick()
    break_down(world)
    assert world.reverter.writes == ["push"]
    assert step(world, RollbackStep.REVERT)[0] is StepState.DONE
    validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK
    assert is_sound(world)


def test_a_revert_that_is_refused_is_told_and_tried_again(world: World) -> None:
    world.reverter.fails = ["main is protected", "main is protected"]
    report = world.tick(BREACH)
    world.clock.forward(minutes=1)
    report = world.reconcile(world.perform())
    assert any("main is protected" in note for note in report.notes)
    assert step(world, RollbackStep.REVERT) == (
        StepState.BLOCKED,
        "it could not be proposed: main is protected; tried again each time, or revert it by hand: the next"
        " reconcile notices",
    )
    head = world.store.head()
    world.reconcile()
    assert world.store.head() == head
    world.reconcile()
    assert step(world, RollbackStep.REVERT)[0] is StepState.RUNNING
    assert [pull.state for pull in world.reverter.pulls] == [PullRequestState.OPEN]


def test_a_revert_by_hand_is_noticed(world: World) -> None:
    world.reverter.outcome, world.reverter.conflicts = RevertOutcome.CONFLICT, ("src/main.rs",)
    break_down(world)
    assert step(world, RollbackStep.REVERT)[0] is StepState.BLOCKED
    world.reverter.outcome = RevertOutcome.NOTHING
    world.reverter.move(REVERTED)
    world.reconcile()
    validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK
    assert world.reverter.pulls == []
    assert is_sound(world)


def test_a_run_of_another_checkout_counts_if_it_is_free_of_the_release(world: World) -> None:
    break_down(world)
    world.reverter.merge(branch(world), at=world.now)
    world.reconcile()
    world.clock.forward(minutes=1)
    world.ci(commit=REVERTED)
    world.run_harness()
    seen = world.observe().model_copy(update={"product_head": COMMIT})
    world.reconcile(world.perform(), seen)
    assert "which still has the release" in step(world, RollbackStep.REVALIDATE)[1]
    world.reverter.frees("b" * 40)
    world.clock.forward(minutes=6)
    world.reconcile(world.observe().model_copy(update={"product_head": "b" * 40}))
    assert world.rollout.outcome is Outcome.ROLLED_BACK


STATE, MENDED, LATER = "a1" * 20, "b1" * 20, "c1" * 20
"""Later commits of the product's branch."""


def merged(world: World) -> World:
    """The revert is merged, and a harness run has passed on it; CI has said nothing yet."""
    break_down(world)
    world.clock.forward(minutes=5)
    world.reverter.merge(branch(world), at=world.now)
    return world


def judged(world: World) -> tuple[StepState, str]:
    """Step 6 after one more run, with the harness green."""
    world.clock.forward(minutes=1)
    world.reconcile()
    world.clock.forward(minutes=1)
    world.run_harness()
    world.reconcile(world.perform(), world.observe())
    return step(world, RollbackStep.REVALIDATE)


@pytest.mark.parametrize(
    "checks",
    [None, "skipped"],
    ids=["a commit of state alone starts no CI", "a change of documents skips it"],
)
def test_a_commit_without_checks_that_ran_is_passed_over(world: World, checks: str | None) -> None:
    merged(world)
    world.ci(commit=REVERTED)
    world.reverter.move(STATE, by_state=True)
    if checks is not None:
        world.ci(checks, commit=STATE)
    state, result = judged(world)
    assert (state, world.rollout.outcome) == (StepState.DONE, Outcome.ROLLED_BACK)
    assert f"ci_checks of {REVERTED[:10]}: 6 green" in result
    assert is_sound(world)


def test_red_ci_is_judged_anew_on_the_commit_that_mends_it(world: World) -> None:
    merged(world)
    world.ci(commit=REVERTED)
    world.ci("failure", commit=REVERTED, names=CHECKS[:1])
    state, result = judged(world)
    assert state is StepState.BLOCKED
    assert f"ci_checks of {REVERTED[:10]}: {CHECKS[0]} failure" in result
    world.reverter.move(MENDED)
    world.ci(None, commit=MENDED)
    state, result = judged(world)
    assert state is StepState.RUNNING
    assert f"ci_checks of {MENDED[:10]}: not finished" in result
    world.ci(commit=MENDED)
    assert judged(world)[0] is StepState.DONE
    assert world.rollout.outcome is Outcome.ROLLED_BACK
    assert is_sound(world)


def test_a_commit_with_the_release_in_it_again_validates_nothing(world: World) -> None:
    merged(world)
    assert judged(world)[0] is StepState.RUNNING
    world.reverter.release(LATER)
    world.ci(commit=LATER)
    state, result = judged(world)
    assert state is StepState.RUNNING
    assert "no commit that has the revert has such checks yet" in result


def test_checks_of_the_release_itself_validate_nothing(world: World) -> None:
    world.reverter.history[:] = [COMMIT, *world.reverter.history]
    merged(world)
    state, result = judged(world)
    assert state is StepState.RUNNING
    assert "no commit that has the revert has such checks yet" in result


def test_the_commit_that_was_judged_is_kept_while_state_commits_push_it_out_of_sight(world: World) -> None:
    merged(world)
    world.ci(None, commit=REVERTED)
    assert judged(world)[0] is StepState.RUNNING
    for number in range(MOST_COMMITS + 1):
        world.reverter.move(f"{number:040x}", by_state=True)
    world.ci(commit=REVERTED)
    assert judged(world)[0] is StepState.DONE
    assert is_sound(world)


def test_while_the_forge_is_down_nothing_is_judged(world: World) -> None:
    merged(world)
    world.ci(commit=REVERTED)
    world.forge.is_down = True
    state, result = judged(world)
    assert (state, "the forge could not be asked" in result) == (StepState.RUNNING, True)
    world.forge.is_down = False
    assert judged(world)[0] is StepState.DONE


def test_red_ci_of_the_revert_stays_frozen_until_it_is_green(world: World) -> None:
    break_down(world)
    world.reverter.merge(branch(world), at=world.now)
    world.ci("failure", commit=REVERTED, names=CHECKS[:1])
    world.reconcile()
    world.run_harness()
    assert step(world, RollbackStep.REVALIDATE)[0] is StepState.BLOCKED
    validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK


def test_the_commit_whose_checks_are_waited_for_holds_the_revert(world: World) -> None:
    """`rollout local check` records there, so that following step 6 ends it."""
    assert checked_commit(world.store, world.history, TAU) == COMMIT
    break_down(world)
    assert checked_commit(world.store, world.history, TAU) == COMMIT
    world.reverter.merge(branch(world), at=world.now)
    world.history.line.append(REVERTED)
    world.reconcile()
    assert checked_commit(world.store, world.history, TAU) == REVERTED
    validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK


def test_a_closed_pull_request_is_proposed_anew_when_a_person_asks(world: World) -> None:
    break_down(world)
    world.reverter.close(branch(world))
    world.reconcile()
    assert step(world, RollbackStep.REVERT)[0] is StepState.BLOCKED
    assert dispatch(world)
    world.reconcile()
    assert [pull.head for pull in world.reverter.pulls] == [branch(world), branch(world) + "-2"]
    assert is_sound(world)


@pytest.mark.parametrize("how", ["changed before the merge", "reverted after it"])
def test_a_merged_revert_that_left_the_release_is_proposed_anew(world: World, how: str) -> None:
    break_down(world)
    world.reverter.merge(branch(world), at=world.now, changed=True)
    if how == "reverted after it":
        world.reverter.take_back("c" * 40)
    world.reconcile()
    state, told = step(world, RollbackStep.REVERT)
    assert state is StepState.BLOCKED
    assert told.startswith("the pull request was merged as dddddddddd, and ")
    assert ("cccccccccc reverted it" in told) is (how == "reverted after it")
    assert "rollout rollback --reason WHY proposes it anew" in told
    assert is_sound(world)
    assert dispatch(world)
    world.reconcile()
    assert [pull.head for pull in world.reverter.pulls] == [branch(world), branch(world) + "-2"]
    world.reverter.merge(branch(world) + "-2", at=world.now)
    world.reconcile()
    validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK
    assert is_sound(world)


def test_a_revert_that_is_reverted_before_its_validation_begins_step_5_again(world: World) -> None:
    break_down(world)
    world.reverter.merge(branch(world), at=world.now)
    world.reconcile()
    assert step(world, RollbackStep.REVALIDATE)[0] is StepState.RUNNING
    world.reverter.take_back("c" * 40)
    world.reconcile()
    assert step(world, RollbackStep.REVERT) == (
        StepState.BLOCKED,
        "cccccccccc reverted the revert; rollout rollback --reason WHY proposes it anew, or revert it by"
        " hand: the next reconcile notices",
    )
    assert is_sound(world)
    dispatch(world, reason="still broken")
    world.reconcile()
    world.reverter.merge(branch(world) + "-2", at=world.now)
    world.reconcile()
    validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK
    assert is_sound(world)


def declare(world: World, commit: str, reason: str = "history was rewritten") -> bool:
    said = rollback.Declaration(commit, reason, "ada")
    known = {COMMIT, REVERTED}
    return (
        rollback.declare_reverted(world.store, world.clock, TAU, said, known.__contains__).commit is not None
    )


def test_a_person_declares_a_revert_that_nothing_shows(world: World) -> None:
    world.reverter.outcome = RevertOutcome.MISSING
    world.reverter.move("c" * 40)
    break_down(world)
    assert step(world, RollbackStep.REVERT)[0] is StepState.BLOCKED
    assert "rollout rollback --reverted COMMIT --reason WHY" in step(world, RollbackStep.REVERT)[1]
    assert declare(world, REVERTED)
    assert not declare(world, REVERTED), "it was said already"
    world.reconcile()
    assert step(world, RollbackStep.REVERT) == (
        StepState.DONE,
        f"declared done at {REVERTED[:10]} by a person",
    )
    assert not declare(world, REVERTED)
    assert is_sound(world)
    validate(world)
    state = world.state
    assert (state.rollout.outcome, world.reverter.pulls) == (Outcome.ROLLED_BACK, [])
    assert state.quarantine is not None
    assert [bad.reverted for bad in state.quarantine.releases] == [REVERTED]
    assert is_sound(world)


@pytest.mark.parametrize(
    ("commit", "error", "why"),
    [
        ("9" * 40, InputError, "no such commit"),
        (REVERTED[:12], InputError, "no such commit"),
        ("main", InputError, "no such commit"),
        (COMMIT, RefusedError, "that is the release itself"),
    ],
)
def test_a_declaration_names_a_commit_that_can_hold_the_revert(
    world: World, commit: str, error: type[Exception], why: str
) -> None:
    break_down(world)
    head = world.store.head()
    with pytest.raises(error, match=why):
        declare(world, commit)
    assert world.store.head() == head


def test_nothing_is_declared_without_a_rollback_or_once_it_was_noticed(world: World) -> None:
    with pytest.raises(RefusedError, match="tau is not rolling back"):
        declare(world, REVERTED)
    break_down(world)
    landed = world.reverter.merge(branch(world), at=world.now)
    world.reconcile()
    with pytest.raises(RefusedError, match=f"the revert was noticed at {landed[:12]} already"):
        rollback.declare_reverted(
            world.store, world.clock, TAU, rollback.Declaration("b" * 40, "why", "ada"), lambda _: True
        )


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_write_the_next_run_finishes(world: World, when: str) -> None:
    """Each effect once, freeze first, whichever write the process dies at."""
    for nth in range(1, 40):
        crashed = world.copy()
        crashed.writes.crash(nth, when)  # type: ignore[arg-type]
        tries = 0
        for act in (fire, break_down_again, merge_what_is_open, validate):
            try:
                act(crashed)
            except KilledError:
                tries += 1
                crashed.writes.forget()
                crashed.reconcile()
        finish(crashed)
        assert crashed.rollout.outcome is Outcome.ROLLED_BACK
        assert [pull.state for pull in crashed.reverter.pulls] == [PullRequestState.MERGED]
        assert [issue.state for issue in crashed.issues.issues] == [IssueState.CLOSED]
        assert crashed.events().count("rollback") == crashed.events().count("rolled-back") == 1
        assert is_sound(crashed)
        if not tries:
            return
    raise AssertionError("more writes than anybody counted on")


def fire(world: World) -> None:
    world.tick(BREACH)


def merge_what_is_open(world: World) -> None:
    world.clock.forward(minutes=5)
    for pull in world.reverter.pulls:
        if pull.state is PullRequestState.OPEN:
            world.reverter.merge(pull.head, at=world.now)
    world.reconcile()


def break_down_again(world: World) -> None:
    world.clock.forward(minutes=1)
    world.reconcile(world.perform())


def finish(world: World) -> None:
    """Whatever a dead process left undone is asked for again, so everybody does their part once more."""
    for _ in range(3):
        if world.rollout.outcome is Outcome.IN_PROGRESS:
            fire(world)
        break_down_again(world)
        merge_what_is_open(world)
        validate(world)


def test_a_rollback_wins_over_a_promotion_merged_in_the_same_minute(world: World) -> None:
    world.soak()
    world.merge()
    dispatch(world)
    world.reconcile()
    assert (world.rollout.phase, world.rollout.outcome) == ("canary-1", Outcome.ROLLING_BACK)
    assert is_sound(world)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(world: World) -> None:
    world.tick(BREACH)
    world.clock.forward(hours=1)
    before = len(world.writes.done)
    report = world.reconcile(dry_run=True)
    assert {UpdateIssue, OpenPullRequest} <= {type(effect) for effect in report.effects}
    assert world.writes.done[before:] == []


# --- before it is needed ----------------------------------------------------------------------------------


def test_a_conflict_is_known_long_before(world: World) -> None:
    world.reverter.outcome, world.reverter.conflicts = RevertOutcome.CONFLICT, ("src/main.rs",)
    world.reverter.move("c" * 40)
    world.reconcile()
    fact = world.status.facts.revert
    assert fact is not None
    assert (fact.outcome, fact.paths) == (RevertOutcome.CONFLICT, ("src/main.rs",))


def test_a_branch_that_only_state_moved_is_not_looked_at_again(world: World) -> None:
    world.reverter.outcome = RevertOutcome.CONFLICT
    world.reverter.move("c" * 40, by_state=True)
    head = world.store.head()
    world.reconcile()
    assert world.store.head() == head


# --- people -----------------------------------------------------------------------------------------------


def test_a_person_rolls_back_and_says_why(world: World) -> None:
    assert dispatch(world)
    incident = world.state.incident
    assert incident is not None
    assert (incident.started_by, incident.reason, incident.triggers) == ("ada", "customers call", ())
    assert verify(world.store, TAU, None).findings == ()


def test_a_second_dispatch_joins_and_the_same_one_again_does_nothing(world: World) -> None:
    break_down(world)
    assert dispatch(world)
    assert not dispatch(world)
    assert world.events().count("rollback") == 1
    assert verify(world.store, TAU, None).findings == ()


BEFORE, SINCE = timedelta(days=-30), timedelta(seconds=-1)
"""When it was asked, seen from now: before the release began, and since."""


@pytest.mark.parametrize(
    ("version", "asked", "refused"),
    [
        (None, None, ""),
        (None, SINCE, ""),
        (None, BEFORE, "asked before v0.1.5 began"),
        ("v0.1.5", BEFORE, "asked before v0.1.5 began"),
        ("v0.1.5", SINCE, ""),
        ("0.1.5", None, ""),
        ("v0.1.4", SINCE, "asked about v0.1.4"),
    ],
)
def test_a_dispatch_means_the_release_of_its_time(
    world: World, version: str | None, asked: timedelta | None, refused: str
) -> None:
    meant = ReleaseChoice(version, world.now + asked if asked is not None else None)
    before = world.state
    asks = Dispatch("customers call", "ada")
    if not refused:
        assert rollback.roll_back(world.store, world.clock, TAU, asks, tuple, meant=meant).commit
        return
    with pytest.raises(RefusedError, match=f"tau is at v0.1.5 now, and this was {refused}") as refusal:
        rollback.roll_back(world.store, world.clock, TAU, asks, tuple, meant=meant)
    assert "rollout rollback --version v0.1.5" in refusal.value.hint
    assert world.state == before


@pytest.mark.parametrize("version", [None, "v0.1.5"])
def test_a_cancel_of_an_earlier_incident_calls_off_none_of_today(world: World, version: str | None) -> None:
    asked = ReleaseChoice(version, world.now)
    world.clock.forward(minutes=5)
    dispatch(world)
    with pytest.raises(RefusedError, match="began after this was asked"):
        rollback.cancel(world.store, world.clock, TAU, "a false alarm", "ada", meant=asked)
    declared = Declaration(OTHER_COMMIT, "by hand", "ada")
    with pytest.raises(RefusedError, match="began after this was asked"):
        rollback.declare_reverted(world.store, world.clock, TAU, declared, lambda _: True, meant=asked)
    now = ReleaseChoice(version, world.now)
    assert rollback.cancel(world.store, world.clock, TAU, "a false alarm", "ada", meant=now).commit


def test_a_complete_release_is_rolled_back() -> None:
    world = World().play_to("general-availability")
    world.sign()
    world.soak()
    world.reconcile()
    assert world.rollout.outcome == "complete"
    assert dispatch(world)
    world.reconcile(world.perform())
    merge_and_validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK
    assert is_sound(world)


# --- what everybody runs, after a later release has ended -------------------------------------------------


@pytest.fixture(scope="module")
def after_a_later_one() -> World:
    """v0.1.5 completed, and v0.1.6, which came after it, was rolled back; the branch holds v0.1.5."""
    world = World().play_to("general-availability")
    world.sign()
    world.soak()
    world.reconcile()
    world.clock.forward(hours=1)
    world.ci(commit=OTHER_COMMIT)
    world.start("v0.1.6", OTHER_COMMIT)
    dispatch(world, "a bad one")
    world.reconcile(world.perform())
    merge_and_validate(world)
    assert (world.rollout.outcome, _current(world)) == (Outcome.ROLLED_BACK, "v0.1.5")
    world.reverter.release("7" * 40)
    world.clock.forward(hours=1)
    return world


def _current(world: World) -> str | None:
    return world.state.channel.current_version if world.state.channel else None


def _completed(world: World) -> list[str]:
    channel = world.state.channel
    return [one.release.version for one in channel.completed] if channel else []


@pytest.mark.parametrize("reopens", [True, False])
def test_what_everybody_runs_can_be_rolled_back_after_a_later_release_was(
    after_a_later_one: World, reopens: bool
) -> None:
    world = after_a_later_one.copy()
    if reopens:
        reopen.reopen(world.store, world.clock, TAU, "fixed")
    assert _completed(world) == ["v0.1.5"]
    assert dispatch(world, "customers call")
    release, target = world.rollout.release, world.rollout.rollback_target
    assert release is not None
    assert target is not None
    assert (release.version, release.commit, release.base) == ("v0.1.5", COMMIT, OLD_COMMIT)
    assert (world.rollout.outcome, target.version) == (Outcome.ROLLING_BACK, "v0.1.4")
    assert not dispatch(world, "customers call"), "the same once more changes nothing"
    world.reconcile(world.perform())
    merge_and_validate(world)
    assert (world.rollout.outcome, _current(world)) == (Outcome.ROLLED_BACK, "v0.1.4")
    assert world.state.quarantine is not None
    assert [one.version for one in world.state.quarantine.releases] == ["v0.1.6", "v0.1.5"]
    assert _completed(world) == []
    assert is_sound(world)
    with pytest.raises(RefusedError, match="tau is rolled back: there is nothing to roll back"):
        dispatch(world)


def test_evidence_from_before_it_is_no_news(after_a_later_one: World) -> None:
    world = after_a_later_one.copy()
    (completed,) = [each for each in world.store.log(TAU) if each.trailers.get("Rollout-Event") == "complete"]
    status = world.store.load(TAU, completed.commit).status
    assert status is not None
    assert status.observation is not None
    dispatch(world, "customers call")
    head = world.store.head()
    report = world.reconcile(status.observation)
    assert world.store.head() == head
    assert [note for note in report.notes if "from before the rollback began" in note] == list(report.notes)
    world.clock.forward(minutes=10)
    world.tick()
    assert world.status.observation is not None
    assert is_sound(world)


def test_such_a_rollback_recorded_before_this_verifies(after_a_later_one: World) -> None:
    world = after_a_later_one.copy()
    dispatch(world, "customers call")
    status = world.status.model_copy(update={"entry": None})
    world.store = world.store.rewrite(world.store.head(), TAU, {STATUS: status})
    assert verify(world.store, TAU, None).findings == ()


@pytest.mark.parametrize(
    ("version", "hours", "refused"),
    [
        ("v0.1.6", 0, "asked about v0.1.6"),
        ("v0.1.6", -2, "asked about v0.1.6"),
        (None, -2, "asked before a later release ended"),
        (None, 0, ""),
        ("v0.1.5", 0, ""),
    ],
)
def test_a_word_about_the_later_one_is_none_about_what_everybody_runs(
    after_a_later_one: World, version: str | None, hours: int, refused: str
) -> None:
    world = after_a_later_one.copy()
    meant, asks = (
        ReleaseChoice(version, world.now + timedelta(hours=hours)),
        Dispatch("customers call", "ada"),
    )
    if not refused:
        assert rollback.roll_back(world.store, world.clock, TAU, asks, tuple, meant=meant).commit
        return
    with pytest.raises(RefusedError, match=f"tau is at v0.1.5 now, and this was {refused}"):
        rollback.roll_back(world.store, world.clock, TAU, asks, tuple, meant=meant)
    assert world.rollout.outcome is Outcome.ROLLED_BACK


def test_a_false_alarm_about_it_leaves_it_complete_and_frozen(after_a_later_one: World) -> None:
    world = after_a_later_one.copy()
    reopen.reopen(world.store, world.clock, TAU, "fixed")
    dispatch(world)
    rollback.cancel(world.store, world.clock, TAU, "it was the probe", "ada")
    assert world.rollout.release is not None
    assert (world.rollout.outcome, world.rollout.release.version) == (Outcome.COMPLETE, "v0.1.5")
    assert (world.rollout.canary_percent, _completed(world)) == (100, ["v0.1.5"])
    assert is_sound(world)


def test_the_next_release_begins_where_the_last_completed_one_ended(after_a_later_one: World) -> None:
    world = after_a_later_one.copy()
    reopen.reopen(world.store, world.clock, TAU, "fixed")
    world.history.line.append("7" * 40)
    world.reverter.frees("7" * 40)
    started = world.start("v0.1.7", None)
    assert started.cut.since == "v0.1.5, which completed last"
    assert world.rollout.release is not None
    assert (world.rollout.release.commit, world.rollout.release.base) == ("7" * 40, COMMIT)
    world.reconcile()
    assert is_sound(world)


def test_a_release_that_completed_and_was_rolled_back_is_no_base() -> None:
    world = World().play_to("general-availability")
    world.sign()
    world.soak()
    world.reconcile()
    assert _completed(world) == ["v0.1.5"]
    dispatch(world)
    world.reconcile(world.perform())
    merge_and_validate(world)
    reopen.reopen(world.store, world.clock, TAU, "fixed")
    world.reverter.frees(OTHER_COMMIT)
    started = world.start("v0.1.6", OTHER_COMMIT)
    assert (started.cut.base, started.cut.since) == (OLD_COMMIT, "v0.1.4, by its tag")


def test_a_renamed_last_phase_does_not_hold_it_up(after_a_later_one: World) -> None:
    world = after_a_later_one.copy()
    reopen.reopen(world.store, world.clock, TAU, "fixed")
    channel = world.state.channel
    assert channel is not None
    (one,) = channel.completed
    world.edit_channel(completed=(one.model_copy(update={"phase": "everybody"}),))
    dispatch(world)
    assert world.rollout.phase == "general-availability"


@pytest.mark.parametrize(
    ("reason", "by", "target", "error"),
    [
        (" \n", "ada", None, InputError),
        ("why", "", None, InputError),
        ("why", "reconcile", None, InputError),
        ("why", "ada", "latest", InputError),
        ("why", "ada", "v9.9.9", InputError),
        ("why", "ada", "v0.1.5", RefusedError),
    ],
)
def test_bad_input_changes_nothing(
    world: World, reason: str, by: str, target: str | None, error: type[Exception]
) -> None:
    head = world.store.head()
    with pytest.raises(error):
        dispatch(world, reason, by, target)
    assert world.store.head() == head


def test_a_target_that_a_tag_names_is_known(world: World) -> None:
    assert dispatch(world, target="0.1.3")
    world.reconcile(world.perform())
    assert world.state.channel is not None
    assert world.state.channel.current_version == "0.1.3"
    with pytest.raises(RefusedError, match="has moved the version already"):
        dispatch(world, "another", target="v0.1.4")
    assert verify(world.store, TAU, None).findings == ()


def nobody_answers(_: str) -> tuple[str, ...]:
    raise OutsideError("looking for v0.1.3 failed", hint="try again")


def test_a_target_that_cannot_be_looked_up_is_left_to_a_later_run(world: World) -> None:
    asked = Dispatch("customers call", "ada", "v0.1.3")
    assert rollback.roll_back(world.store, world.clock, TAU, asked, nobody_answers).commit
    assert world.rollout.frozen is not None
    state, result = step(world, RollbackStep.INSPECT_TARGET)
    assert state is StepState.FAILED
    assert result.startswith("v0.1.3 is not looked up yet")
    assert result.endswith("rollout rollback --target VERSION --reason WHY (looking for v0.1.3 failed)")
    world.reconcile(world.perform())
    assert step(world, RollbackStep.APPLY_METADATA)[0] is StepState.SKIPPED
    assert step(world, RollbackStep.REVERT)[1] == "the pull request is open, to be merged"
    assert any("v0.1.3: no such release" in note for note in world.reconcile().notes)
    assert is_sound(world)
    world.history.tags["v0.1.3"] = "7" * 40
    world.reconcile(world.perform())
    assert step(world, RollbackStep.INSPECT_TARGET) == (StepState.DONE, "v0.1.3 on stable")
    assert world.state.channel is not None
    assert world.state.channel.current_version == "v0.1.3"
    assert is_sound(world)


def test_a_rollback_that_runs_keeps_its_target_while_another_cannot_be_looked_up(world: World) -> None:
    assert dispatch(world)
    head = world.store.head()
    asked = Dispatch("that one is bad too", "ada", "v0.1.3")
    with pytest.raises(OutsideError, match=r"--target v0\.1\.3: looking for v0\.1\.3 failed"):
        rollback.roll_back(world.store, world.clock, TAU, asked, nobody_answers)
    assert world.store.head() == head


def test_an_unknown_target_is_told_what_there_is_in_the_order_of_versions(world: World) -> None:
    tags = ("v0.1.10", "0.1.9", "nightly", "v0.1.5")
    with pytest.raises(InputError) as caught:
        rollback.roll_back(world.store, world.clock, TAU, Dispatch("why", "ada", "v9.9.9"), lambda _: tags)
    assert caught.value.hint == "known: v0.1.4, v0.1.9, v0.1.10; a tag or a release makes one known"


def test_an_idle_train_has_nothing_to_roll_back() -> None:
    with pytest.raises(RefusedError, match="nothing to roll back"):
        dispatch(World())


def test_a_false_alarm_is_called_off(world: World) -> None:
    world.tick(BREACH)
    rollback.cancel(world.store, world.clock, TAU, "the probe was broken", "ada")
    world.reconcile()
    assert (world.rollout.outcome, world.rollout.canary_percent) == (Outcome.IN_PROGRESS, 5)
    (issue,) = world.issues.issues
    assert (issue.state, world.issues.last_words[issue.number]) == (
        IssueState.CLOSED,
        "Cancelled: a false alarm.",
    )
    assert is_sound(world)
    unfreeze(world.store, world.clock, TAU, "go on")
    world.soak()
    assert world.rollout.outcome is Outcome.IN_PROGRESS
    assert verify(world.store, TAU, None).findings == ()


def test_nothing_is_called_off_without_a_rollback_or_once_the_revert_began(world: World) -> None:
    with pytest.raises(RefusedError, match="is not rolling back"):
        rollback.cancel(world.store, world.clock, TAU, "why", "ada")
    break_down(world)
    with pytest.raises(RefusedError, match="the revert has begun"):
        rollback.cancel(world.store, world.clock, TAU, "why", "ada")


def test_unfreezing_is_refused_while_the_incident_is_open(world: World) -> None:
    world.tick(BREACH)
    with pytest.raises(RefusedError, match="is frozen by incident"):
        unfreeze(world.store, world.clock, TAU, "why")


def test_a_train_is_reopened_and_goes_on_with_a_mended_release(world: World) -> None:
    merge_and_validate(break_down(world))
    told: list[Outcome] = []
    changed = reopen.reopen(
        world.store, world.clock, TAU, "fixed", lambda state: told.append(state.rollout.outcome)
    )
    assert (changed.state.rollout.outcome, told) == (Outcome.IDLE, [Outcome.ROLLED_BACK])
    assert reopen.reopen(world.store, world.clock, TAU, "again").commit is None
    assert is_sound(world)
    world.reverter.frees(OTHER_COMMIT)
    world.start("v0.1.6", OTHER_COMMIT)
    assert world.rollout.outcome is Outcome.IN_PROGRESS
    assert verify(world.store, TAU, None).findings == ()


def test_the_next_release_is_seen_in_its_own_lane() -> None:
    world = World().play_to("canary-1")
    lane = SwitchLane(command=("lane", "{surface}", "{lane}"))
    world.edit_contract(rollback=world.state.contract.rollback.model_copy(update={"lane": lane}))
    world.tick()
    world.tick({BROWSER: bad_timeline()})
    assert world.rollout.lanes == {BROWSER: "known_good"}
    world.clock.forward(minutes=1)
    world.reconcile(world.perform())
    merge_and_validate(world)
    reopen.reopen(world.store, world.clock, TAU, "fixed")
    world.reverter.frees(OTHER_COMMIT)
    world.start("v0.1.6", OTHER_COMMIT)
    assert world.rollout.lanes == {}
    back = [request for request in world.status.requests if request.work is Work.RELEASE_LANE]
    assert [(request.surface, request.result) for request in back] == [(BROWSER, None)]
    world.reconcile()
    assert is_sound(world)
    world.reconcile(world.perform())
    world.run_harness()
    world.tick()
    assert Work.RELEASE_LANE not in {request.work for request in world.status.requests}
    assert is_sound(world)


def test_only_what_was_rolled_back_is_reopened(world: World) -> None:
    with pytest.raises(RefusedError, match="tau is in progress: there is no finished rollback to leave"):
        reopen.reopen(world.store, world.clock, TAU, "why")
    world.tick(BREACH)
    with pytest.raises(RefusedError, match="is rolling back"):
        reopen.reopen(world.store, world.clock, TAU, "why")


# --- the quarantine ---------------------------------------------------------------------------------------


@pytest.fixture
def reopened(world: World) -> World:
    merge_and_validate(break_down(world))
    reopen.reopen(world.store, world.clock, TAU, "fixed")
    return world


@pytest.mark.parametrize(
    ("version", "commit", "why"),
    [
        ("v0.1.5", OTHER_COMMIT, "quarantined_release"),
        ("v0.1.6", COMMIT, "was rolled back by incident"),
        ("v0.1.6", OTHER_COMMIT, "holds v0.1.5, rolled back by incident"),
    ],
)
def test_what_is_in_quarantine_is_not_started(reopened: World, version: str, commit: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        reopened.start(version, commit)


def test_a_lifted_release_may_be_started(reopened: World) -> None:
    lift = quarantines.lift(reopened.store, reopened.clock, TAU, COMMIT[:8], "it was the probe", "ada")
    assert lift.commit is not None
    assert quarantines.lift(reopened.store, reopened.clock, TAU, COMMIT, "again", "ada").commit is None
    reopened.start("v0.1.5", COMMIT)
    assert verify(reopened.store, TAU, None).findings == ()


@pytest.mark.parametrize("commit", ["", "1" * 6, OTHER_COMMIT])
def test_only_what_is_there_is_lifted(reopened: World, commit: str) -> None:
    with pytest.raises(InputError, match="no such commit in quarantine"):
        quarantines.lift(reopened.store, reopened.clock, TAU, commit, "why", "ada")


def test_a_target_in_quarantine_is_refused(reopened: World) -> None:
    reopened.reverter.frees(OTHER_COMMIT)
    reopened.start("v0.1.6", OTHER_COMMIT)
    with pytest.raises(RefusedError, match="is in quarantine"):
        dispatch(reopened, target="v0.1.5")


# --- phases that were renamed since -----------------------------------------------------------------------


def rename_phases(world: World) -> None:
    phases = world.state.contract.phases
    renamed = tuple(
        phase.model_copy(
            update={"name": f"new-{phase.name}", "inherit": phase.inherit and f"new-{phase.inherit}"}
        )
        for phase in phases
    )
    world.edit_contract(phases=renamed)


def test_what_everybody_runs_is_rolled_back_though_its_phases_were_renamed() -> None:
    world = World().play_to("general-availability")
    world.sign("final-approval")
    world.soak()
    assert world.events()[-1] == "complete"
    rename_phases(world)
    assert world.reconcile().steps == []
    assert world.state.unusable is None
    assert dispatch(world)
    world.clock.forward(minutes=1)
    world.reconcile()
    world.reconcile(world.perform())
    merge_and_validate(world)
    assert world.rollout.outcome is Outcome.ROLLED_BACK
    reopen.reopen(world.store, world.clock, TAU, "next")
    assert world.reconcile().steps == []
    assert verify(world.store, TAU, None).findings == ()


def test_what_an_issue_is_closed_with_is_text() -> None:
    """The result of a step may hold a check's name, which anybody who changes a workflow may choose."""
    world = World()
    responder = Responder(world.reverter, world.issues, lambda state, pull: "", pushes_workflows=True)
    issue = world.issues.open(OpenIssue("x", "x", "x", ()), at=world.now)
    responder.tell(CloseIssue(issue.number, "Rolled back; @all is red, see #7."), world.now)
    assert world.issues.last_words[issue.number] == "Rolled back; @&#8203;all is red, see #&#8203;7."
