"""`health_state`: every surface says that it is healthy."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import HealthStateGate
from rollout.core.decide.view import Leaf, View, leaves
from rollout.core.observation import HEALTH_STATE, HealthState, Sample
from rollout.core.state import Result


def evaluate(gate: HealthStateGate, view: View) -> Iterable[Leaf]:
    return leaves(view, gate.surfaces, gate.is_, _judge)


def _judge(surface: str, sample: Sample) -> tuple[Result, str]:
    if sample.health_state is HealthState.HEALTHY:
        return Result.SATISFIED, "healthy"
    if sample.health_state is not None:
        return Result.UNSATISFIED, sample.health_state.value
    if HEALTH_STATE in sample.not_applicable:
        return Result.NOT_APPLICABLE, "never reported here"
    return Result.UNKNOWN, "not reported"
