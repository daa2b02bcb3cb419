"""The first step of a rollback: freeze, and the incident's identity, in one commit before anything slow."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from rollout.core.contract import Action, Contract, RollbackStep
from rollout.core.decide.requests import needed
from rollout.core.rollback.work import ask, ask_lanes
from rollout.core.signoff import block
from rollout.core.state import (
    Decision,
    Freeze,
    GateFinding,
    Incident,
    IncidentStep,
    Outcome,
    Request,
    RollbackTarget,
    Rollout,
    Signoff,
    StateChange,
    StepState,
    TrainState,
    TriggerFinding,
    Verdict,
    Work,
)
from rollout.core.values import compact_instant

RECONCILE = "reconcile"
"""What started an incident that no person did."""
KNOWN_GOOD = "known_good"


def incident_id(version: str, at: datetime) -> str:
    """Returns `20261123t101500z-v0.1.5`: from the release and the time of the freeze, decided once."""
    name = re.sub(r"[^a-z0-9._-]", "-", version.lower())
    made = f"{compact_instant(at).lower()}-{name}"[:63]
    # It ends the name of a branch, which git allows neither to be a `.lock` nor to end in a dot.
    return re.sub(r"\.(lock)?$", r"-\1", made)


def open_incident(
    contract: Contract,
    rollout: Rollout,
    fired: tuple[TriggerFinding, ...],
    gates: tuple[GateFinding, ...],
    at: datetime,
    *,
    by: str = RECONCILE,
    reason: str = "",
    target: RollbackTarget | None = None,
    unchecked: str = "",
) -> Incident:
    """Returns the incident of these triggers, or of a person's reason; its first step is done by its own
    commit.

    `target` replaces the one that was fixed when the rollout started. Where it could not be looked up,
    `unchecked` says so: the rollback goes on without it, as without one.
    """
    assert rollout.release is not None
    assert rollout.phase is not None
    return Incident(
        id=incident_id(rollout.release.version, at),
        train=rollout.train,
        release=rollout.release.version,
        commit=rollout.release.commit,
        phase=rollout.phase,
        canary_percent=rollout.canary_percent,
        outcome=rollout.outcome,
        started_at=at,
        started_by=by,
        reason=reason,
        triggers=fired,
        actions=actions_of(contract, fired),
        target=target or rollout.rollback_target,
        steps=tuple(_step(step, contract, at, unchecked) for step in contract.rollback.steps),
        gates=gates,
    )


def actions_of(contract: Contract, fired: tuple[TriggerFinding, ...]) -> tuple[Action, ...]:
    """Returns what these triggers set off, in the matrix's words; freeze and rollback always."""
    names = {finding.trigger for finding in fired}
    wanted = {action for trigger in contract.triggers if trigger.name in names for action in trigger.actions}
    return tuple(action for action in Action if action in wanted | {Action.FREEZE, Action.ROLLBACK})


def _step(step: RollbackStep, contract: Contract, at: datetime, unchecked: str) -> IncidentStep:
    if step is RollbackStep.FREEZE:
        return IncidentStep(
            step=step,
            state=StepState.DONE,
            attempts=1,
            started_at=at,
            finished_at=at,
            result="promotion stopped",
        )
    if step is RollbackStep.CAPTURE_EVIDENCE:
        if contract.rollback.evidence:
            return IncidentStep(step=step, state=StepState.RUNNING, attempts=1, started_at=at)
        return IncidentStep(
            step=step, state=StepState.SKIPPED, finished_at=at, result="the contract names no evidence"
        )
    if step is RollbackStep.INSPECT_TARGET and unchecked:
        return IncidentStep(
            step=step,
            state=StepState.FAILED,
            attempts=1,
            started_at=at,
            finished_at=at,
            result=unchecked,
        )
    return IncidentStep(step=step)


def freeze(rollout: Rollout, contract: Contract, incident: Incident) -> Rollout:
    """Returns desired state as the incident leaves it: frozen, at 0 or the old percent, lanes switched."""
    hold = contract.rollback.canary_percent == "hold"
    return rollout.model_copy(
        update={
            "canary_percent": rollout.canary_percent if hold else 0,
            "frozen": Freeze(reason=_reason(incident), at=incident.started_at, incident=incident.id),
            "outcome": Outcome.ROLLING_BACK,
            "lanes": {**rollout.lanes, **known_good(contract, incident.triggers)},
        }
    )


def _reason(incident: Incident) -> str:
    if not incident.triggers:
        return f"rollback by {incident.started_by}: {incident.reason}"[:500]
    return incident.triggers[0].in_words[:500]


def known_good(contract: Contract, fired: tuple[TriggerFinding, ...]) -> dict[str, str]:
    """Returns the lanes that these triggers switch."""
    switching = {trigger.name for trigger in contract.triggers if Action.KNOWN_GOOD_LANE in trigger.actions}
    return {
        finding.surface: KNOWN_GOOD for finding in fired if finding.surface and finding.trigger in switching
    }


def block_signoff(signoff: Signoff | None, incident: Incident) -> Signoff | None:
    """Returns the checklist blocked, and all that was signed withdrawn; None when it stays as it is."""
    if signoff is None or signoff.blocked is not None:
        return None
    return block(signoff, incident.id, incident.started_at)


def asked(
    contract: Contract, rollout: Rollout, incident: Incident, standing: tuple[Request, ...], at: datetime
) -> tuple[Request, ...]:
    """Returns what the product side has to do at once: the percent first, then evidence, then lanes."""
    # A surface that was going back to the release's lane stays where it is.
    kept = tuple(request for request in standing if request.work is not Work.RELEASE_LANE)
    requests = needed(contract, rollout, kept, (), None, at)
    if incident.step(RollbackStep.CAPTURE_EVIDENCE).state is StepState.RUNNING:
        step = RollbackStep.CAPTURE_EVIDENCE
        requests += (ask(Work.CAPTURE_EVIDENCE, incident, rollout, at, step=step),)
    return requests + ask_lanes(contract, incident, rollout, requests, at)


def opened(state: TrainState, incident: Incident, at: datetime) -> StateChange:
    """Returns the commit that freezes: desired state, status, incident and checklist."""
    status = state.status
    assert status is not None
    rollout = freeze(status.legal, state.contract, incident)
    status = status.model_copy(
        update={
            "legal": rollout,
            "merged_step": None,
            "requests": asked(state.contract, rollout, incident, status.requests, at),
        }
    )
    return StateChange(
        rollout=rollout,
        status=status,
        incident=incident,
        signoff=block_signoff(state.signoff, incident),
    )


def dispatched(
    state: TrainState,
    by: str,
    reason: str,
    target: RollbackTarget | None,
    at: datetime,
    unchecked: str = "",
) -> StateChange:
    """Returns the rollback that a person starts, of a rollout in progress or of the release that completed
    last.

    It takes hold of what was last legal: a promotion that nobody has judged yet is lost to it. `unchecked`
    says why the target could not be looked up.
    """
    status = state.status
    assert status is not None
    incident = open_incident(
        state.contract,
        status.legal,
        (),
        status.gates,
        at,
        by=by,
        reason=reason,
        target=target,
        unchecked=unchecked,
    )
    decision = Decision(verdict=Verdict.ROLLBACK, at=at, reasons=(_reason(incident),))
    decided = status.model_copy(update={"decision": decision, "decided_at": at})
    return opened(replace(state, status=decided), incident, at)
