"""`rollout evaluate`: the decision as it would be, touching nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.commands.reconcile.facts import FactFinder
from rollout.core.decide.advance import advance
from rollout.core.decide.assess import assess
from rollout.core.decide.evidence import observe
from rollout.core.decide.intake import check_evidence, checked
from rollout.core.decide.pending import is_settled
from rollout.core.decide.succession import why_ignored
from rollout.core.observation import Evidence, Observation
from rollout.core.state import Facts, Outcome, TrainState
from rollout.core.state.changes import applied
from rollout.errors import InputError, RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from rollout.ports import Clock, Forge, StateStore


def evaluate(
    store: StateStore, forge: Forge, clock: Clock, train: str, evidence: Evidence | None
) -> TrainState:
    """Returns the train with the status that reconcile would record for this observation.

    Raises RefusedError without a rollout, InputError for evidence that is not a new observation of it.
    """
    state, now = store.load_for_brake(train, store.head()), clock.now()
    if state.status is None or state.rollout.outcome is Outcome.IDLE:
        # What is recorded of a train that was reopened is the end of a release that nobody rolls out.
        raise RefusedError(
            f"{train} has no rollout to evaluate", hint="start a release: rollout start VERSION"
        )
    if state.rollout.outcome is not Outcome.IN_PROGRESS:
        return state
    if evidence is not None:
        evidence = checked(evidence, now)
        check_evidence(evidence, state, now)
    facts = FactFinder(forge).facts(state)
    while not is_settled(state):
        step = advance(state, None, facts, now)
        if step is None:
            return _waiting(state, evidence, facts, now)
        state = applied(state, step.change, state.head)
    assert state.status is not None
    if evidence is None:
        return replace(state, status=assess(state, state.status, facts, now))
    observation = _new_observation(evidence, state, now)
    return replace(state, status=observe(state, state.status, observation, facts, now))


def _waiting(state: TrainState, evidence: Evidence | None, facts: Facts, now: datetime) -> TrainState:
    """Returns the train while a merged step waits to be entered."""
    if evidence is None:
        return state
    step = advance(state, _new_observation(evidence, state, now), facts, now)
    return applied(state, step.change, state.head) if step is not None else state


def _new_observation(evidence: Evidence, state: TrainState, now: datetime) -> Observation:
    if not isinstance(evidence, Observation):
        raise InputError("--observation: the file holds results", hint="give a file of rollout collect")
    assert state.status is not None
    why = why_ignored(state.status, state.contract, evidence, now)
    if why:
        raise InputError(f"--observation: {why}", hint="collect again: rollout collect -o FILE")
    return evidence
