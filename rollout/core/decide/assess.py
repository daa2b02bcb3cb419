"""Judging a status, read from top to bottom: what it shows, then triggers, gates, soak, and the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollout.core.decide import soak, triggers
from rollout.core.decide.decision import decide, why_held, without_promotion
from rollout.core.decide.findings import findings, health_leaves, judge_gates
from rollout.core.decide.requests import needed
from rollout.core.decide.view import View, began, view_of
from rollout.core.files import CONTRACT
from rollout.core.observation import Observation
from rollout.core.state import Facts, Status, TrainState, TriggerFinding, TriggerState


def assess(
    state: TrainState,
    status: Status,
    facts: Facts,
    now: datetime,
    *,
    earn_at: datetime | None = None,
    also_fired: tuple[TriggerFinding, ...] = (),
) -> Status:
    """Returns the status judged: view, triggers, gates, soak, decision, and what is asked of the product
    side.

    `earn_at`: when an observation was made that has just been folded, and earns soak; None without one.
    `also_fired`: triggers that fired in another phase.
    """
    observation = _current_observation(status)
    at = earn_at or now
    view = view_of(state, status, facts, status.phase, observation, since=began(state, status, status.phase))
    fired = _merged(also_fired, triggers.judge(view, status.triggers, at))
    view = _with_triggers(view, fired)
    judged = judge_gates(view)
    credit = status.soak
    if earn_at is not None:
        credit = soak.earn(credit, view, health_leaves(judged, view), earn_at)
        view = replace(view, soak=credit)
    found = findings(judged, view, status.gates, at)
    observed_at = observation.finished_at if observation else None
    decision = decide(view, found, observed_at, now)
    if status.contract_unusable:
        decision = without_promotion(decision, why_held(CONTRACT))
    elif status.unreadable:
        decision = without_promotion(decision, why_held(", ".join(status.unreadable)))
    requests = needed(state.contract, state.rollout, status.requests, found, status.observation, now)
    return status.model_copy(
        update={
            "decided_at": now,
            "soak": credit,
            "gates": found,
            "triggers": fired,
            "facts": facts,
            "decision": decision,
            "requests": requests,
        }
    )


def _with_triggers(view: View, found: tuple[TriggerFinding, ...]) -> View:
    """Returns the view with what `no_trigger` gates ask about."""
    return replace(
        view,
        fired=tuple(finding for finding in found if finding.fired),
        unsure=tuple(finding for finding in found if finding.state is TriggerState.UNKNOWN),
    )


def _merged(
    first: tuple[TriggerFinding, ...], rest: tuple[TriggerFinding, ...]
) -> tuple[TriggerFinding, ...]:
    named = {finding.trigger for finding in first}
    return first + tuple(finding for finding in rest if finding.trigger not in named)


def judges_alike(status: Status, observation: Observation) -> bool:
    """Returns whether the contract that the observation was made under judges health as the present one
    does.
    """
    return observation.contract_digest in (status.contract_digest, status.same_health)


def _current_observation(status: Status) -> Observation | None:
    """Returns the last observation, if it is of this phase and contract, and of the percent that is
    applied.
    """
    observation = status.observation
    if observation is None or status.entered_at is None:
        return None
    same = observation.phase == status.phase and judges_alike(status, observation)
    return observation if same and observation.started_at >= status.entered_at else None
