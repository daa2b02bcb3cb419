"""A train after a change, as it is once the change is committed."""

from __future__ import annotations

from dataclasses import replace

from rollout.core.files import SIGNOFF
from rollout.core.state import StateChange, TrainState


def without_newer_signoff(state: TrainState, change: StateChange) -> StateChange:
    """Returns the change without a sign-off that a newer rollout wrote: a rollback blocks it, and can do
    without.
    """
    is_newer = any(each.is_newer and each.name == SIGNOFF for each in state.broken)
    return replace(change, signoff=None) if is_newer else change


def applied(state: TrainState, change: StateChange, head: str) -> TrainState:
    """Returns the train as it is once the change is committed as `head`."""
    rollout = change.rollout or state.rollout
    incident = change.incident or state.incident
    named = rollout.frozen.incident if rollout.frozen else None
    return replace(
        state,
        head=head,
        rollout=rollout,
        status=change.status or state.status,
        channel=change.channel or state.channel,
        signoff=change.signoff or state.signoff,
        quarantine=change.quarantine or state.quarantine,
        incident=incident if incident is not None and incident.id == named else None,
        rehearsal=change.rehearsal or state.rehearsal,
        # What is written anew can be read again.
        broken=tuple(each for each in state.broken if not change.writes(each.name)),
    )
