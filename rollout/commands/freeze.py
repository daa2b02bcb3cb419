"""`rollout freeze`: a person stops promotion."""

from __future__ import annotations

from datetime import datetime

from rollout.commands.commit_state import CommandResult, change_state, checked_reason
from rollout.core.state import CommitMessage, Event, Freeze, Outcome, StateChange, TrainState
from rollout.errors import RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.advice import next_command
from rollout.rendering.commits import message

LONGEST_REASON = 500
"""Characters; more of a freeze's reason is cut off."""
_ROLL_BACK = "to take back what everybody runs: rollout rollback --reason WHY"


def freeze(store: StateStore, clock: Clock, train: str, reason: str) -> CommandResult:
    """Stops promotion; one that is stopped stays as it is. Raises RefusedError without a rollout."""
    now, reason = clock.now(), checked_reason(reason, LONGEST_REASON)

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        is_rolling_back = _outcome(state) is Outcome.ROLLING_BACK
        if not is_rolling_back:
            require_rollout(state)
        if state.rollout.frozen is not None:
            return None
        if is_rolling_back:
            raise RefusedError(
                f"{state.train} is rolling back, which stays frozen; rollout.yaml was edited",
                hint="put it back: rollout reconcile",
            )
        return changed(state, Freeze(reason=reason, at=now), Event.FREEZE, reason, now)

    return change_state(store, train, decide, now, is_brake=True)


def require_rollout(state: TrainState) -> None:
    outcome = _outcome(state)
    if outcome is not Outcome.IN_PROGRESS:
        doing = outcome.replace("_", " ")
        raise RefusedError(
            f"{state.train} has no rollout in progress: it is {doing}",
            hint=_ROLL_BACK if outcome is Outcome.COMPLETE else next_command(outcome),
        )


def _outcome(state: TrainState) -> Outcome:
    # An edit of rollout.yaml that reconcile has yet to undo brings nothing back that has ended.
    return state.status.legal.outcome if state.status else state.rollout.outcome


def changed(
    state: TrainState, frozen: Freeze | None, event: Event, reason: str, now: datetime
) -> tuple[StateChange, CommitMessage]:
    rollout = state.rollout.model_copy(update={"frozen": frozen})
    # Desired state only: the next reconcile judges it like any other change that a person made.
    return StateChange(rollout=rollout), message(
        event, contract=state.contract, rollout=rollout, status=state.status, detail=reason
    )
