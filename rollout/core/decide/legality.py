"""Was the desired state changed in a way that the rules allow?"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from rollout.core.contract import CiChecksGate, Contract, RollbackTargetGate, SignoffGate
from rollout.core.decide.succession import why_ahead
from rollout.core.observation import is_ahead
from rollout.core.state import Event, GateFinding, MergedStep, Result, Rollout, Status, Verdict
from rollout.core.values import format_duration, format_instant, seconds_between

_STEP = {"phase", "canary_percent"}
_FREEZE = {"frozen"}


def changed_keys(legal: Rollout, desired: Rollout) -> set[str]:
    """Returns names of the keys that differ."""
    return {key for key in Rollout.model_fields if getattr(legal, key) != getattr(desired, key)}


def judge(
    contract: Contract, desired: Rollout, status: Status, merged_at: datetime | None, now: datetime
) -> tuple[Event, str]:
    """Returns what became of desired state since it was last legal, and why; call it only when it changed.

    ENTER for a step to the next phase that was decided, also when a person froze after its merge, FREEZE or
    UNFREEZE for a person's change of `frozen`, else ILLEGAL_STEP with the reason.
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
    why = _why_not(contract, desired, status, merged_at)
    if not why and status.by_first_rules:
        why = _too_old(contract, desired, status, _made_at(status, merged_at, now))
    return (Event.ILLEGAL_STEP, why) if why else (Event.ENTER, "")


def _why_not(contract: Contract, desired: Rollout, status: Status, merged_at: datetime | None) -> str:
    legal, decision = status.legal, status.decision
    step = f"{legal.phase} -> {desired.phase}"
    after = contract.next_phase(status.phase)
    if desired.phase == legal.phase:
        return f"canary percent changed to {desired.canary_percent} without a phase"
    if after is None or desired.phase != after.name:
        return f"{step} skips or goes back" if after else f"{step}: {legal.phase} is the last phase"
    if desired.canary_percent != after.canary_percent:
        return f"{step} at {desired.canary_percent} %, the contract says {after.canary_percent} %"
    if desired.frozen is not None and not _froze_later(desired, status, merged_at):
        return f"{step} while frozen: {desired.frozen.reason}"
    if _is_noticed(desired, status):
        return ""
    if decision.verdict is not Verdict.PROMOTE or decision.to != desired.phase:
        because = f" ({decision.reasons[0]})" if decision.reasons else ""
        return f"{step} while the decision was {decision.verdict}{because}"
    return ""


def _is_noticed(desired: Rollout, status: Status) -> bool:
    return status.merged_step is not None and status.merged_step.phase == desired.phase


def _froze_later(desired: Rollout, status: Status, merged_at: datetime | None) -> bool:
    """Returns whether a person froze after the step was merged;
    False where the forge does not say when that was.
    """
    frozen = desired.frozen
    if frozen is None or frozen.incident is not None or status.legal.frozen is not None:
        return False
    if _is_noticed(desired, status):
        return True
    if merged_at is None or status.by_first_rules:
        return False
    return status.decision.at <= merged_at <= frozen.at


def is_decided(desired: Rollout, status: Status, merged_at: datetime | None) -> bool:
    """Returns whether desired state is a step that the last decision allowed, by the contract of that
    decision.
    """
    changed = changed_keys(status.legal, desired)
    is_stopped = desired.frozen is not None and not _froze_later(desired, status, merged_at)
    if is_stopped or "phase" not in changed or not changed <= _STEP | _FREEZE:
        return False
    is_lifted = "frozen" in changed and desired.frozen is None
    decision = status.decision
    return not is_lifted and decision.verdict is Verdict.PROMOTE and decision.to == desired.phase


def leads_to(contract: Contract, status: Status, desired: Rollout) -> bool:
    """Returns whether the contract's next phase is the one that desired state names, at that percent."""
    after = contract.next_phase(status.phase)
    return after is not None and (after.name, after.canary_percent) == (desired.phase, desired.canary_percent)


def _made_at(status: Status, merged_at: datetime | None, now: datetime) -> datetime:
    # A merge from before the decision was of another try, and says nothing about this one.
    return merged_at if merged_at is not None and merged_at >= status.decision.at else now


def _too_old(contract: Contract, desired: Rollout, status: Status, made_at: datetime) -> str:
    age, limit = seconds_between(status.decision.at, made_at), contract.max_gap(contract.phase(status.phase))
    if age <= limit:
        return ""
    step = f"{status.phase} -> {desired.phase}"
    return f"{step} on a decision that was {format_duration(age)} old, at most {format_duration(limit)}"


# --- a step that was decided and merged ------------------------------------------------------------------


A_READING = "a reading"
"""What a merge on an old decision waits for."""


class Answer(StrEnum):
    """What becomes of a step that was decided and merged."""

    ENTER = "enter"
    WAIT = "wait"
    UNDO = "undo"
    """Put back and proposed anew; nobody did anything wrong."""
    FREEZE = "freeze"
    """Put back and frozen."""


def noticed(
    contract: Contract, desired: Rollout, status: Status, merged_at: datetime | None, now: datetime
) -> MergedStep:
    """Returns the step as the first reconcile after the merge finds it;
    its decision is recorded in the status.
    """
    assert desired.phase is not None
    step = MergedStep(
        phase=desired.phase,
        merged_at=min(_made_at(status, merged_at, now), now),
        decided_at=status.decision.at,
        until=now,
    )
    limit = contract.max_gap(contract.phase(status.phase))
    # Facts are asked for from now on; a reading could have come ever since the merge.
    since = now if _is_fresh(step, limit) else step.merged_at
    return step.model_copy(update={"until": since + timedelta(seconds=limit)})


def _is_fresh(step: MergedStep, limit: int) -> bool:
    """Returns whether the decision held when it was merged."""
    return seconds_between(step.decided_at, step.merged_at) <= limit


def weigh(
    contract: Contract, step: MergedStep, judged: Status, *, has_reading: bool, is_late: bool
) -> tuple[Answer, str]:
    """Returns what becomes of the step, and why or what it waits for.

    `judged` is the phase that is left, judged with all that is known now; `has_reading`: by an observation
    that comes with it; `is_late`: the step's time is over.
    """
    where = f"{judged.phase} -> {step.phase}"
    fired = [finding for finding in judged.triggers if finding.fired]
    if fired:
        return Answer.FREEZE, f"{where} while {fired[0].trigger} fires: {fired[0].seen}"
    by_facts = _told_by_facts(contract, judged.phase)
    failing = [finding for finding in judged.gates if finding.result is Result.UNSATISFIED]
    for finding in failing:
        if finding.gate in by_facts:
            return Answer.FREEZE, f"{where} while {_seen(finding)}"
    if failing:
        return Answer.UNDO, f"{where} was merged, and now {_seen(failing[0])}"
    unknown = [_seen(finding) for finding in judged.gates if finding.result is Result.UNKNOWN]
    if why := why_ahead(judged, judged.decided_at):
        unknown = [f"{A_READING} ({why})"]
    elif judged.contract_unusable:
        unknown = ["a contract that can be used"]
    elif judged.unreadable:
        unknown = [f"{judged.unreadable[0]}, which cannot be read"]
    is_fresh = _is_fresh(step, contract.max_gap(contract.phase(judged.phase)))
    awaited = unknown[0] if unknown else A_READING
    if is_late:
        return Answer.UNDO, f"{where} waited for {awaited} until {format_instant(step.until)}"
    # What a clock ahead of the merge has decided holds only once something is read by the right one.
    is_decided = is_fresh or judged.decision.verdict is Verdict.PROMOTE
    if not unknown and (has_reading or (is_decided and not is_ahead(step.decided_at, step.merged_at))):
        return Answer.ENTER, ""
    return Answer.WAIT, awaited


def _told_by_facts(contract: Contract, phase: str) -> set[str]:
    """Returns the titles of the gates that facts alone can tell, without a reading of the product."""
    gates = contract.gates_of(contract.phase(phase))
    return {gate.title for gate in gates if isinstance(gate, CiChecksGate | RollbackTargetGate | SignoffGate)}


def _seen(finding: GateFinding) -> str:
    where = f" ({finding.surface})" if finding.surface else ""
    return f"{finding.gate}{where}: {finding.seen}"
