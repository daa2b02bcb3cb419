"""`advance`: the next state of a rollout, from this one and one piece of evidence. Pure: the whole
automation is this function applied again and again until it has nothing to say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from rollout.core import channel as channels
from rollout.core import completed, signoff
from rollout.core.contract import Contract
from rollout.core.decide import counters, first_rules, legality, streaks, succession, triggers
from rollout.core.decide.assess import assess, judges_alike
from rollout.core.decide.migration import migrated
from rollout.core.decide.pending import has_adopted
from rollout.core.decide.requests import answer, applied_at, lanes_back, needed
from rollout.core.decide.step import Step
from rollout.core.decide.view import began, fresh_samples, view_of
from rollout.core.files import CONTRACT, ROLLOUT, SIGNOFF, STATUS
from rollout.core.observation import Evidence, Observation, Results
from rollout.core.rollback import opening
from rollout.core.state import (
    CURRENT_RULES,
    FIRST_RULES,
    Channel,
    Decision,
    Event,
    Facts,
    Freeze,
    MergedStep,
    Outcome,
    ReleaseRange,
    RevertFact,
    Rollout,
    Soak,
    StateChange,
    Status,
    TrainState,
    Verdict,
)
from rollout.core.values import format_instant
from rollout.errors import InputError


def begin(
    contract: Contract,
    digest: str,
    rollout: Rollout,
    now: datetime,
    *,
    lanes: Collection[str] = (),
    release_range: ReleaseRange | None = None,
) -> Status:
    """The first status of a rollout that starts in its first phase.

    `lanes`: surfaces that the last rollout left in their known-good lane, where no release is seen.
    `release_range`: what the release brings, as the product's branch shows it.
    """
    assert rollout.release is not None
    assert rollout.phase is not None
    waiting = Decision(verdict=Verdict.HOLD, at=now, reasons=(f"no observation of {rollout.phase} yet",))
    return Status(
        train=rollout.train,
        release=rollout.release.version,
        commit=rollout.release.commit,
        legal=rollout,
        entry=now,
        decided_at=now,
        contract_digest=digest,
        health_digest=contract.health_digest,
        decision=waiting,
        requests=needed(contract, rollout, lanes_back(contract, rollout, lanes, now), (), None, now),
        release_range=release_range,
    )


def advance(
    state: TrainState, evidence: Evidence | None, facts: Facts, now: datetime, *, rules: int = CURRENT_RULES
) -> Step | None:
    """The next step; None when there is nothing to record (the evidence then adds nothing).

    `rules`: the schema of the status that the step records; only `verify` asks for an old one.

    Changes that people made come first, then the evidence, then what facts and time alone decide,
    so that a step is always judged against the state that was recorded before it.
    What a round proved is signed before the next one is folded: a batch signs what its rounds would have.
    """
    status = state.status
    if status is None:
        return None
    state, status = _by_rules(state, status, rules)
    if status.legal.outcome is not Outcome.IN_PROGRESS:
        return _restore(state, status, now) or _after_the_end(state, status, evidence, facts, now)
    if not has_adopted(state, status):
        return _adopt_contract(state, status, facts, now)
    if state.is_broken(ROLLOUT):
        return _undo(state, status, f"{ROLLOUT} cannot be read", facts, now)
    if state.rollout != status.legal:
        return _judge_change(state, status, evidence, facts, now)
    if status.merged_step is not None:
        # Somebody took the merge back before it was entered.
        left = status.model_copy(update={"merged_step": None})
        return Step(Event.DECIDE, StateChange(status=assess(state, left, facts, now)))
    if status.unreadable != state.unreadable:
        noted = status.model_copy(update={"unreadable": state.unreadable})
        return Step(Event.DECIDE, StateChange(status=assess(state, noted, facts, now)))
    if isinstance(evidence, Results):
        return _prove(state, status, now) or _fold_results(state, status, evidence, facts, now)
    if isinstance(evidence, Observation):
        return _prove(state, status, now) or _fold_observation(state, status, evidence, facts, now)
    return (
        _decide_again(state, status, facts, now)
        or _complete(state, status, now)
        or _prove(state, status, now)
    )


def advance_as_before(state: TrainState, facts: Facts, now: datetime, *, rules: int) -> Step | None:
    """The step of a version that let a changed contract, or a freeze, make a merge before it illegal.

    It put its own reason in the place of the person's freeze. Only `verify` of such commits comes here.
    """
    if state.status is None:
        return None
    state, status = _by_rules(state, state.status, rules)
    if not has_adopted(state, status):
        return _adopt_contract(replace(state, rollout=status.legal), status, facts, now)
    unfrozen = replace(state, rollout=state.rollout.model_copy(update={"frozen": None}))
    unnoticed = status.model_copy(update={"merged_step": None})
    event, why = legality.judge(state.contract, state.rollout, unnoticed, None, now)
    return _undo(unfrozen, status, why, facts, now) if event is Event.ILLEGAL_STEP else None


def _by_rules(state: TrainState, status: Status, rules: int) -> tuple[TrainState, Status]:
    if rules == FIRST_RULES:
        return replace(state, contract=first_rules.as_read_then(state.contract)), status
    if status.by_first_rules:
        status = migrated(state, status)
    return replace(state, status=status), status


# --- changes that people made ----------------------------------------------------------------------------


def _restore(state: TrainState, status: Status, now: datetime) -> Step | None:
    """What the tool ended, or is undoing, no edit takes up again."""
    is_broken = state.is_broken(ROLLOUT)
    if state.rollout == status.legal and not is_broken:
        return None
    kept = status.model_copy(update={"decided_at": now})
    what = "train" if status.legal.outcome is Outcome.IDLE else "rollout"
    did = "cannot be read" if is_broken else "changed"
    why = f"rollout.yaml {did} while the {what} is {status.legal.outcome.replace('_', ' ')}"
    return Step(Event.ILLEGAL_STEP, StateChange(rollout=status.legal, status=kept), why)


def _after_the_end(
    state: TrainState, status: Status, evidence: Evidence | None, facts: Facts, now: datetime
) -> Step | None:
    """What still goes on once promotion has ended: a rollback, and answers to what was asked for."""
    incident = state.incident
    if isinstance(evidence, Results) or incident is None or incident.ended is not None:
        return _fold_late_results(status, evidence, now)
    # Only a rollback needs these: a release that is well should not wait for them to load.
    from rollout.core.rollback.machine import Moment, next_step
    from rollout.core.rollback.watching import watch

    if evidence is None:
        return next_step(Moment(state, status, incident, facts, now))
    if why_ignored(status, state.contract, evidence, now):
        return None
    status, evidence = succession.on_arrival(status, evidence, now)
    return watch(state, _folded(state, status, evidence), incident, evidence, facts, now)


def _adopt_contract(state: TrainState, status: Status, facts: Facts, now: datetime) -> Step:
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
    """The status under the changed contract; credit that was earned under other rules of health is lost."""
    changes: dict[str, object] = {
        "contract_digest": state.contract_digest,
        "contract_unusable": state.unusable is not None,
    }
    if status.by_first_rules:
        return status.model_copy(update={**changes, "soak": Soak()})
    changes["before"] = None
    health, last = state.contract.health_digest, status.observation
    if health != status.health_digest:
        changes |= {"health_digest": health, "same_health": None, "soak": Soak()}
    elif last is not None and judges_alike(status, last):
        changes["same_health"] = last.contract_digest
    return status.model_copy(update=changes)


def _merged_before(state: TrainState, status: Status, facts: Facts, now: datetime) -> MergedStep | None:
    """The step that was merged on a decision which the contract's change ends: it stays a legal one."""
    if status.by_first_rules or status.merged_step is not None:
        return status.merged_step
    if not legality.is_decided(state.rollout, status, facts.merged_at):
        return None
    return legality.noticed(state.contract, state.rollout, status, facts.merged_at, now)


def _usable_again(state: TrainState) -> str:
    return "can be used again" if state.unusable is None else "cannot be used, the one before it decides"


def _judge_change(
    state: TrainState, status: Status, evidence: Evidence | None, facts: Facts, now: datetime
) -> Step | None:
    event, why = legality.judge(state.contract, state.rollout, status, facts.merged_at, now)
    if event is Event.ENTER:
        if status.by_first_rules:
            return _enter_by_first_rules(state, status, facts, now)
        return _weigh_step(state, status, evidence, facts, now)
    if event is Event.ILLEGAL_STEP:
        return _undo(state, status, why, facts, now)
    kept = status.model_copy(update={"legal": state.rollout, "merged_step": None})
    return Step(event, StateChange(status=assess(state, kept, facts, now)), why)


def _enter_by_first_rules(state: TrainState, status: Status, facts: Facts, now: datetime) -> Step:
    """As it was decided before gates were judged again: only a trigger could still stop the step."""
    current = assess(replace(state, rollout=status.legal), status, facts, now)
    fired = [finding for finding in current.triggers if finding.fired]
    if not fired:
        return Step(Event.ENTER, StateChange(status=_enter(state, status, None, facts, now)))
    step = f"{status.phase} -> {state.rollout.phase}"
    return _undo(state, status, f"{step} while {fired[0].trigger} fires: {fired[0].seen}", facts, now)


def _weigh_step(
    state: TrainState, status: Status, evidence: Evidence | None, facts: Facts, now: datetime
) -> Step | None:
    """A step that was decided and merged, judged by facts, and by a reading where it waits for one.

    The step is noticed first, and evidence is offered to what was noticed: so one commit holds one cause.
    """
    known, left = status.merged_step, replace(state, rollout=status.legal)
    if known is None:
        step = legality.noticed(state.contract, state.rollout, status, facts.merged_at, now)
        return _answered(state, status, step, None, facts, now)
    facts = _lasting(status.facts, facts)
    if isinstance(evidence, Results):
        return _fold_results(left, status, evidence, facts, now)
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
        return _record(left, Event.OBSERVE, judged, now, consumed=True)
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
            return replace(_undo(state, judged, why, facts, now), consumed=consumed)
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
    return replace(_undo(state, judged, why, facts, now), consumed=True)


def _waits(status: Status, judged: Status, step: MergedStep, *, consumed: bool, told: str) -> Step | None:
    why = f"{step.phase} is merged and waits for {step.waits_for} until {format_instant(step.until)}"
    reasons = judged.decision.reasons if judged.decision.verdict is Verdict.HOLD else ()
    held = Decision(verdict=Verdict.HOLD, at=judged.decision.at, reasons=(why[:500], *reasons))
    waiting = judged.model_copy(update={"merged_step": step, "decision": held})
    if status.merged_step is None:
        return Step(Event.WAIT, StateChange(status=waiting), why)
    if not consumed and _only_older(waiting, status):
        return None
    event = Event.OBSERVE if consumed else Event.DECIDE
    return Step(event, StateChange(status=waiting), told, consumed)


def _judged_left(
    left: TrainState, status: Status, reading: Observation | None, facts: Facts, now: datetime
) -> Status:
    """The phase that a merged step leaves, judged now.

    A reading that began after the merge names the next phase, which nobody has entered: it is of this one.
    """
    settled = status.model_copy(update={"merged_step": None, "unreadable": left.unreadable})
    if reading is None:
        return assess(left, settled, facts, now)
    return observe(left, settled, reading.model_copy(update={"phase": status.phase}), facts, now)


def _enter(state: TrainState, status: Status, entry: datetime | None, facts: Facts, now: datetime) -> Status:
    """The status at the beginning of the phase that rollout.yaml names, which it does since `entry`."""
    entered = status.model_copy(
        update={
            "legal": state.rollout,
            "merged_step": None,
            "entry": entry,
            "entered_at": None,
            "soak": Soak(),
            "counters": counters.new_baseline(status.counters),
            "before": None,
        }
    )
    return assess(state, entered, facts, now)


def _put_back(state: TrainState, status: Status, why: str) -> Step:
    """The step undone, and nobody blamed; who froze meanwhile goes on doing so."""
    rollout = status.legal.model_copy(update={"frozen": status.legal.frozen or _persons_freeze(state)})
    return Step(Event.UNDO_STEP, StateChange(rollout=rollout, status=status), why)


def _persons_freeze(state: TrainState) -> Freeze | None:
    frozen = state.rollout.frozen
    return frozen if frozen is not None and frozen.incident is None else None


def _undo(state: TrainState, status: Status, why: str, facts: Facts, now: datetime) -> Step:
    frozen = status.legal.frozen or _persons_freeze(state)
    frozen = frozen or Freeze(reason=f"illegal step: {why}"[:500], at=now)
    rollout = status.legal.model_copy(update={"frozen": frozen})
    kept = status.model_copy(update={"legal": rollout, "merged_step": None})
    status = assess(replace(state, rollout=rollout), kept, facts, now)
    return Step(Event.ILLEGAL_STEP, StateChange(rollout=rollout, status=status), why)


# --- evidence --------------------------------------------------------------------------------------------


def _fold_results(
    state: TrainState, status: Status, results: Results, facts: Facts, now: datetime
) -> Step | None:
    answered = answer(status.requests, results.results, now)
    if not _is_of(status, results) or answered == status.requests:
        return None
    status = assess(state, status.model_copy(update={"requests": answered}), facts, now)
    # A failed request is asked for again by the next step, so that this one records how it failed.
    status = status.model_copy(update={"requests": answered})
    return Step(Event.RESULTS, StateChange(status=status), consumed=True)


def _fold_late_results(status: Status, evidence: Evidence | None, now: datetime) -> Step | None:
    """What was asked for when the rollout was frozen, such as 0 %, is answered after its end."""
    if not isinstance(evidence, Results) or not _is_of(status, evidence):
        return None
    answered = answer(status.requests, evidence.results, now)
    if answered == status.requests:
        return None
    kept = status.model_copy(update={"requests": answered, "decided_at": now})
    return Step(Event.RESULTS, StateChange(status=kept), consumed=True)


def _is_of(status: Status, evidence: Evidence) -> bool:
    return (evidence.release, evidence.commit) == (status.release, status.commit)


def why_ignored(status: Status, contract: Contract, observation: Observation, now: datetime) -> str:
    """Why an observation adds nothing (empty when it does).

    It is of another release or an earlier rollout, from the future, no newer than the last one, of a phase
    ahead or behind.
    """
    if not _is_of(status, observation):
        return f"of {observation.release}, not of {status.release}"
    release = status.legal.release
    if release is not None and succession.is_before_start(status, release, observation, now):
        return "from before the rollout started"
    why = succession.why_not_next(status, observation, now)
    if why:
        return why
    names = [phase.name for phase in contract.phases]
    is_waited_for = status.merged_step is not None and observation.phase == status.merged_step.phase
    is_ahead = observation.phase not in names or names.index(observation.phase) > names.index(status.phase)
    # A reading that a merged step waited for comes again after the step was undone: it contradicts nothing.
    if is_ahead and not is_waited_for:
        return f"of {observation.phase}, which has not been entered"
    if is_waited_for or succession.contradicts_last(status, observation):
        return ""
    if observation.phase != status.phase and status.entered_at is not None:
        return f"of {observation.phase}, and {status.phase} has been observed since"
    return ""


def _fold_observation(
    state: TrainState, status: Status, observation: Observation, facts: Facts, now: datetime
) -> Step | None:
    if why_ignored(status, state.contract, observation, now):
        return None
    observed = observe(state, status, observation, facts, now)
    told = succession.why_replaced(status, now)
    return _record(state, Event.OBSERVE, observed, now, consumed=True, detail=told)


def observe(
    state: TrainState, status: Status, observation: Observation, facts: Facts, now: datetime
) -> Status:
    """The status with one more observation folded in."""
    status, observation = succession.on_arrival(status, observation, now)
    at, folded = observation.started_at, _folded(state, status, observation)
    if not _belongs(state, status, observation):
        return _observe_late(state, folded, observation, facts, now)
    folded = folded.model_copy(update={"entered_at": status.entered_at or at})
    return assess(state, folded, facts, now, earn_at=at)


def _folded(state: TrainState, status: Status, observation: Observation) -> Status:
    """The status with what the observation reads; nothing is judged."""
    contract = state.contract
    since = began(state, status, observation.phase)
    samples = fresh_samples(observation, contract, since, by_first_rules=status.by_first_rules)
    tracks = counters.fold(status.counters, samples, contract)
    folded = streaks.fold(status.streaks, samples, contract, observation.phase)
    before = None if status.by_first_rules else succession.before(status, tracks, folded)
    return status.model_copy(
        update={
            "observation": observation,
            "before": before,
            "cursors": {
                **status.cursors,
                **{s: x.cursor for s, x in observation.samples.items() if x.cursor},
            },
            "counters": tracks,
            "streaks": folded,
        }
    )


def _observe_late(
    state: TrainState, status: Status, observation: Observation, facts: Facts, now: datetime
) -> Status:
    """Evidence that is not of the phase: it can still fire a trigger, and is a baseline until entry."""
    phase = observation.phase
    view = view_of(state, status, facts, phase, observation, since=began(state, status, phase))
    found = triggers.judge(view, status.triggers, observation.started_at)
    fired = tuple(finding for finding in found if finding.fired)
    if status.entered_at is None:
        status = status.model_copy(update={"counters": counters.new_baseline(status.counters)})
    return assess(state, status, facts, now, also_fired=fired)


def _belongs(state: TrainState, status: Status, observation: Observation) -> bool:
    if observation.phase != status.phase or not judges_alike(status, observation):
        return False
    applied, since = applied_at(state.contract, state.rollout, status.requests)
    return applied is None or (since is not None and observation.started_at >= since)


# --- facts and time --------------------------------------------------------------------------------------


def _decide_again(state: TrainState, status: Status, facts: Facts, now: datetime) -> Step | None:
    again = assess(state, status, _lasting(status.facts, facts), now)
    is_news = again.decision.verdict is Verdict.ROLLBACK or state.is_broken(STATUS)
    if not is_news and _only_older(again, status):
        return None
    return _record(state, Event.DECIDE, again, now, consumed=False)


def _lasting(known: Facts, asked: Facts) -> Facts:
    """The facts without what changes by itself, so that a run without news commits nothing."""
    # When a pull request was merged matters to the step that it made, and to nothing after.
    return asked.model_copy(update={"merged_at": known.merged_at, "revert": _same_revert(known, asked)})


def _same_revert(known: Facts, asked: Facts) -> RevertFact | None:
    """The fact that is known when only the branch has moved on: state commits may do that too."""
    old, new = known.revert, asked.revert
    if old is None or new is None or new.model_copy(update={"tip": old.tip}) != old:
        return new
    return old


def _only_older(again: Status, status: Status) -> bool:
    # A decision that was merely made again is no change: an idle train commits nothing.
    decision = again.decision.model_copy(update={"at": status.decision.at})
    return again.model_copy(update={"decided_at": status.decided_at, "decision": decision}) == status


def _record(
    state: TrainState, event: Event, status: Status, now: datetime, *, consumed: bool, detail: str = ""
) -> Step:
    if status.decision.verdict is not Verdict.ROLLBACK:
        return Step(event, StateChange(status=status), detail, consumed)
    fired = tuple(finding for finding in status.triggers if finding.fired)
    incident = opening.open_incident(state.contract, state.rollout, fired, status.gates, now)
    change = opening.opened(replace(state, status=status), incident, now)
    return Step(Event.ROLLBACK, change, consumed=consumed)


def _complete(state: TrainState, status: Status, now: datetime) -> Step | None:
    if status.decision.verdict is not Verdict.COMPLETE:
        return None
    rollout = state.rollout.model_copy(update={"outcome": Outcome.COMPLETE})
    channel = channels.completed(state.channel or Channel(train=state.train), status.release, now)
    if not status.by_first_rules:
        channel = completed.remember(channel, rollout)
    change = StateChange(
        rollout=rollout,
        status=status.model_copy(update={"legal": rollout, "decided_at": now}),
        channel=channel,
    )
    return Step(Event.COMPLETE, change)


def _prove(state: TrainState, status: Status, now: datetime) -> Step | None:
    if state.signoff is None or state.is_broken(SIGNOFF):
        return None
    checklist, newly = signoff.prove(
        state.contract,
        state.rollout,
        status,
        state.signoff,
        state.head,
        now,
        rehearsal=state.rehearsal,
    )
    return Step(Event.SIGNOFF, StateChange(signoff=checklist), ", ".join(newly)) if newly else None
