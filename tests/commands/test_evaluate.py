"""`rollout evaluate`: the decision as it would be, touching nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.commands.evaluate import evaluate
from rollout.core.observation import Evidence
from rollout.core.state import Freeze, Outcome, TrainState, Verdict
from rollout.errors import InputError, RefusedError
from tests.world import TAU, World

DEGRADED = {"voice": {"health_state": "degraded"}}
BREACH = {"voice": {"fields": {"failure_streak": 3}}}


@pytest.fixture
def world() -> World:
    world = World().play_to("canary-1")
    world.tick()
    world.clock.forward(minutes=10)
    return world


def judge(world: World, evidence: Evidence | None = None) -> TrainState:
    """What evaluate says; it must have left everything as it was."""
    before = (world.store.head(), list(world.writes.done))
    state = evaluate(world.store, world.forge, world.clock, TAU, evidence)
    assert (world.store.head(), world.writes.done) == before
    assert state.head == before[0]
    return state


def verdict(state: TrainState) -> Verdict:
    assert state.status is not None
    return state.status.decision.verdict


def test_without_a_file_the_last_observation_is_judged(world: World) -> None:
    state = judge(world)
    assert state.status is not None
    assert state.status.observation == world.status.observation
    assert state.status.decision.reasons == ("soak: 0s of 20m",)


def test_it_says_what_reconcile_would_record(world: World) -> None:
    world.reconcile(world.observe())
    world.clock.forward(minutes=10)
    observation = world.observe()
    state = judge(world, observation)
    assert verdict(state) is Verdict.PROMOTE
    assert world.reconcile(observation).state.status == state.status


def test_a_breach_would_roll_back(world: World) -> None:
    state = judge(world, world.observe(BREACH))
    assert verdict(state) is Verdict.ROLLBACK
    assert state.rollout.outcome is Outcome.IN_PROGRESS


def test_facts_are_todays(world: World) -> None:
    world.ci("failure")
    assert verdict(judge(world)) is Verdict.ROLLBACK


def test_what_people_changed_is_judged_first(world: World) -> None:
    world.edit(phase="canary-3", canary_percent=50)
    state = judge(world)
    assert state.status is not None
    assert state.rollout.phase == "canary-1"
    assert state.status.decision.reasons[0].startswith("frozen: illegal step: canary-1 -> canary-3")


def test_a_freeze_by_hand_counts(world: World) -> None:
    world.edit(frozen=Freeze(reason="lunch", at=world.now))
    state = judge(world)
    assert state.status is not None
    assert state.status.decision.reasons[0] == "frozen: lunch"


def test_after_the_end_it_shows_what_was() -> None:
    world = World().play_to("canary-1")
    world.tick(BREACH)
    assert judge(world).rollout.outcome is Outcome.ROLLING_BACK


def test_what_is_recorded_of_a_reopened_train_is_no_decision() -> None:
    world = World().play_to("canary-1")
    world.edit(outcome=Outcome.IDLE)
    with pytest.raises(RefusedError, match="tau has no rollout to evaluate"):
        judge(world)


def test_without_a_rollout() -> None:
    with pytest.raises(RefusedError, match="tau has no rollout to evaluate"):
        judge(World())


def test_evidence_that_cannot_be_judged(world: World) -> None:
    fresh = world.observe()
    last = world.status.observation
    assert last is not None
    ahead = world.observe(phase="canary-3")
    later = fresh.model_copy(update={"finished_at": world.now + timedelta(minutes=3)})
    bad: list[tuple[Evidence, str]] = [
        (world.perform(), "holds results"),
        (last, "not newer than the last observation"),
        (ahead, "of canary-3, which has not been entered"),
        (later, "in the future"),
        (fresh.model_copy(update={"train": "other"}), "is of train other"),
        (fresh.model_copy(update={"release": "v9.9.9"}), "is of v9.9.9"),
        (fresh.model_copy(update={"contract_digest": "0" * 64}), "another contract"),
    ]
    for evidence, says in bad:
        with pytest.raises(InputError, match=says) as caught:
            judge(world, evidence)
        assert caught.value.hint
