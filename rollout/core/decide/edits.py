"""What people changed: an edit of rollout.yaml or of the contract, and a merged step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from rollout.core.decide import counters, legality, succession, triggers
from rollout.core.decide.assess import assess
from rollout.core.decide.evidence import fold_results, lasting, observe, only_older, record
from rollout.core.decide.step import Step
from rollout.core.decide.succession import why_ignored
from rollout.core.files import CONTRACT, ROLLOUT
from rollout.core.observation import Evidence, Observation, Results
from rollout.core.state import (
    Decision,
    Event,
    Facts,
    Freeze,
    MergedStep,
    Outcome,
    Soak,
    StateChange,
    Status,
    TrainState,
    Verdict,
)
from rollout.core.values import format_instant
from rollout.errors import InputError


def restore(state: TrainState, status: Status, now: datetime) -> Step | None:
    """Undoes an edit of a rollout that the tool ended, or is undoing."""
    is_broken = state.is_broken(ROLLOUT)
    if state.rollout == status.legal and not is_broken:
        return None
    kept = status.model_copy(update={"decided_at": now})
    what = "train" if status.legal.outcome is Outcome.IDLE else "rollout"
    did = "cannot be read" if is_broken else "changed"
    why = f"rollout.yaml {did} while the {what} is {status.legal.outcome.replace('_', ' ')}"
    return Step(Event.ILLEGAL_STEP, StateChange(rollout=status.legal, status=kept), why)


def adopt_contract(state: TrainState, status: Status, facts: Facts, now: datetime) -> Step:
    """Returns the step that begins to decide by a changed contract, or by none where it cannot be used."""
    if status.contract_digest == state.contract_digest:
        marked = status.model_copy(
            update={
                "contract_unusable": state.unusable is not None,
                "merged_step": _merged_before(state, status, facts, now),
            }
        )
        marked = assess(replace(state, rollout=status.legal), marked, facts, now)
        return Step(Event.CONTRACT, StateChange(status=marked), _usable_again(state))
    adopted = _by_contract_of(state, status)
    if status.phase not in [phase.name for phase in state.contract.phases]:
        raise InputError(
            f"contract.yaml: phases: there is no {status.phase}, where {status.release} stands",
            hint=f"put {status.phase} back until the rollout has ended",
            file=f"state/{state.train}/contract.yaml",
        )
    # Judged as it was last legal: an edit of rollout.yaml beside it has yet to be judged itself.
    legal = replace(state, rollout=status.legal)
    step = _merged_before(state, status, facts, now)
    is_there = step is not None and state.rollout.phase == step.phase
    if is_there and not legality.leads_to(state.contract, status, state.rollout):
        where = f"{status.phase} -> {state.rollout.phase} at {state.rollout.canary_percent} %"
        left = adopted.model_copy(update={"merged_step": None})
        why = f"{where} was merged, and {CONTRACT} no longer leads there"
        return _put_back(state, assess(legal, left, facts, now), why)
    adopted = adopted.model_copy(update={"merged_step": step})
    detail = "soak starts again" if adopted.soak == Soak() else "health is judged as before, soak goes on"
    return Step(Event.CONTRACT, StateChange(status=assess(legal, adopted, facts, now)), detail)


def _by_contract_of(state: TrainState, status: Status) -> Status:
    """Returns the status under the changed contract; credit that was earned under other rules of health is
    lost.
    """
    changes: dict[str, object] = {
        "contract_digest": state.contract_digest,
        "contract_unusable": state.unusable is not None,
    }
    if status.by_first_rules:
        return status.model_copy(update={**changes, "soak": Soak()})
    changes["before"] = None
    health, last = state.contract.health_digest, status.observation
    if health != status.health_digest:
        changes |= {"health_digest": health, "same_health": None, "soak": Soak(), "tallies": {}}
    elif last is not None and status.judges_like(last):
        changes["same_health"] = last.contract_digest
    return status.model_copy(update=changes)


def _merged_before(state: TrainState, status: Status, facts: Facts, now: datetime) -> MergedStep | None:
    """Returns the step that was merged on a decision which the contract's change ends: it stays a legal
    one.
    """
    if status.by_first_rules or status.merged_step is not None:
        return status.merged_step
    if not legality.is_decided(state.rollout, status, facts.merged_at):
        return None
    return legality.noticed(state.contract, state.rollout, status, facts.merged_at, now)


def _usable_again(state: TrainState) -> str:
    return "can be used again" if state.unusable is None else "cannot be used, the one before it decides"


def judge_change(
    state: TrainState, status: Status, evidence: Evidence | None, facts: Facts, now: datetime
) -> Step | None:
    """Returns what becomes of an edit: a phase is entered or waits, a freeze is noted, anything else is
    undone.
    """
    event, why = legality.judge(state.contract, state.rollout, status, facts.merged_at, now)
    if event is Event.ENTER:
        if status.by_first_rules:
            return _enter_by_first_rules(state, status, facts, now)
        return _weigh_step(state, status, evidence, facts, now)
    if event is Event.ILLEGAL_STEP:
        return undo(state, status, why, facts, now)
    kept = status.model_copy(update={"legal": state.rollout, "merged_step": None})
    if event is Event.UNFREEZE:
        kept = kept.model_copy(update={"triggers": triggers.unfrozen(kept, state.contract, now)})
    return Step(event, StateChange(status=assess(state, kept, facts, now)), why)


def _enter_by_first_rules(state: TrainState, status: Status, facts: Facts, now: datetime) -> Step:
    """Enters by the rules of schema 1, which judged no gates again: only a trigger could stop the step."""
    current = assess(replace(state, rollout=status.legal), status, facts, now)
    fired = [finding for finding in current.triggers if finding.fired]
    if not fired:
        return Step(Event.ENTER, StateChange(status=_enter(state, status, None, facts, now)))
    step = f"{status.phase} -> {state.rollout.phase}"
    return undo(state, status, f"{step} while {fired[0].trigger} fires: {fired[0].seen}", facts, now)


def _weigh_step(
    state: TrainState, status: Status, evidence: Evidence | None, facts: Facts, now: datetime
) -> Step | None:
    """Returns a step that was decided and merged, judged by facts, and by a reading where it waits for one.

    The step is noticed first, and evidence is offered to what was noticed: so one commit holds one cause.
    """
    known, left = status.merged_step, replace(state, rollout=status.legal)
    if known is None:
        step = legality.noticed(state.contract, state.rollout, status, facts.merged_at, now)
        return _answered(state, status, step, None, facts, now)
    facts = lasting(status.facts, facts)
    if isinstance(evidence, Results):
        return fold_results(left, status, evidence, facts, now)
    if evidence is not None and why_ignored(status, state.contract, evidence, now):
        return None
    return _answered(state, status, known, evidence, facts, now)


def _answered(
    state: TrainState,
    status: Status,
    step: MergedStep,
    reading: Observation | None,
    facts: Facts,
    now: datetime,
) -> Step | None:
    left = replace(state, rollout=status.legal)
    judged = _judged_left(left, status, reading, facts, now)
    is_late = status.merged_step is not None and (reading.started_at if reading else now) > step.until
    answer, why = legality.weigh(
        state.contract, step, judged, has_reading=reading is not None, is_late=is_late
    )
    if reading is not None and judged.decision.verdict is Verdict.ROLLBACK:
        return record(left, Event.OBSERVE, judged, now, consumed=True)
    consumed = reading is not None
    told = succession.why_replaced(status, now) if consumed else ""
    match answer:
        case legality.Answer.ENTER:
            return _entered(state, status, step, judged, reading, facts, now)
        case legality.Answer.WAIT:
            waiting = step.model_copy(update={"waits_for": why[:500]})
            return _waits(status, judged, waiting, consumed=consumed, told=told)
        case legality.Answer.UNDO:
            why = "; ".join(filter(None, (why, told)))
            return replace(_put_back(state, judged, why), consumed=consumed)
        case legality.Answer.FREEZE:
            return replace(undo(state, judged, why, facts, now), consumed=consumed)
        case _:
            assert_never(answer)


def _entered(
    state: TrainState,
    status: Status,
    step: MergedStep,
    judged: Status,
    reading: Observation | None,
    facts: Facts,
    now: datetime,
) -> Step:
    entered = _enter(state, status, step.merged_at, facts, now)
    if reading is None:
        return Step(Event.ENTER, StateChange(status=entered))
    # The reading is the first one of the next phase. What fires there keeps the phase from being entered.
    entered = observe(state, entered, reading, facts, now)
    fired = [finding for finding in entered.triggers if finding.fired]
    if not fired:
        return Step(Event.ENTER, StateChange(status=entered), consumed=True)
    why = f"{status.phase} -> {state.rollout.phase} while {fired[0].trigger} fires: {fired[0].seen}"
    return replace(undo(state, judged, why, facts, now), consumed=True)


def _waits(status: Status, judged: Status, step: MergedStep, *, consumed: bool, told: str) -> Step | None:
    why = f"{step.phase} is merged and waits for {step.waits_for} until {format_instant(step.until)}"
    reasons = judged.decision.reasons if judged.decision.verdict is Verdict.HOLD else ()
    held = Decision(verdict=Verdict.HOLD, at=judged.decision.at, reasons=(why[:500], *reasons))
    waiting = judged.model_copy(update={"merged_step": step, "decision": held})
    if status.merged_step is None:
        return Step(Event.WAIT, StateChange(status=waiting), why)
    if not consumed and only_older(waiting, status):
        return None
    event = Event.OBSERVE if consumed else Event.DECIDE
    return Step(event, StateChange(status=waiting), told, consumed)


def _judged_left(
    left: TrainState, status: Status, reading: Observation | None, facts: Facts, now: datetime
) -> Status:
    """Returns the phase that a merged step leaves, judged now.

    A reading that began after the merge names the next phase, which nobody has entered: it is of this one.
    """
    settled = status.model_copy(update={"merged_step": None, "unreadable": left.unreadable})
    if reading is None:
        return assess(left, settled, facts, now)
    return observe(left, settled, reading.model_copy(update={"phase": status.phase}), facts, now)


def _enter(state: TrainState, status: Status, entry: datetime | None, facts: Facts, now: datetime) -> Status:
    """Returns the status at the beginning of the phase that rollout.yaml names, which it does since
    `entry`.
    """
    entered = status.model_copy(
        update={
            "legal": state.rollout,
            "merged_step": None,
            "entry": entry,
            "entered_at": None,
            "soak": Soak(),
            "counters": counters.new_baseline(status.counters),
            "tallies": {},
            "before": None,
        }
    )
    return assess(state, entered, facts, now)


def _put_back(state: TrainState, status: Status, why: str) -> Step:
    """Returns the step undone, and nobody blamed; who froze meanwhile goes on doing so."""
    rollout = status.legal.model_copy(update={"frozen": status.legal.frozen or _persons_freeze(state)})
    return Step(Event.UNDO_STEP, StateChange(rollout=rollout, status=status), why)


def _persons_freeze(state: TrainState) -> Freeze | None:
    frozen = state.rollout.frozen
    return frozen if frozen is not None and frozen.incident is None else None


def undo(state: TrainState, status: Status, why: str, facts: Facts, now: datetime) -> Step:
    """Returns an illegal step undone, and the train frozen."""
    frozen = status.legal.frozen or _persons_freeze(state)
    frozen = frozen or Freeze(reason=f"illegal step: {why}"[:500], at=now)
    rollout = status.legal.model_copy(update={"frozen": frozen})
    kept = status.model_copy(update={"legal": rollout, "merged_step": None})
    status = assess(replace(state, rollout=rollout), kept, facts, now)
    return Step(Event.ILLEGAL_STEP, StateChange(rollout=rollout, status=status), why)
