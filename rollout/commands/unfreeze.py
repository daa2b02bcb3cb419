"""`rollout unfreeze`: a person lets promotion go on."""

from __future__ import annotations

from rollout.commands.commit_state import CommandResult, change_state, checked_reason
from rollout.commands.freeze import LONGEST_REASON, changed, require_rollout
from rollout.core.state import CommitMessage, Event, Incident, Outcome, StateChange, TrainState
from rollout.errors import RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.advice import next_command


def unfreeze(store: StateStore, clock: Clock, train: str, reason: str) -> CommandResult:
    """Lets promotion go on. Raises RefusedError while an incident is open, or when nothing is frozen."""
    now, reason = clock.now(), checked_reason(reason, LONGEST_REASON)

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        frozen = state.rollout.frozen
        if frozen is None:
            raise RefusedError(f"{state.train} is not frozen", hint=next_command(state.rollout.outcome))
        if frozen.incident is not None and not _has_ended(state.incident):
            raise RefusedError(
                f"{state.train} is frozen by incident {frozen.incident}",
                hint=next_command(Outcome.ROLLING_BACK),
            )
        require_rollout(state)
        return changed(state, None, Event.UNFREEZE, reason, now)

    return change_state(store, train, decide, now)


def _has_ended(incident: Incident | None) -> bool:
    return incident is not None and incident.ended is not None
