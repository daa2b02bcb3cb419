"""`rollout freeze` and `unfreeze`: a person stops promotion, and lets it go on."""

from __future__ import annotations

from datetime import datetime

from rollout.commands.changing import Changed, change_state
from rollout.core.state import CommitMessage, Event, Freeze, Incident, Outcome, StateChange, TrainState
from rollout.core.text import inert
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.commits import message


def freeze(store: StateStore, clock: Clock, train: str, reason: str) -> Changed:
    """Stop promotion; one that is stopped stays as it is. Raises RefusedError without a rollout."""
    now, reason = clock.now(), _checked(reason)

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        _require_rollout(state)
        if state.rollout.frozen is not None:
            return None
        return _changed(state, Freeze(reason=reason, at=now), Event.FREEZE, reason, now)

    return change_state(store, train, decide, now, is_brake=True)


def unfreeze(store: StateStore, clock: Clock, train: str, reason: str) -> Changed:
    """Let promotion go on. Raises RefusedError while an incident is open, or when nothing is frozen."""
    now, reason = clock.now(), _checked(reason)

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        frozen = state.rollout.frozen
        if frozen is None:
            raise RefusedError(f"{state.train} is not frozen", hint="see: rollout status")
        if frozen.incident is not None and not _has_ended(state.incident):
            raise RefusedError(
                f"{state.train} is frozen by incident {frozen.incident}",
                hint=f"a rollback has to finish first: state/{state.train}/incidents/{frozen.incident}.yaml",
            )
        _require_rollout(state)
        return _changed(state, None, Event.UNFREEZE, reason, now)

    return change_state(store, train, decide, now)


def _has_ended(incident: Incident | None) -> bool:
    return incident is not None and incident.ended is not None


def _checked(reason: str) -> str:
    text = inert(reason, 500)
    if not text:
        raise InputError("--reason is empty", hint="say why, for whoever reads the history")
    return text


def _require_rollout(state: TrainState) -> None:
    # An edit of rollout.yaml that reconcile has yet to undo brings nothing back that has ended.
    outcome = state.status.legal.outcome if state.status else state.rollout.outcome
    if outcome is not Outcome.IN_PROGRESS:
        doing = outcome.replace("_", " ")
        raise RefusedError(
            f"{state.train} has no rollout in progress: it is {doing}", hint="see: rollout status"
        )


def _changed(
    state: TrainState, frozen: Freeze | None, event: Event, reason: str, now: datetime
) -> tuple[StateChange, CommitMessage]:
    rollout = state.rollout.model_copy(update={"frozen": frozen})
    # Desired state only: the next reconcile judges it like any other change that a person made.
    return StateChange(rollout=rollout), message(
        event, contract=state.contract, rollout=rollout, status=state.status, detail=reason
    )
