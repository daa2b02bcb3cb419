"""`rollout withdraw`: a release that nobody has been exposed to ends without a trace outside."""

from __future__ import annotations

import pytest

from rollout.commands.verify import verify
from rollout.commands.withdraw import withdraw
from rollout.core.effects import ClosePullRequest
from rollout.core.forge import StatusState
from rollout.core.state import Event, Freeze, Outcome, Verdict, Work
from rollout.core.withdraw import withdrawn
from rollout.errors import InputError, RefusedError
from rollout.rendering.commits import message
from tests.fakes.store import PERSON
from tests.world import COMMIT, TAU, VERSION, World

WHY = "withdrawn by ada: a wrong tag"


@pytest.fixture
def world() -> World:
    """A release in preflight whose promotion to canary-1 is open."""
    world = World(apply=True)
    world.start()
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    assert world.verdict is Verdict.PROMOTE
    return world


def go(world: World, reason: str = "a wrong tag", by: str = "ada") -> str | None:
    return withdraw(world.store, world.clock, TAU, reason, by).commit


def is_sound(world: World) -> bool:
    before = len(world.writes.done)
    world.reconcile()
    assert world.writes.done[before:] == []
    return verify(world.store, TAU, None).findings == ()


def test_it_ends_the_release_and_closes_its_promotion(world: World) -> None:
    (pull,) = world.forge.open_pulls()
    assert go(world)
    report = world.reconcile()
    assert world.forge.open_pulls() == []
    assert [effect for effect in report.effects if isinstance(effect, ClosePullRequest)] == [
        ClosePullRequest(pull.number, f"The release was {WHY}")
    ]
    assert world.rollout.outcome is Outcome.WITHDRAWN
    assert world.forge.shown[COMMIT]["rollout/tau"] == (
        StatusState.FAILURE,
        f"{VERSION} preflight: {WHY}",
    )
    state = world.state
    assert (state.quarantine, state.incident, world.issues.issues) == (None, None, [])
    assert is_sound(world)


def test_the_same_version_starts_again(world: World) -> None:
    go(world)
    world.reconcile()
    world.clock.forward(minutes=1)
    world.start()
    assert (world.rollout.outcome, world.rollout.frozen) == (Outcome.IN_PROGRESS, None)
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    assert [pull.head for pull in world.forge.open_pulls()] == ["rollout/tau/v0.1.5/canary-1"]
    assert is_sound(world)


def test_withdrawn_twice_is_withdrawn_once(world: World) -> None:
    go(world)
    assert go(world, "again") is None
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.reason == WHY


def test_a_promotion_that_is_merged_counts_as_exposure(world: World) -> None:
    world.merge()
    before = world.store.head()
    with pytest.raises(RefusedError, match=r"rollout\.yaml has it at 5 % in canary-1") as refused:
        go(world)
    assert refused.value.hint == "roll it back: rollout rollback --reason WHY"
    assert world.store.head() == before


def test_a_merge_that_somebody_reverted_counts_as_exposure(world: World) -> None:
    world.merge()
    merged = world.store.head()
    world.edit(phase="preflight", canary_percent=0)
    before = world.store.head()
    said = rf"cannot be withdrawn any more: commit {merged[:10]} had it at 5 % in canary-1"
    with pytest.raises(RefusedError, match=said) as refused:
        go(world)
    assert refused.value.hint == "roll it back: rollout rollback --reason WHY"
    assert world.store.head() == before


def test_a_merge_that_comes_second_is_undone(world: World) -> None:
    (pull,) = world.forge.open_pulls()
    go(world)
    with pytest.raises(RefusedError, match="conflict"):
        world.merge()
    # A person who resolves the conflict by hand brings nothing back.
    world.edit(phase="canary-1", canary_percent=5)
    world.reconcile()
    assert (world.rollout.phase, world.rollout.canary_percent) == ("preflight", 0)
    assert world.rollout.outcome is Outcome.WITHDRAWN
    assert pull.number not in {each.number for each in world.forge.open_pulls()}


@pytest.mark.parametrize("phase", ["canary-1", "general-availability"])
def test_from_the_first_exposure_on_it_is_refused(phase: str) -> None:
    world = World().play_to(phase)
    before = world.store.head()
    with pytest.raises(RefusedError, match=rf"cannot be withdrawn any more: it is at \d+ % in {phase}"):
        go(world)
    assert world.store.head() == before


def test_a_percent_that_was_asked_for_counts_although_the_phase_is_taken_back(world: World) -> None:
    request = next(each for each in world.status.requests if each.work is Work.APPLY)
    asked = request.model_copy(update={"phase": "canary-1", "canary_percent": 5})
    edited = world.status.model_copy(update={"requests": (asked,)})
    world.store.edit(TAU, {"status.yaml": edited}, at=world.now)
    with pytest.raises(RefusedError, match="5 % were asked for in canary-1"):
        go(world)


def test_without_a_release_in_progress_there_is_nothing_to_withdraw(world: World) -> None:
    idle = World()
    with pytest.raises(RefusedError, match="tau is idle: there is no release in progress to withdraw"):
        go(idle)
    world.edit(frozen=Freeze(reason="lunch", at=world.now))
    world.reconcile()
    assert go(world), "a frozen release can be withdrawn"


@pytest.mark.parametrize(("reason", "by"), [("", "ada"), (" \n", "ada"), ("a wrong tag", "")])
def test_it_says_why_and_who(world: World, reason: str, by: str) -> None:
    before = world.store.head()
    with pytest.raises(InputError):
        go(world, reason, by)
    assert world.store.head() == before


def test_what_the_product_is_still_doing_is_not_waited_for(world: World) -> None:
    results = world.perform()
    go(world)
    report = world.reconcile(results)
    assert world.status.requests == ()
    assert len(report.notes) == len([results])


@pytest.mark.parametrize("changes", [{"canary_percent": 5}, {"phase": "canary-1"}, {"outcome": Outcome.IDLE}])
def test_a_withdrawal_that_was_touched_up_is_named(world: World, changes: dict[str, object]) -> None:
    go(world)
    withdrawn = world.state
    assert withdrawn.status is not None
    status = withdrawn.status.model_copy(update={"legal": withdrawn.rollout.model_copy(update=changes)})
    world.store.edit(TAU, {"status.yaml": status}, at=world.now)
    (finding,) = verify(world.store, TAU, None).findings
    assert finding.author == PERSON


def test_a_withdrawal_that_the_command_would_have_refused_is_named() -> None:
    world = World().play_to("canary-1")
    change = withdrawn(world.state, WHY, world.now)
    text = message(Event.WITHDRAW, contract=world.state.contract, rollout=world.rollout, detail=WHY)
    commit = world.store.commit(TAU, change, text, parent=world.store.head(), at=world.now)
    (finding,) = verify(world.store, TAU, None).findings
    assert (finding.commit, finding.problem) == (
        commit,
        "withdraw records a step that does not follow from the commit before",
    )
