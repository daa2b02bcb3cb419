"""Judging a status: triggers, gates, soak and decision for what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from rollout.core import signoff
from rollout.core.contract import Contract
from rollout.core.decide import legality, soak
from rollout.core.decide.decision import (
    decide,
    findings,
    health_leaves,
    hold_ahead,
    hold_frozen,
    judge_gates,
    judge_triggers,
    look,
    why_held,
    with_triggers,
    without_promotion,
)
from rollout.core.decide.requests import applied_at, needed
from rollout.core.decide.succession import why_ahead
from rollout.core.decide.view import View
from rollout.core.files import CONTRACT, ROLLOUT
from rollout.core.observation import Observation
from rollout.core.state import Event, Facts, Outcome, Quarantine, Rollout, Status, TrainState, TriggerFinding


def reassess(state: TrainState, status: Status, facts: Facts, now: datetime) -> Status:
    """The status judged again with these facts, no new evidence."""
    unsigned = unsigned_items(state, state.rollout)
    return assess(state.contract, state.rollout, status, unsigned, facts, now, quarantine=state.quarantine)


def held_now(state: TrainState, now: datetime) -> TrainState:
    """The state as a person sees it: what the train's files hold up, and a clock that ran ahead, is held.

    The next reconcile decides so too.
    """
    status = state.status
    if status is None:
        return state
    decision = status.decision
    for why in _found_since(state, status, now):
        if why not in decision.reasons:
            decision = without_promotion(decision, why)
    return replace(state, status=status.model_copy(update={"decision": decision}))


def _found_since(state: TrainState, status: Status, now: datetime) -> Iterator[str]:
    """What holds promotion and was there for everybody to see before reconcile came by; the first, last."""
    if why := why_ahead(status, now):
        yield hold_ahead(why)
    if state.rollout.outcome is not Outcome.IN_PROGRESS:
        return
    if state.is_broken(ROLLOUT):
        yield f"{ROLLOUT} cannot be read"
    elif state.rollout.frozen is not None:
        yield hold_frozen(state.rollout.frozen)
    elif state.rollout != status.legal:
        event, why = legality.judge(state.contract, state.rollout, status, None, now)
        if event is Event.ILLEGAL_STEP:
            yield f"{ROLLOUT} was changed by hand: {why}"
    if state.unusable is not None:
        yield why_held(CONTRACT)
    elif state.unreadable:
        yield why_held(", ".join(state.unreadable))


def is_settled(state: TrainState) -> bool:
    """Whether nothing that a person changed is still to be judged."""
    status = state.status
    if status is None:
        return True
    is_over = status.legal.outcome is not Outcome.IN_PROGRESS
    if state.rollout != status.legal or state.is_broken(ROLLOUT):
        return False
    return is_over or (has_adopted(state, status) and status.unreadable == state.unreadable)


def has_adopted(state: TrainState, status: Status) -> bool:
    """Whether the status is decided by the contract as it is now, and says so when that cannot be used."""
    is_usable = state.unusable is None
    return status.contract_digest == state.contract_digest and status.contract_unusable is not is_usable


def unsigned_items(state: TrainState, rollout: Rollout) -> dict[str, tuple[str, ...]]:
    return signoff.unsigned(state.contract, state.signoff, rollout)


def view_of(
    contract: Contract,
    rollout: Rollout,
    phase: str,
    status: Status,
    observation: Observation | None,
    unsigned: dict[str, tuple[str, ...]],
    facts: Facts,
    quarantine: Quarantine | None,
) -> View:
    return look(
        contract,
        rollout,
        contract.phase(phase),
        observation,
        counters=status.counters,
        streaks=status.streaks,
        requests=status.requests,
        soak=status.soak,
        facts=facts,
        unsigned=unsigned,
        quarantine=quarantine,
        since=began(contract, rollout, status, phase),
        by_first_rules=status.by_first_rules,
    )


def began(contract: Contract, rollout: Rollout, status: Status, phase: str) -> datetime | None:
    """When a reading of that phase is made at the earliest; None where the first rules set no such bound.

    A phase begins with its entry, or when its percent was applied. Of one that was left only the start of
    the rollout is still known.
    """
    if status.by_first_rules or rollout.release is None:
        return None
    if phase != status.phase or status.entry is None:
        return rollout.release.started_at
    _, applied = applied_at(contract, rollout, status.requests)
    return max(status.entry, applied) if applied else status.entry


def assess(
    contract: Contract,
    rollout: Rollout,
    status: Status,
    unsigned: dict[str, tuple[str, ...]],
    facts: Facts,
    now: datetime,
    *,
    quarantine: Quarantine | None,
    earn_at: datetime | None = None,
    also_fired: tuple[TriggerFinding, ...] = (),
) -> Status:
    """Triggers, gates, soak (earned only with `earn_at`) and decision for what the status holds."""
    observation = _current_observation(status)
    at = earn_at or now
    view = view_of(contract, rollout, status.phase, status, observation, unsigned, facts, quarantine)
    fired = _merged(also_fired, judge_triggers(view, status.phase, status.triggers, at))
    view = with_triggers(view, fired)
    judged = judge_gates(view)
    credit = status.soak
    if earn_at is not None:
        credit = soak.earn(credit, view, health_leaves(judged, view), earn_at)
        view = replace(view, soak=credit)
    found = findings(judged, view, status.gates, at)
    observed_at = observation.finished_at if observation else None
    decision = decide(contract, rollout, view, found, observed_at, now)
    if status.contract_unusable:
        decision = without_promotion(decision, why_held(CONTRACT))
    elif status.unreadable:
        decision = without_promotion(decision, why_held(", ".join(status.unreadable)))
    return status.model_copy(
        update={
            "decided_at": now,
            "soak": credit,
            "gates": found,
            "triggers": fired,
            "facts": facts,
            "decision": decision,
            "requests": needed(contract, rollout, status.requests, found, status.observation, now),
        }
    )


def _merged(
    first: tuple[TriggerFinding, ...], rest: tuple[TriggerFinding, ...]
) -> tuple[TriggerFinding, ...]:
    named = {finding.trigger for finding in first}
    return first + tuple(finding for finding in rest if finding.trigger not in named)


def judges_alike(status: Status, observation: Observation) -> bool:
    """Whether the contract that the observation was made under judges health as the present one does."""
    return observation.contract_digest in (status.contract_digest, status.same_health)


def _current_observation(status: Status) -> Observation | None:
    """The last observation, if it is of this phase and contract, and of the percent that is applied."""
    observation = status.observation
    if observation is None or status.entered_at is None:
        return None
    same = observation.phase == status.phase and judges_alike(status, observation)
    return observation if same and observation.started_at >= status.entered_at else None
