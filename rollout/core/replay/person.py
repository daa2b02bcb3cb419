"""What a person's command about a rollback should have written, worked out from its own commit."""

from __future__ import annotations

from dataclasses import replace

from rollout.core import withdraw
from rollout.core.contract import RollbackStep
from rollout.core.rollback import leaving, opening, quarantine, resuming, watching
from rollout.core.state import Event, Incident, Outcome, Quarantine, StateChange, Status, TrainState

EVENTS = frozenset(
    {Event.ROLLBACK, Event.JOIN, Event.CANCEL, Event.REOPEN, Event.LIFT, Event.QUARANTINE, Event.WITHDRAW}
)


def expected(previous: TrainState, state: TrainState, event: Event) -> StateChange | None:
    """Returns the change; None when no person's command can have made it, and reconcile has to have."""
    incident, status = state.incident, state.status
    if event is Event.LIFT and previous.quarantine is not None and state.quarantine is not None:
        return StateChange(quarantine=_lifted(previous.quarantine, state.quarantine))
    if event is Event.QUARANTINE:
        return _quarantined(previous, state.quarantine)
    if previous.status is None or status is None:
        return None
    if event is Event.WITHDRAW:
        return _withdrawn(previous, state)
    if event is Event.REOPEN:
        return leaving.reopened(previous, status.decided_at)
    if incident is None:
        return None
    if event is Event.ROLLBACK and incident.started_by != opening.RECONCILE:
        return _dispatched(previous, incident, status)
    if event is Event.JOIN and incident.joined and incident.joined[-1].by != opening.RECONCILE:
        return watching.joined(previous, incident.joined[-1])
    if event is Event.CANCEL and incident.ended is not None and previous.incident is not None:
        ended = incident.ended
        return leaving.cancelled(previous, ended.by, ended.reason, ended.at)
    return None


def _withdrawn(previous: TrainState, state: TrainState) -> StateChange | None:
    frozen, status = state.rollout.frozen, previous.status
    if frozen is None or not withdraw.is_reason(frozen.reason) or withdraw.exposure(previous):
        return None
    if status is None or status.legal.outcome is not Outcome.IN_PROGRESS:
        return None
    return withdraw.withdrawn(previous, frozen.reason, frozen.at)


def _dispatched(previous: TrainState, incident: Incident, recorded: Status) -> StateChange:
    state = resuming.taken_up(previous, incident.started_at)
    status = state.status
    assert status is not None
    if state is not previous and recorded.entry is None:  # written before taking up recorded its time
        state = replace(state, status=status.model_copy(update={"entry": None}))
    fixed = status.legal.rollback_target
    target = None if incident.target == fixed else incident.target
    # Whether it could be looked up then, nobody can ask now.
    unchecked = incident.step(RollbackStep.INSPECT_TARGET).result
    return opening.dispatched(
        state, incident.started_by, incident.reason, target, incident.started_at, unchecked
    )


def _quarantined(previous: TrainState, after: Quarantine | None) -> StateChange | None:
    """Returns the file before with what a person added: every version of one commit.

    What a tag led to then, nobody can ask now.
    """
    known = len(previous.quarantine.releases) if previous.quarantine else 0
    entries = after.releases[known:] if after else ()
    if len({(bad.commit, bad.base, bad.added, bad.at) for bad in entries}) != 1:
        return None
    expected = previous.quarantine
    for bad in entries:
        if bad.added is None or bad.incident is not None or bad.lifted is not None:
            return None
        if quarantine.is_under_way(previous, bad) or quarantine.stands(expected, bad):
            return None
        expected = quarantine.with_one_more(expected, previous.train, bad)
    return StateChange(quarantine=expected)


def _lifted(before: Quarantine, after: Quarantine) -> Quarantine:
    """Returns the file before with what a person lifted since, and nothing else."""
    for old, new in zip(before.releases, after.releases, strict=False):
        if old.lifted is None and new.lifted is not None:
            before = quarantine.lifted(before, old.commit, new.lifted)
    return before
