"""Status is a fold over evidence: how it was delivered leaves no trace, and it does not pile up."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.state import TrainState
from rollout.core.values import JsonValue
from tests.examples import examples
from tests.property.moods import MOOD, MOODS, SURFACE, a_world_in, observe
from tests.world import PHASES

ROUNDS = st.lists(
    st.tuples(
        st.one_of(st.just("healthy"), st.sampled_from(MOODS)), SURFACE, st.sampled_from([3, 6, 10, 29, 31])
    ),
    min_size=1,
    max_size=6,
)
"""Mood, surface, and minutes since the round before."""


@given(
    phase=st.sampled_from(PHASES[:-1]),
    rounds=ROUNDS,
    order=st.randoms(use_true_random=False),
    apply=st.booleans(),
)
@settings(max_examples=examples(150))
def test_a_batch_gives_the_state_that_its_rounds_give_one_by_one(
    phase: str, rounds: list[tuple[str, str, int]], order: Random, apply: bool
) -> None:
    single = a_world_in(phase, apply).copy()
    if apply:
        single.clock.forward(minutes=1)
        single.reconcile(single.perform())
    batch = single.copy()
    observations = []
    for mood, surface, minutes in rounds:
        single.clock.forward(minutes=minutes)
        observations.append(observe(single, mood, surface))
        single.reconcile(observations[-1])
    single.reconcile()
    batch.clock.time = single.now
    order.shuffle(observations)
    batch.reconcile(*observations)
    assert without_times_of_work(batch.state) == without_times_of_work(single.state)


@given(phase=st.sampled_from(PHASES[1:3]), rounds=ROUNDS, twins=st.lists(MOOD, min_size=6, max_size=6))
@settings(max_examples=examples(100))
def test_two_observations_of_one_instant_give_one_state_in_any_order(
    phase: str, rounds: list[tuple[str, str, int]], twins: list[str]
) -> None:
    """In one batch, or one by one with either first; where the first alone fires a trigger, that stands."""
    forth, back, batch = (a_world_in(phase, False).copy() for _ in range(3))
    for (mood, surface, minutes), twin in zip(rounds, twins, strict=False):
        now = forth.clock.forward(minutes=minutes)
        back.clock.time = batch.clock.time = now
        one = observe(forth, mood, surface)
        other = observe(forth, twin, surface, at=now, phase=one.phase)
        for world in (back, batch):
            world.totals = {name: dict(totals) for name, totals in forth.totals.items()}
        forth.reconcile(one), forth.reconcile(other)
        back.reconcile(other), back.reconcile(one)
        batch.reconcile(other, one)
        if any(world.rollout.outcome != "in_progress" for world in (forth, back, batch)):
            return
        assert told(forth.state) == told(back.state) == told(batch.state)


def told(state: TrainState) -> JsonValue:
    """What is known and decided, but for the name of the round, and since when a gate holds."""
    status = state.status
    assert status is not None
    assert status.observation is not None
    known = status.model_copy(update={"observation": status.observation.model_copy(update={"round": ""})})
    since = {"gates": {"__all__": {"since"}}, "triggers": {"__all__": {"since"}}}
    return known.model_dump(exclude={"requests": True, "legal": True, "before": True, **since})


def without_times_of_work(state: TrainState) -> JsonValue:
    """The train without when a job looked at it, and in which commit: all else comes from the evidence."""
    rollout, status = state.rollout, state.status
    assert status is not None
    frozen = rollout.frozen and rollout.frozen.reason
    incident = state.incident and state.incident.model_dump(
        include={"phase", "canary_percent", "triggers", "actions", "gates"}
    )
    signed = state.signoff.items if state.signoff else {}
    return (
        rollout.model_dump(exclude={"frozen"}),
        frozen,
        incident,
        {item: [(one.by, one.commit) for one in each.signatures] for item, each in signed.items()},
        status.model_dump(exclude={"decided_at", "decision", "legal", "requests", "facts"}),
        status.facts.checks,
        status.decision.model_dump(exclude={"at"}),
        # How far a rollback has come depends on when somebody looked.
        [r.model_dump(exclude={"requested_at"}) for r in status.requests if r.incident is None],
    )


def test_status_does_not_grow() -> None:
    world = a_world_in("canary-3", True).copy()
    world.reconcile(world.perform())
    sizes: list[int] = []
    for _ in range(200):
        world.totals["voice"]["turns_handled"] = len(sizes)
        world.tick()
        sizes.append(len(world.status.model_dump_json()))
    assert max(sizes[10:]) <= 1.1 * sizes[10]
