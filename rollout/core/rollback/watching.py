"""What is seen, and who asks, while a rollback is under way: it joins the incident, and starts no other."""

from __future__ import annotations

from datetime import datetime

from rollout.core.channel.guards import bare
from rollout.core.contract import Action, Contract, RollbackStep
from rollout.core.decide import triggers
from rollout.core.decide.evidence import fold_readings
from rollout.core.decide.step import Step
from rollout.core.decide.succession import why_ignored
from rollout.core.decide.view import view_of
from rollout.core.observation import Observation
from rollout.core.rollback import revert_step
from rollout.core.rollback.opening import RECONCILE, actions_of, block_signoff, known_good
from rollout.core.rollback.target import named, recorded, why_unusable
from rollout.core.rollback.work import ask_lanes
from rollout.core.state import (
    Event,
    Facts,
    Incident,
    IncidentStep,
    Outcome,
    RollbackJoin,
    StateChange,
    Status,
    StepState,
    TrainState,
    TriggerFinding,
)
from rollout.core.state.incident import MAX_JOINED


def watch(
    state: TrainState,
    status: Status,
    incident: Incident,
    observation: Observation,
    facts: Facts,
    now: datetime,
) -> Step | None:
    """Records one more observation, of which nothing is judged but the triggers; None where it adds nothing.

    A trigger that fires anew joins the incident, with what it sets off, until the revert is there:
    from then on health is that of another revision.
    """
    if why_ignored(status, state.contract, observation, now):
        return None
    status, observation = fold_readings(state, status, observation, now)
    found = _triggers(state, status, observation, facts)
    status = status.model_copy(update={"triggers": found, "facts": facts, "decided_at": now})
    new = () if _has_landed(incident) else _new(incident, found, state.contract)
    if not new:
        return Step(Event.OBSERVE, StateChange(status=status), consumed=True)
    told = tuple(
        RollbackJoin(
            at=now, by=RECONCILE, reason=finding.seen, trigger=finding.trigger, surface=finding.surface
        )
        for finding in new
    )
    actions = {*incident.actions, *actions_of(state.contract, new)}
    incident = incident.model_copy(
        update={
            "joined": _last(incident.joined + told),
            "actions": tuple(action for action in Action if action in actions),
        }
    )
    rollout = state.rollout.model_copy(
        update={"lanes": {**state.rollout.lanes, **known_good(state.contract, new)}}
    )
    requests = status.requests + ask_lanes(state.contract, incident, rollout, status.requests, now)
    change = StateChange(
        rollout=rollout if rollout != state.rollout else None,
        status=status.model_copy(update={"legal": rollout, "requests": requests}),
        incident=incident,
        signoff=block_signoff(state.signoff, incident),
    )
    return Step(Event.JOIN, change, "; ".join(finding.in_words for finding in new)[:500], consumed=True)


def _triggers(
    state: TrainState, status: Status, observation: Observation, facts: Facts
) -> tuple[TriggerFinding, ...]:
    view = view_of(state, status, facts, observation.phase, observation, since=status.entry)
    return triggers.judge(view, status.triggers, observation.started_at)


def _has_landed(incident: Incident) -> bool:
    return incident.revert is not None and incident.revert.landed is not None


def _new(
    incident: Incident, found: tuple[TriggerFinding, ...], contract: Contract
) -> tuple[TriggerFinding, ...]:
    """Returns what fires anew; what only freezes has nothing to add to a train that is frozen."""
    known = {(finding.trigger, finding.surface) for finding in incident.triggers}
    known |= {(joined.trigger or "", joined.surface) for joined in incident.joined}
    fired = (each for each in found if each.fired and contract.rolls_back(each.trigger))
    return tuple(each for each in fired if (each.trigger, each.surface) not in known)


def _last(joined: tuple[RollbackJoin, ...]) -> tuple[RollbackJoin, ...]:
    return joined[-MAX_JOINED:]


# --- people ----------------------------------------------------------------------------------------------


def may_redirect(incident: Incident) -> bool:
    """Returns whether a person can still name another target: no version has been recorded."""
    is_pending = incident.step(RollbackStep.APPLY_METADATA).state is StepState.PENDING
    inspected = incident.step(RollbackStep.INSPECT_TARGET).state
    return is_pending or inspected in (StepState.FAILED, StepState.SKIPPED)


def looked_up(state: TrainState, at: datetime) -> RollbackJoin | None:
    """Returns what to record once the target is found that was not looked up when a person named it.

    None where no target waits for that.
    """
    incident = state.incident
    if state.rollout.outcome is not Outcome.ROLLING_BACK or incident is None or incident.target is None:
        return None
    target, people = incident.target, [one for one in incident.joined if one.target is not None]
    by = people[-1].by if people else incident.started_by
    is_left = incident.step(RollbackStep.INSPECT_TARGET).state is StepState.FAILED
    if not is_left or by == RECONCILE or bare(target.version) in recorded(state):
        return None
    if why_unusable(target, incident.release, state.quarantine):
        return None
    return RollbackJoin(at=at, by=by, reason=f"{target.version} is there", target=target.version)


def join(state: TrainState, incident: Incident, entry: RollbackJoin) -> Incident:
    """Adds a person's request for the rollback that is under way.

    A target answers a rollback that has none, and a commit says where the revert is. Asking again without
    either proposes anew what was closed, or did not take the release back.
    """
    changes: dict[str, object] = {"joined": _last((*incident.joined, entry))}
    if entry.target is not None:
        changes["target"] = named(entry.target, state.rollout, state.channel, entry.at)
        again = (RollbackStep.INSPECT_TARGET, RollbackStep.APPLY_METADATA)
        changes["steps"] = _afresh(incident.steps, *again)
    elif entry.reverted is not None:
        declared = {"declared": entry.reverted, "taken_back": None}
        changes["revert"] = revert_step.revert_of(incident).model_copy(update=declared)
    elif _may_be_proposed_anew(state):
        changes["revert"] = revert_step.proposed_anew(incident)
        changes["steps"] = _afresh(incident.steps, RollbackStep.REVERT)
    return incident.model_copy(update=changes)


def _may_be_proposed_anew(state: TrainState) -> bool:
    fact = state.status.facts.revert if state.status else None
    return state.incident is not None and revert_step.may_be_proposed_anew(state.incident, fact)


def _afresh(steps: tuple[IncidentStep, ...], *names: RollbackStep) -> tuple[IncidentStep, ...]:
    return tuple(
        step.model_copy(update={"state": StepState.PENDING, "result": "", "finished_at": None})
        if step.step in names
        else step
        for step in steps
    )


def joined(state: TrainState, entry: RollbackJoin) -> StateChange | None:
    """Returns the commit that records it; None when nothing new is said."""
    incident = state.incident
    assert incident is not None
    said = {(one.by, one.reason, one.target, one.reverted) for one in incident.joined}
    said.add((incident.started_by, incident.reason, None, None))
    asks = entry.target is None and entry.reverted is None
    is_told = (entry.by, entry.reason, entry.target, entry.reverted) in said
    if is_told and not (asks and _may_be_proposed_anew(state)):
        return None
    return StateChange(incident=join(state, incident, entry))
