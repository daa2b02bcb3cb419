"""`no_new`, `flat` and `advancing`: what a counter did since the phase began, or at the last reading."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import CounterGate
from rollout.core.decide.counters import lookup
from rollout.core.decide.view import Leaf, View, leaves
from rollout.core.observation import Sample
from rollout.core.state import CounterTrack, Result

_WANTED = {
    "no_new": "none new since the phase began",
    "flat": "flat",
    "advancing": "risen since the phase began",
}


def evaluate(gate: CounterGate, view: View) -> Iterable[Leaf]:
    def judge(surface: str, sample: Sample) -> tuple[Result, str]:
        track, result, why = lookup(view, surface, sample, gate.counter)
        return (result, why) if track is None else _judge(gate.kind, track)

    return leaves(view, gate.surfaces, _WANTED[gate.kind], judge)


def _judge(kind: str, track: CounterTrack) -> tuple[Result, str]:
    match kind:
        case "no_new":
            holds, seen = track.new == 0, f"{track.new or 'none'} new"
        case "flat":
            holds, seen = track.rose == 0, f"rose by {track.rose}" if track.rose else "flat"
        case _:
            holds, seen = track.new > 0, f"rose by {track.new}" if track.new else "not risen"
    return Result.SATISFIED if holds else Result.UNSATISFIED, f"{seen} (total {track.last})"
