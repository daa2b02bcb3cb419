"""`threshold`: a numeric field lies within bounds, both inclusive.

A gate with a `max` from zero up and no `min` is about a count. Below zero it would hold of what cannot be.
"""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import ThresholdGate
from rollout.core.decide.view import Leaf, View, exactly, figure, leaves, number
from rollout.core.measurements import why_not_measured
from rollout.core.observation import Sample
from rollout.core.state import Result


def evaluate(gate: ThresholdGate, view: View) -> Iterable[Leaf]:
    counts_from_zero = gate.min is None and gate.max is not None and gate.max >= 0

    def judge(surface: str, sample: Sample) -> tuple[Result, str]:
        value = sample.fields.get(gate.field)
        if value is None:
            if gate.field in sample.not_applicable:
                return Result.NOT_APPLICABLE, "never reported here"
            return Result.UNKNOWN, why_not_measured(sample, gate.field)
        if value < 0 and counts_from_zero and not view.by_first_rules:
            return Result.UNKNOWN, f"{number(value)} is no count; `min` allows what is below zero"
        seen = figure(value, lambda shown: _within(gate, shown))
        return (Result.SATISFIED if _within(gate, value) else Result.UNSATISFIED), seen

    return leaves(view, gate.surfaces, _wanted(gate), judge)


def _within(gate: ThresholdGate, value: float) -> bool:
    return (gate.max is None or value <= gate.max) and (gate.min is None or value >= gate.min)


def _wanted(gate: ThresholdGate) -> str:
    if gate.min is not None and gate.min == gate.max:
        return exactly(gate.min)
    bounds = (
        f">= {exactly(gate.min)}" if gate.min is not None else "",
        f"<= {exactly(gate.max)}" if gate.max is not None else "",
    )
    return " and ".join(bound for bound in bounds if bound)
