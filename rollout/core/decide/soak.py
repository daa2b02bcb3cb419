"""Soak: time continuously observed healthy in a phase, measured in each surface's own time.

A surface earns what its source's clock has advanced between two observations at which every gate that reads
health holds; the phase has earned the least of them. Nobody's silence, and no job's time, earns anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rollout.core.contract import Contract, HarnessGate, Phase, RunsSoak
from rollout.core.decide import first_rules
from rollout.core.decide.view import Leaf, View, counted_run
from rollout.core.state import Result, Soak, SurfaceSoak
from rollout.core.values import format_duration, seconds_between


def earn(view: View, health: Sequence[Leaf], at: datetime) -> Soak:
    """Returns the view's credit after one more observation of the phase, begun `at`, with these leaves of its
    health gates.

    A failing gate resets the credit. An unknown one passes the observation over: it earns nothing, and what
    was earned stays. So does an observation of which no gate judges anything.
    """
    if view.by_first_rules:
        return first_rules.earn(view, health, at)
    soak = view.soak
    results = {leaf.result for leaf in health}
    if Result.UNSATISFIED in results:
        return Soak()
    if Result.UNKNOWN in results or Result.SATISFIED not in results:
        return soak
    sources = _sources(view, health)
    if isinstance(view.phase.soak, RunsSoak):
        return _count_run(view, view.phase.soak, sources, at)
    limit = view.contract.max_gap(view.phase)
    surfaces = {
        name: _advanced(soak.surfaces.get(name), source, limit, view.phase.soak)
        for name, source in sources.items()
    }
    earned = min((surface.earned_seconds for surface in surfaces.values()), default=0)
    return Soak(earned_seconds=earned, surfaces={**soak.surfaces, **surfaces})


def _sources(view: View, health: Sequence[Leaf]) -> dict[str, datetime]:
    """Maps surface to its own time, for those that hold up the soak.

    These are the surfaces that a health gate judges. One that is `fresh: phase` has no pulse to wait for, and
    is left out where any other is judged.
    """
    judged = {leaf.surface for leaf in health if leaf.result is not Result.NOT_APPLICABLE}
    named = [name for name in view.contract.surfaces if name in judged and name in view.settled]
    pulses = [name for name in named if view.contract.surfaces[name].fresh == "pulse"]
    times = ((name, view.settled[name].updated_at) for name in pulses or named)
    return {name: updated for name, updated in times if updated is not None}


def _advanced(before: SurfaceSoak | None, source: datetime, max_gap: int, wanted: int) -> SurfaceSoak:
    if before is None:
        return SurfaceSoak(held_at=source)
    seconds = seconds_between(before.held_at, source)
    earned = before.earned_seconds + (seconds if 0 < seconds <= max_gap else 0)
    return SurfaceSoak(earned_seconds=min(earned, wanted), held_at=max(before.held_at, source))


def _count_run(view: View, wanted: RunsSoak, sources: Mapping[str, datetime], at: datetime) -> Soak:
    """Counts a harness run where the phase has a harness gate, else a healthy check with news everywhere."""
    soak = view.soak
    if has_harness(view.contract, view.phase):
        report, _ = counted_run(view)
        run_at = report.started_at if report else None
        if run_at is None or (soak.last_run_at is not None and run_at <= soak.last_run_at):
            return soak
        return Soak(runs=min(soak.runs + 1, wanted.runs), last_run_at=run_at)
    apart = max(view.contract.sampling.min_interval, 1)
    if not sources and _is_within(apart, soak.last_run_at, at):
        return soak
    counted = {name: surface.held_at for name, surface in soak.surfaces.items()}
    if any(_is_within(apart, counted.get(name), source) for name, source in sources.items()):
        return soak
    surfaces = {name: SurfaceSoak(held_at=source) for name, source in sources.items()}
    runs = min(soak.runs + 1, wanted.runs)
    return Soak(runs=runs, last_run_at=at, surfaces={**soak.surfaces, **surfaces})


def _is_within(seconds: int, before: datetime | None, source: datetime) -> bool:
    return before is not None and seconds_between(before, source) < seconds


def has_harness(contract: Contract, phase: Phase) -> bool:
    """Returns whether the phase's runs are harness runs."""
    return any(isinstance(gate, HarnessGate) for gate in contract.gates_of(phase))


def judge(view: View) -> Leaf:
    """Returns the soak gate, which every phase has."""
    wanted = view.phase.soak
    if isinstance(wanted, RunsSoak):
        done = view.soak.runs >= wanted.runs
        seen, full = f"{view.soak.runs} of {wanted.runs} runs", f"{wanted.runs} complete runs"
    else:
        done = view.soak.earned_seconds >= wanted
        full = format_duration(wanted)
        seen = f"{format_duration(view.soak.earned_seconds)} of {full}{_held_up_by(view.soak)}"
    return Leaf(Result.SATISFIED if done else Result.UNSATISFIED, None, seen, full)


def _held_up_by(soak: Soak) -> str:
    """Returns which surfaces have earned the least, where others have earned more."""
    least = [name for name, each in soak.surfaces.items() if each.earned_seconds == soak.earned_seconds]
    return f", least by {', '.join(least)}" if 0 < len(least) < len(soak.surfaces) else ""
