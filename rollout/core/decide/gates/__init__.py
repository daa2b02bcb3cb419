"""Gates: one topic a file; each answers with leaves, one a surface or one in all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from rollout.core.contract import (
    AdvancingGate,
    BurnRateGate,
    CiChecksGate,
    Contract,
    EqualsGate,
    FlatGate,
    Gate,
    HarnessGate,
    HealthStateGate,
    NoNewGate,
    NoTriggerGate,
    Phase,
    RatioGate,
    RollbackTargetGate,
    SignoffGate,
    ThresholdGate,
    TimelineGate,
)
from rollout.core.decide.gates import (
    ci_checks,
    counter,
    equals,
    harness,
    health_state,
    no_trigger,
    ratio,
    rollback_target,
    signoff,
    threshold,
    timeline_clean,
)
from rollout.core.decide.view import Leaf, View


def evaluate(gate: Gate, view: View) -> Iterable[Leaf]:
    """Returns the gate's leaves for what the view shows; never empty."""
    match gate:
        case HealthStateGate():
            return health_state.evaluate(gate, view)
        case ThresholdGate():
            return threshold.evaluate(gate, view)
        case RatioGate():
            return ratio.evaluate(gate, view)
        case BurnRateGate():
            from rollout.core.decide.gates import burn_rate  # few contracts have any

            return burn_rate.evaluate(gate, view)
        case EqualsGate():
            return equals.evaluate(gate, view)
        case NoNewGate() | FlatGate() | AdvancingGate():
            return counter.evaluate(gate, view)
        case TimelineGate():
            return timeline_clean.evaluate(gate, view)
        case NoTriggerGate():
            return no_trigger.evaluate(view)
        case HarnessGate():
            return harness.evaluate(gate, view)
        case CiChecksGate():
            return ci_checks.evaluate(gate, view)
        case RollbackTargetGate():
            return rollback_target.evaluate(view)
        case SignoffGate():
            return signoff.evaluate(gate, view)
        case _:
            assert_never(gate)


def earns_soak(gate: Gate, contract: Contract, phase: Phase) -> bool:
    """Returns whether the gate reads health in that phase: `no_trigger` only where a trigger of health
    watches, `ratio` only where there is a baseline.
    """
    if isinstance(gate, RatioGate):
        return phase.has_baseline
    if isinstance(gate, NoTriggerGate):
        return contract.watches_health(phase.name)
    return reads_health(gate)


def reads_health(gate: Gate) -> bool:
    """Returns whether the gate reads observed health, and so must hold for an interval to earn soak.

    Approvals and facts of the forge (sign-off, CI, rollback target) and a counter that has yet to
    advance are conditions to leave a phase, not readings of its health: a checklist that is still
    being signed does not make the product less healthy.
    """
    match gate:
        case CiChecksGate() | RollbackTargetGate() | SignoffGate() | AdvancingGate():
            return False
        case (
            HealthStateGate()
            | ThresholdGate()
            | RatioGate()
            | BurnRateGate()
            | EqualsGate()
            | NoNewGate()
            | FlatGate()
            | TimelineGate()
            | NoTriggerGate()
            | HarnessGate()
        ):
            return True
        case _:
            assert_never(gate)
