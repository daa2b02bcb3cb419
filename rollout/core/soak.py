"""Soak: time continuously observed healthy in a phase (DESIGN section 6, Soak).

Only intervals between observations count, never the time of a job, so late or missing schedules
cost waiting and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rollout.core.contract import Contract, HarnessGate, Phase, RunsSoak
from rollout.core.state import Result, Soak
from rollout.core.values import format_duration, seconds_between
from rollout.core.view import Leaf, View, counted_run


def earn(
    soak: Soak, contract: Contract, phase: Phase, health: Iterable[Result], at: datetime, view: View
) -> Soak:
    """The credit after one more observation of the phase, made `at`, with these results of its health gates.

    A failing gate resets the credit. An unknown one, or a gap longer than `max_gap`, earns nothing
    and keeps what was earned.
    """
    results = set(health)
    if Result.UNSATISFIED in results:
        return Soak()
    if Result.UNKNOWN in results:
        held_at, earned = None, soak.earned_seconds
    else:
        held_at, earned = at, soak.earned_seconds + _interval(soak, at, contract.max_gap(phase))
    if isinstance(phase.soak, int):
        return Soak(earned_seconds=min(earned, phase.soak), held_at=held_at)
    return _count_run(soak, contract, phase, phase.soak, held_at, view)


def _interval(soak: Soak, at: datetime, max_gap: int) -> int:
    if soak.held_at is None:
        return 0
    seconds = seconds_between(soak.held_at, at)
    return seconds if 0 < seconds <= max_gap else 0


def _count_run(
    soak: Soak, contract: Contract, phase: Phase, wanted: RunsSoak, held_at: datetime | None, view: View
) -> Soak:
    run_at = _run_at(contract, phase, held_at, view)
    seconds_apart = 1 if _has_harness(contract, phase) else contract.sampling.min_interval
    is_new = run_at is not None and (
        soak.last_run_at is None or seconds_between(soak.last_run_at, run_at) >= seconds_apart
    )
    if not is_new:
        return soak.model_copy(update={"held_at": held_at})
    return Soak(runs=min(soak.runs + 1, wanted.runs), held_at=held_at, last_run_at=run_at)


def _run_at(contract: Contract, phase: Phase, held_at: datetime | None, view: View) -> datetime | None:
    if held_at is None or not _has_harness(contract, phase):
        return held_at
    report, _ = counted_run(view)
    return report.started_at if report else None


def _has_harness(contract: Contract, phase: Phase) -> bool:
    return any(isinstance(gate, HarnessGate) for gate in contract.gates_of(phase))


def judge(view: View) -> Leaf:
    """The soak gate, which every phase has."""
    wanted = view.phase.soak
    if isinstance(wanted, RunsSoak):
        done = view.soak.runs >= wanted.runs
        seen, full = f"{view.soak.runs} of {wanted.runs} runs", f"{wanted.runs} complete runs"
    else:
        done = view.soak.earned_seconds >= wanted
        full = format_duration(wanted)
        seen = f"{format_duration(view.soak.earned_seconds)} of {full}"
    return Leaf(Result.SATISFIED if done else Result.UNSATISFIED, None, seen, full)
