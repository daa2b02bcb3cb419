"""The first step of a rollback: freeze, and the incident's identity, in one commit before anything slow."""

from __future__ import annotations

import re
from datetime import datetime

from rollout.core.contract import Action, Contract, RollbackStep
from rollout.core.state import (
    Freeze,
    GateFinding,
    Incident,
    IncidentStep,
    Outcome,
    Rollout,
    Signoff,
    StepState,
    TriggerFinding,
)
from rollout.core.values import to_utc_seconds

RECONCILE = "reconcile"
"""What started an incident that no person did."""


def incident_id(version: str, at: datetime) -> str:
    """`20261123t101500z-v0.1.5`: from the release and the time of the freeze, decided once."""
    name = re.sub(r"[^a-z0-9._-]", "-", version.lower())
    return f"{to_utc_seconds(at):%Y%m%dt%H%M%Sz}-{name}"[:63]


def open_incident(
    contract: Contract,
    rollout: Rollout,
    fired: tuple[TriggerFinding, ...],
    gates: tuple[GateFinding, ...],
    at: datetime,
) -> Incident:
    """The incident that these triggers start; its freeze step is done by the commit that records it."""
    assert rollout.release is not None
    assert rollout.phase is not None
    return Incident(
        id=incident_id(rollout.release.version, at),
        train=rollout.train,
        release=rollout.release.version,
        commit=rollout.release.commit,
        phase=rollout.phase,
        canary_percent=rollout.canary_percent,
        started_at=at,
        started_by=RECONCILE,
        triggers=fired,
        actions=_actions(contract, fired),
        steps=tuple(_step(step, at) for step in contract.rollback.steps),
        gates=gates,
    )


def _actions(contract: Contract, fired: tuple[TriggerFinding, ...]) -> tuple[Action, ...]:
    names = {finding.trigger for finding in fired}
    wanted = {action for trigger in contract.triggers if trigger.name in names for action in trigger.actions}
    return tuple(action for action in Action if action in wanted)


def _step(step: RollbackStep, at: datetime) -> IncidentStep:
    if step is RollbackStep.FREEZE:
        return IncidentStep(step=step, state=StepState.DONE, at=at, result="promotion stopped")
    return IncidentStep(step=step)


def freeze(rollout: Rollout, contract: Contract, incident: Incident) -> Rollout:
    """Desired state as the incident leaves it: frozen, at no or the same percent, bad lanes switched."""
    hold = contract.rollback.canary_percent == "hold"
    return rollout.model_copy(
        update={
            "canary_percent": rollout.canary_percent if hold else 0,
            "frozen": Freeze(reason=_reason(incident), at=incident.started_at, incident=incident.id),
            "outcome": Outcome.ROLLING_BACK,
            "lanes": {**rollout.lanes, **_known_good(contract, incident)},
        }
    )


def _reason(incident: Incident) -> str:
    first = incident.triggers[0]
    where = f" ({first.surface})" if first.surface else ""
    return f"{first.trigger}{where}: {first.seen}"[:500]


def _known_good(contract: Contract, incident: Incident) -> dict[str, str]:
    switching = {trigger.name for trigger in contract.triggers if Action.KNOWN_GOOD_LANE in trigger.actions}
    return {
        finding.surface: "known_good"
        for finding in incident.triggers
        if finding.surface and finding.trigger in switching
    }


def block_signoff(signoff: Signoff | None, incident: Incident) -> Signoff | None:
    """The checklist blocked, where a fired trigger says so; None when it stays as it is."""
    if signoff is None or Action.BLOCK_SIGNOFF not in incident.actions:
        return None
    return signoff.model_copy(update={"blocked": incident.id})
