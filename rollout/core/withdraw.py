"""A person ends a release that nobody has been exposed to: no incident, no quarantine."""

from __future__ import annotations

from datetime import datetime

from rollout.core.state import (
    Decision,
    Freeze,
    Outcome,
    StateChange,
    Status,
    TrainState,
    Verdict,
    Work,
)

_BY = "withdrawn by "


def exposure(state: TrainState) -> str:
    """Returns why somebody may have been exposed, such as `it is at 5 % in canary-1`; empty when nobody was.

    A merged promotion counts before anybody has judged it: a product may follow rollout.yaml at once.
    """
    status, rollout = state.status, state.rollout
    if status is None:
        return ""
    if status.legal.canary_percent > 0:
        return f"it is at {status.legal.canary_percent} % in {status.phase}"
    if rollout.canary_percent > 0:
        return f"rollout.yaml has it at {rollout.canary_percent} % in {rollout.phase}"
    for request in status.requests:
        if request.work is Work.APPLY and request.canary_percent > 0:
            return f"{request.canary_percent} % were asked for in {request.phase}"
    return ""


def reason_of(by: str, reason: str) -> str:
    """Returns what rollout.yaml says of a withdrawal."""
    return f"{_BY}{by}: {reason}"[:490]


def is_reason(text: str) -> bool:
    """Returns whether `reason_of` can have made it."""
    return text.startswith(_BY)


def withdrawn(state: TrainState, why: str, at: datetime) -> StateChange:
    """Returns the train once its release is withdrawn; `why` is what `reason_of` gives.

    It goes by what was last legal, so a change of rollout.yaml that nobody has judged yet is lost.
    The freeze makes a promotion that is merged at the same time conflict in git. A surface that the product
    has not brought back from its known-good lane stays there until the next release starts.
    """
    status = state.status
    assert status is not None
    rollout = status.legal.model_copy(
        update={
            "outcome": Outcome.WITHDRAWN,
            "frozen": Freeze(reason=why, at=at),
            "lanes": {**status.legal.lanes, **_still_away(status)},
        }
    )
    ended = status.model_copy(
        update={
            "legal": rollout,
            "decided_at": at,
            "decision": Decision(verdict=Verdict.HOLD, at=at, reasons=(why,)),
            "requests": (),
            "merged_step": None,
        }
    )
    return StateChange(rollout=rollout, status=ended)


def _still_away(status: Status) -> dict[str, str]:
    return {
        request.surface: "known_good"
        for request in status.requests
        if request.work is Work.RELEASE_LANE
        and request.surface
        and not (request.result and request.result.ok)
    }
