"""Was the desired state changed in a way that the rules allow? (DESIGN section 6, A legal step)"""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import Contract
from rollout.core.state import Event, Rollout, Status, Verdict
from rollout.core.values import format_duration, seconds_between

_STEP = {"phase", "canary_percent"}
_FREEZE = {"frozen"}


def changed_keys(legal: Rollout, desired: Rollout) -> set[str]:
    """Names of the keys that differ."""
    return {key for key in Rollout.model_fields if getattr(legal, key) != getattr(desired, key)}


def judge(
    contract: Contract, desired: Rollout, status: Status, merged_at: datetime | None, now: datetime
) -> tuple[Event, str]:
    """What became of desired state since it was last legal, and why; call it only when it changed.

    ENTER for a legal step to the next phase, FREEZE or UNFREEZE for a person's change of `frozen`,
    else ILLEGAL_STEP with the reason.
    """
    changed = changed_keys(status.legal, desired)
    if changed == _FREEZE:
        if desired.frozen is None:
            return Event.UNFREEZE, "unfrozen in rollout.yaml"
        return Event.FREEZE, desired.frozen.reason
    stopped = _FREEZE if desired.frozen is not None else set()
    if not changed <= _STEP | stopped:
        others = ", ".join(sorted(changed - _STEP))
        return Event.ILLEGAL_STEP, f"{others} changed outside of the tool"
    # A merge from before the decision was of another try, and tells nothing about this one.
    made_at = merged_at if merged_at is not None and merged_at >= status.decision.at else now
    why = _why_not(contract, desired, status, made_at)
    return (Event.ILLEGAL_STEP, why) if why else (Event.ENTER, "")


def _why_not(contract: Contract, desired: Rollout, status: Status, moment: datetime) -> str:
    legal, decision = status.legal, status.decision
    step = f"{legal.phase} -> {desired.phase}"
    after = contract.next_phase(status.phase)
    if desired.phase == legal.phase:
        return f"canary percent changed to {desired.canary_percent} without a phase"
    if after is None or desired.phase != after.name:
        return f"{step} skips or goes back" if after else f"{step}: {legal.phase} is the last phase"
    if desired.canary_percent != after.canary_percent:
        return f"{step} at {desired.canary_percent} %, the contract says {after.canary_percent} %"
    if desired.frozen is not None:
        return f"{step} while frozen: {desired.frozen.reason}"
    if decision.verdict is not Verdict.PROMOTE or decision.to != desired.phase:
        because = f" ({decision.reasons[0]})" if decision.reasons else ""
        return f"{step} while the decision was {decision.verdict}{because}"
    age, limit = seconds_between(decision.at, moment), contract.max_gap(contract.phase(status.phase))
    if age > limit:
        return f"{step} on a decision that was {format_duration(age)} old, at most {format_duration(limit)}"
    return ""
