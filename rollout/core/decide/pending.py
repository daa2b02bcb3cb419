"""What people changed, or broke, and no reconcile has judged yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from rollout.core.decide import legality
from rollout.core.decide.decision import hold_ahead, hold_frozen, why_held, without_promotion
from rollout.core.decide.succession import why_ahead
from rollout.core.files import CONTRACT, ROLLOUT
from rollout.core.state import Event, Outcome, Status, TrainState


def held_now(state: TrainState, now: datetime) -> TrainState:
    """Returns the state as a person sees it: what the train's files hold up, and a clock that ran ahead, is
    held.

    The next reconcile decides so too.
    """
    status = state.status
    if status is None:
        return state
    decision = status.decision
    for why in _found_since(state, status, now):
        if why not in decision.reasons:
            decision = without_promotion(decision, why)
    return replace(state, status=status.model_copy(update={"decision": decision}))


def _found_since(state: TrainState, status: Status, now: datetime) -> Iterator[str]:
    """Yields what holds promotion and was there for everybody to see before reconcile came by;
    the first, last.
    """
    if why := why_ahead(status, now):
        yield hold_ahead(why)
    if state.rollout.outcome is not Outcome.IN_PROGRESS:
        return
    if state.is_broken(ROLLOUT):
        yield f"{ROLLOUT} cannot be read"
    elif state.rollout.frozen is not None:
        yield hold_frozen(state.rollout.frozen)
    elif state.rollout != status.legal:
        event, why = legality.judge(state.contract, state.rollout, status, None, now)
        if event is Event.ILLEGAL_STEP:
            yield f"{ROLLOUT} was changed by hand: {why}"
    if state.unusable is not None:
        yield why_held(CONTRACT)
    elif state.unreadable:
        yield why_held(", ".join(state.unreadable))


def is_settled(state: TrainState) -> bool:
    """Returns whether nothing that a person changed is still to be judged."""
    status = state.status
    if status is None:
        return True
    is_over = status.legal.outcome is not Outcome.IN_PROGRESS
    if state.rollout != status.legal or state.is_broken(ROLLOUT):
        return False
    return is_over or (has_adopted(state, status) and status.unreadable == state.unreadable)


def has_adopted(state: TrainState, status: Status) -> bool:
    """Returns whether the status is decided by the contract as it is now, and says so when that cannot be
    used.
    """
    is_usable = state.unusable is None
    return status.contract_digest == state.contract_digest and status.contract_unusable is not is_usable
