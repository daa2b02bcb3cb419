"""`flat`: a counter did not rise at the last reading; a rise fails once and is the new baseline."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import FlatGate
from rollout.core.decide.counters import lookup
from rollout.core.decide.view import Leaf, View, leaves
from rollout.core.observation import Sample
from rollout.core.state import Result


def evaluate(gate: FlatGate, view: View) -> Iterable[Leaf]:
    def judge(surface: str, sample: Sample) -> tuple[Result, str]:
        track, result, why = lookup(view, surface, sample, gate.counter)
        if track is None:
            return result, why
        seen = f"rose by {track.rose} (total {track.last})" if track.rose else f"flat (total {track.last})"
        return (Result.SATISFIED if track.rose == 0 else Result.UNSATISFIED), seen

    return leaves(view, gate.surfaces, "flat", judge)
