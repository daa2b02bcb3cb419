"""Judging a status, read from top to bottom: what it shows, then triggers, gates, soak, and the decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from rollout.core.contract import APPLIED_GATE, SOAK_GATE, Gate
from rollout.core.decide import gates, soak, triggers
from rollout.core.decide.decision import decide, why_held, without_promotion
from rollout.core.decide.requests import needed
from rollout.core.decide.view import Leaf, View, view_of_phase
from rollout.core.files import CONTRACT
from rollout.core.observation import Observation
from rollout.core.state import (
    Decision,
    Facts,
    GateFinding,
    Result,
    Status,
    TrainState,
    TriggerFinding,
    TriggerState,
)

GateLeaves = Iterable[tuple[Gate, list[Leaf]]]


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
    at = earn_at or now
    view = view_of_phase(state, status, facts, status.phase, _current_observation(status))
    fired = _merged(also_fired, triggers.judge(view, status.triggers, at))
    view = _with_triggers(view, fired)
    judged = judge_gates(view)
    if earn_at is not None:
        view = replace(view, soak=soak.earn(view, _health_leaves(judged, view), earn_at))
    found = _findings(judged, view, status.gates, at)
    decision = _while_unreadable(decide(view, found, now), status)
    requests = needed(state.contract, state.rollout, status.requests, found, status.observation, now)
    return status.model_copy(
        update={
            "decided_at": now,
            "soak": view.soak,
            "gates": found,
            "triggers": fired,
            "facts": facts,
            "decision": decision,
            "requests": requests,
        }
    )


def _current_observation(status: Status) -> Observation | None:
    """Returns the last observation, if it is of this phase and contract, and of the percent that is
    applied.
    """
    observation = status.observation
    if observation is None or status.entered_at is None:
        return None
    same = observation.phase == status.phase and status.judges_like(observation)
    return observation if same and observation.started_at >= status.entered_at else None


# --- triggers --------------------------------------------------------------------------------------------


def _merged(
    first: tuple[TriggerFinding, ...], rest: tuple[TriggerFinding, ...]
) -> tuple[TriggerFinding, ...]:
    named = {finding.trigger for finding in first}
    return first + tuple(finding for finding in rest if finding.trigger not in named)


def _with_triggers(view: View, found: tuple[TriggerFinding, ...]) -> View:
    """Returns the view with what `no_trigger` gates ask about."""
    return replace(
        view,
        fired=tuple(finding for finding in found if finding.fired),
        unsure=tuple(finding for finding in found if finding.state is TriggerState.UNKNOWN),
    )


# --- gates and soak --------------------------------------------------------------------------------------


def judge_gates(view: View) -> list[tuple[Gate, list[Leaf]]]:
    """Returns every gate of the view's phase with its leaves, in the contract's order."""
    return [
        (gate, _fail_closed(list(gates.evaluate(gate, view)))) for gate in view.contract.gates_of(view.phase)
    ]


def _fail_closed(leaves: list[Leaf]) -> list[Leaf]:
    # A gate that no surface can answer would pass by silence: a misspelt field must block instead.
    # Only what is not asked of surfaces can say by itself that it does not apply.
    for leaf in leaves:
        if leaf.result is not Result.NOT_APPLICABLE or leaf.surface is None:
            return leaves
    wanted = leaves[0].wanted if leaves else ""
    return [Leaf(Result.UNKNOWN, None, "no surface reports it", wanted)]


def _health_leaves(judged: GateLeaves, view: View) -> list[Leaf]:
    """Returns the leaves that soak depends on."""
    return [_for_soak(leaf) for gate, leaves in judged if _earns_soak(gate, view) for leaf in leaves]


def _for_soak(leaf: Leaf) -> Leaf:
    return leaf._replace(result=Result.SATISFIED) if leaf.more_samples else leaf


def _earns_soak(gate: Gate, view: View) -> bool:
    if view.by_first_rules:
        return gates.reads_health(gate)
    return gates.earns_soak(gate, view.contract, view.phase)


# --- what is recorded of them, and decided -----------------------------------------------------------------


def _findings(
    judged: GateLeaves, view: View, before: tuple[GateFinding, ...], at: datetime
) -> tuple[GateFinding, ...]:
    """Returns all leaves as findings, the gates that every phase has last.

    `since` is that of `before` where the result is the same.
    """
    last = {(finding.gate, finding.surface): finding for finding in before}
    found: list[GateFinding] = []
    for gate, leaves in judged:
        title = gate.title
        for leaf in leaves:
            found.append(_finding(title, leaf, last.get((title, leaf.surface)), at))
    for title, leaf in _standing_gates(view):
        found.append(_finding(title, leaf, last.get((title, None)), at))
    return tuple(found)


def _standing_gates(view: View) -> Iterator[tuple[str, Leaf]]:
    if view.applied is not None:
        percent = f"{view.rollout.canary_percent} % applied"
        has_flag_file = view.contract.apply is not None and view.contract.apply.flag_file is not None
        missing = Result.UNSATISFIED if has_flag_file else Result.UNKNOWN
        result = Result.SATISFIED if view.applied else missing
        yield APPLIED_GATE, Leaf(result, None, percent if view.applied else view.not_applied, percent)
    yield SOAK_GATE, soak.judge(view)


def _finding(title: str, leaf: Leaf, last: GateFinding | None, at: datetime) -> GateFinding:
    result, surface, seen, wanted, more_samples = leaf
    if last is not None and last.result is result and bool(last.more_samples) is more_samples:
        # Reusing the old record keeps a steady reconcile cheap: nothing is built anew.
        if last.seen == seen and last.wanted == wanted:
            return last
        at = last.since
    return GateFinding(
        gate=title,
        result=result,
        surface=surface,
        seen=seen[:500],
        wanted=wanted[:500],
        since=at,
        more_samples=True if more_samples else None,
    )


def _while_unreadable(decision: Decision, status: Status) -> Decision:
    """Returns the decision, which promotes nothing while a file of state cannot be used."""
    if status.contract_unusable:
        return without_promotion(decision, why_held(CONTRACT))
    if status.unreadable:
        return without_promotion(decision, why_held(", ".join(status.unreadable)))
    return decision
