"""`no_new`, `flat` and `advancing`: what a counter did since the phase began, or at the last reading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, assert_never

from rollout.core.contract import AdvancingGate, FlatGate, NoNewGate
from rollout.core.decide.counters import lookup
from rollout.core.decide.view import Leaf, View, leaves
from rollout.core.observation import Sample
from rollout.core.state import CounterTrack, Result

_Gate: TypeAlias = NoNewGate | FlatGate | AdvancingGate


def evaluate(gate: _Gate, view: View) -> Iterable[Leaf]:
    def judge(surface: str, sample: Sample) -> tuple[Result, str]:
        track, result, why = lookup(view, surface, sample, gate.counter)
        return (result, why) if track is None else _judge(gate, track)

    return leaves(view, gate.surfaces, _wanted(gate), judge)


def _wanted(gate: _Gate) -> str:
    match gate:
        case NoNewGate():
            return "none new since the phase began"
        case FlatGate():
            return "flat"
        case AdvancingGate(by=1):
            return "risen since the phase began"
        case AdvancingGate():
            return f"risen by at least {gate.by} since the phase began"
        case _:
            assert_never(gate)


def _judge(gate: _Gate, track: CounterTrack) -> tuple[Result, str]:
    match gate:
        case NoNewGate():
            holds, seen = track.new == 0, f"{track.new or 'none'} new"
        case FlatGate():
            holds, seen = track.rose == 0, f"rose by {track.rose}" if track.rose else "flat"
        case AdvancingGate():
            holds, seen = track.new >= gate.by, f"rose by {track.new}" if track.new else "not risen"
        case _:
            assert_never(gate)
    return Result.SATISFIED if holds else Result.UNSATISFIED, f"{seen} (total {track.last})"
