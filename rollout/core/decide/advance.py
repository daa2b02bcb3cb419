"""`advance`: the next state of a rollout, from this one and one piece of evidence. Pure: the whole
automation is this function applied again and again until it has nothing to say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from rollout.core import channel as channels
from rollout.core import completed, signoff
from rollout.core.contract import Contract
from rollout.core.decide import first_rules, legality
from rollout.core.decide.assess import assess
from rollout.core.decide.edits import adopt_contract, judge_change, restore, undo
from rollout.core.decide.evidence import (
    fold_facts,
    fold_late_results,
    fold_observation,
    fold_results,
)
from rollout.core.decide.migration import migrated
from rollout.core.decide.pending import has_adopted
from rollout.core.decide.requests import lanes_back, needed
from rollout.core.decide.step import Step
from rollout.core.files import ROLLOUT, SIGNOFF
from rollout.core.observation import Evidence, Observation, Results
from rollout.core.state import (
    CURRENT_RULES,
    FIRST_RULES,
    Channel,
    Decision,
    Event,
    Facts,
    Outcome,
    ReleaseRange,
    Rollout,
    StateChange,
    Status,
    TrainState,
    Verdict,
)


def begin(
    contract: Contract,
    digest: str,
    rollout: Rollout,
    now: datetime,
    *,
    lanes: Collection[str] = (),
    release_range: ReleaseRange | None = None,
) -> Status:
    """Returns the first status of a rollout that starts in its first phase.

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
    """Returns the next step; None when there is nothing to record (the evidence then adds nothing).

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
        return restore(state, status, now) or _after_the_end(state, status, evidence, facts, now)
    if not has_adopted(state, status):
        return adopt_contract(state, status, facts, now)
    if state.is_broken(ROLLOUT):
        return undo(state, status, f"{ROLLOUT} cannot be read", facts, now)
    if state.rollout != status.legal:
        return judge_change(state, status, evidence, facts, now)
    if status.merged_step is not None:
        # Somebody took the merge back before it was entered.
        left = status.model_copy(update={"merged_step": None})
        return Step(Event.DECIDE, StateChange(status=assess(state, left, facts, now)))
    if status.unreadable != state.unreadable:
        noted = status.model_copy(update={"unreadable": state.unreadable})
        return Step(Event.DECIDE, StateChange(status=assess(state, noted, facts, now)))
    if isinstance(evidence, Results):
        return _prove(state, status, now) or fold_results(state, status, evidence, facts, now)
    if isinstance(evidence, Observation):
        return _prove(state, status, now) or fold_observation(state, status, evidence, facts, now)
    return (
        fold_facts(state, status, facts, now) or _complete(state, status, now) or _prove(state, status, now)
    )


def advance_as_before(state: TrainState, facts: Facts, now: datetime, *, rules: int) -> Step | None:
    """Returns the step of a version that let a changed contract, or a freeze, make a merge before it illegal.

    It put its own reason in the place of the person's freeze. Only `verify` of such commits comes here.
    """
    if state.status is None:
        return None
    state, status = _by_rules(state, state.status, rules)
    if not has_adopted(state, status):
        return adopt_contract(replace(state, rollout=status.legal), status, facts, now)
    unfrozen = replace(state, rollout=state.rollout.model_copy(update={"frozen": None}))
    unnoticed = status.model_copy(update={"merged_step": None})
    event, why = legality.judge(state.contract, state.rollout, unnoticed, None, now)
    return undo(unfrozen, status, why, facts, now) if event is Event.ILLEGAL_STEP else None


def _by_rules(state: TrainState, status: Status, rules: int) -> tuple[TrainState, Status]:
    if rules == FIRST_RULES:
        return replace(state, contract=first_rules.as_read_then(state.contract)), status
    if status.by_first_rules:
        status = migrated(state, status)
    return replace(state, status=status), status


def _after_the_end(
    state: TrainState, status: Status, evidence: Evidence | None, facts: Facts, now: datetime
) -> Step | None:
    """Returns what still goes on once promotion has ended: a rollback, and answers to what was asked for."""
    incident = state.incident
    if isinstance(evidence, Results) or incident is None or incident.ended is not None:
        return fold_late_results(status, evidence, now)
    # Only a rollback needs these: a release that is well should not wait for them to load.
    from rollout.core.rollback.machine import Moment, next_step
    from rollout.core.rollback.watching import watch

    if evidence is None:
        return next_step(Moment(state, status, incident, facts, now))
    return watch(state, status, incident, evidence, facts, now)


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
