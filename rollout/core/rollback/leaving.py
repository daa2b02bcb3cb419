"""How a person leaves a rollback: by cancelling a false alarm, or by reopening the train after its end."""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import RollbackStep
from rollout.core.decide import counters
from rollout.core.decide.requests import lanes_back, needed
from rollout.core.state import (
    Decision,
    Freeze,
    IncidentEnd,
    Outcome,
    Signoff,
    Soak,
    StateChange,
    Status,
    TrainState,
    Verdict,
)


def may_cancel(state: TrainState) -> bool:
    """Returns whether nothing of the product's code has been touched."""
    incident = state.incident
    return incident is not None and incident.step(RollbackStep.REVERT).attempts == 0


def cancelled(state: TrainState, by: str, reason: str, at: datetime) -> StateChange:
    """Returns a false alarm: the release is back where it stood, and frozen until a person unfreezes it.

    Percent, lanes and channel are as before, and the checklist can be signed anew. The phase's credit, its
    baselines and its streaks begin anew, so that only new evidence can fire a trigger again. The freeze still
    names the incident, which has ended.
    """
    incident, status = state.incident, state.status
    assert incident is not None
    assert status is not None
    why = f"rollback cancelled by {by}: {reason}"[:490]
    held = Decision(verdict=_verdict(incident.outcome), at=at, reasons=(f"frozen: {why}",))
    rollout = status.legal.model_copy(
        update={
            "canary_percent": incident.canary_percent,
            "outcome": incident.outcome,
            "frozen": Freeze(reason=why, at=at, incident=incident.id),
            # Nothing but an incident switches lanes, by triggers of its own or by those that joined it.
            "lanes": {},
        }
    )
    back = lanes_back(state.contract, rollout, status.legal.lanes, at)
    fresh = status.model_copy(
        update={
            "legal": rollout,
            "entry": None if status.by_first_rules else at,
            "entered_at": None,
            "soak": Soak(),
            "counters": counters.new_baseline(status.counters),
            "streaks": {},
            "gates": (),
            "triggers": (),
            "decided_at": at,
            "decision": held,
            "requests": needed(state.contract, rollout, back, (), None, at),
        }
    )
    ended = IncidentEnd(how="cancelled", at=at, by=by, reason=reason)
    return StateChange(
        rollout=rollout,
        status=fresh,
        incident=incident.model_copy(update={"ended": ended}),
        channel=incident.channel_before,
        signoff=_unblocked(state.signoff, incident.id),
    )


def _verdict(outcome: Outcome) -> Verdict:
    return Verdict.COMPLETE if outcome is Outcome.COMPLETE else Verdict.HOLD


def _unblocked(signoff: Signoff | None, incident: str) -> Signoff | None:
    if signoff is None or signoff.blocked != incident:
        return None
    return signoff.model_copy(update={"blocked": None})


def reopened(state: TrainState, at: datetime) -> StateChange:
    """Returns the train idle after a finished rollback; lanes stay as decided until the next release
    starts.
    """
    status = state.status
    assert status is not None
    rollout = status.legal.model_copy(update={"outcome": Outcome.IDLE, "frozen": None, "canary_percent": 0})
    idle: Status = status.model_copy(update={"legal": rollout, "decided_at": at, "requests": ()})
    return StateChange(rollout=rollout, status=idle)
