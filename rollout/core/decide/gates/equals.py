"""`equals`: a text field has exactly one value, such as `rollout_gate` being `pass`."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import EqualsGate
from rollout.core.decide.view import Leaf, View, leaves, release_values
from rollout.core.observation import Sample
from rollout.core.placeholders import fill
from rollout.core.state import Result


def evaluate(gate: EqualsGate, view: View) -> Iterable[Leaf]:
    wanted = fill(gate.value, release_values(view))

    def judge(surface: str, sample: Sample) -> tuple[Result, str]:
        value = sample.labels.get(gate.field)
        if value is None:
            if gate.field in sample.not_applicable:
                return Result.NOT_APPLICABLE, "never reported here"
            return Result.UNKNOWN, "not reported"
        return (Result.SATISFIED if value == wanted else Result.UNSATISFIED), value

    return leaves(view, gate.surfaces, wanted, judge)
