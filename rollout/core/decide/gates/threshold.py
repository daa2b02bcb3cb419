"""`threshold`: a numeric field lies within bounds, both inclusive.

A gate with a `max` from zero up and no `min` is about a count. Below zero it would hold of what cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rollout.core.contract import ThresholdGate
from rollout.core.decide.view import (
    NOT_OBSERVED,
    Leaf,
    View,
    exactly,
    figure,
    leaf,
    number,
    percent,
    with_unit,
)
from rollout.core.measurements import why_not_measured
from rollout.core.observation import Sample
from rollout.core.state import Result
from rollout.core.values import format_duration


def evaluate(gate: ThresholdGate, view: View) -> Iterator[Leaf]:
    contract = view.contract
    for surface in contract.surfaces_of(gate.surfaces):
        if contract.proportion(surface, gate.field) is None:
            unit = contract.unit(surface, gate.field)
            wanted = with_unit(_wanted(gate, exactly), unit)
            yield leaf(view, surface, wanted, _of_number(gate, view, unit))
        else:
            yield _of_proportion(gate, view, surface)


def _of_proportion(gate: ThresholdGate, view: View, surface: str) -> Leaf:
    from rollout.core.decide.gates import proportion  # only contracts with metrics have any

    sample, wanted = view.settled.get(surface, NOT_OBSERVED), _wanted(gate, percent)
    if sample.unknown is not None or gate.field not in sample.fields:
        why = sample.unknown or why_not_measured(sample, gate.field)
        return Leaf(Result.UNKNOWN, surface, why, wanted)
    tally = view.tallies.get(surface, {}).get(gate.field)
    if tally is None:
        window = format_duration(sample.measurements[gate.field].window or 0)
        why = f"cannot tell yet: no whole window of {window} since the phase began"
        return Leaf(Result.UNKNOWN, surface, why, wanted, more_samples=True)
    result, seen = proportion.judge(tally, proportion.of_gate(gate), gate.significance)
    # What is measured and still unknown only needs more of it.
    return Leaf(result, surface, seen, wanted, more_samples=result is Result.UNKNOWN)


def _of_number(gate: ThresholdGate, view: View, unit: str) -> Callable[[str, Sample], tuple[Result, str]]:
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
        return (Result.SATISFIED if _within(gate, value) else Result.UNSATISFIED), with_unit(seen, unit)

    return judge


def _within(gate: ThresholdGate, value: float) -> bool:
    return (gate.max is None or value <= gate.max) and (gate.min is None or value >= gate.min)


def _wanted(gate: ThresholdGate, written: Callable[[float], str]) -> str:
    if gate.min is not None and gate.min == gate.max:
        return written(gate.min)
    bounds = (
        f">= {written(gate.min)}" if gate.min is not None else "",
        f"<= {written(gate.max)}" if gate.max is not None else "",
    )
    more = f", give or take {written(gate.min_effect)}" if gate.min_effect else ""
    return " and ".join(bound for bound in bounds if bound) + more
