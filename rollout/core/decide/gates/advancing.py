"""`advancing`: a counter has risen since the phase was entered."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import AdvancingGate
from rollout.core.decide.counters import lookup
from rollout.core.decide.view import Leaf, View, leaves
from rollout.core.observation import Sample
from rollout.core.state import Result


def evaluate(gate: AdvancingGate, view: View) -> Iterable[Leaf]:
    def judge(surface: str, sample: Sample) -> tuple[Result, str]:
        track, result, why = lookup(view, surface, sample, gate.counter)
        if track is None:
            return result, why
        seen = f"rose by {track.new} (total {track.last})" if track.new else f"not risen (total {track.last})"
        return (Result.SATISFIED if track.new > 0 else Result.UNSATISFIED), seen

    return leaves(view, gate.surfaces, "risen since the phase began", judge)
