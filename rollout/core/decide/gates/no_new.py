"""`no_new`: a counter has not risen since the phase's baseline, for good."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import NoNewGate
from rollout.core.decide.counters import lookup
from rollout.core.decide.view import Leaf, View, leaves
from rollout.core.observation import Sample
from rollout.core.state import Result


def evaluate(gate: NoNewGate, view: View) -> Iterable[Leaf]:
    def judge(surface: str, sample: Sample) -> tuple[Result, str]:
        track, result, why = lookup(view, surface, sample, gate.counter)
        if track is None:
            return result, why
        seen = f"{track.new} new (total {track.last})" if track.new else f"none new (total {track.last})"
        return (Result.SATISFIED if track.new == 0 else Result.UNSATISFIED), seen

    return leaves(view, gate.surfaces, "none new since the phase began", judge)
