"""What the first rules (schema 1 of status.yaml) decided otherwise; only `verify` of old commits comes here.

Soak was the time between observations, whatever a source's own clock said; counters that are absent were 0,
and a fall counted what was there after it; streaks never lapsed; any change of the contract reset the soak.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rollout.core.contract import Contract, HarnessGate, RunsSoak
from rollout.core.decide.view import Leaf, View, counted_run
from rollout.core.state import FIRST_RULES, Result, Soak, Status
from rollout.core.values import seconds_between

_NEVER = 2**31


def as_read_then(contract: Contract) -> Contract:
    """Returns the contract with what the first rules took for granted, and a contract can now say
    otherwise.
    """
    surfaces = {
        name: surface.model_copy(update={"absent": "zero", "on_reset": "count"})
        for name, surface in contract.surfaces.items()
    }
    sampling = contract.sampling.model_copy(update={"streak_gap": _NEVER})
    return contract.model_copy(update={"surfaces": surfaces, "sampling": sampling})


def begun(status: Status) -> Status:
    """Returns the first status of a rollout, as it was written then."""
    return status.model_copy(update={"schema_": FIRST_RULES, "entry": None, "health_digest": None})


def earn(view: View, health: Sequence[Leaf], at: datetime) -> Soak:
    """Returns the view's credit after one more observation of the phase, made `at`."""
    soak, results = view.soak, {leaf.result for leaf in health}
    if Result.UNSATISFIED in results:
        return Soak()
    if Result.UNKNOWN in results:
        held_at, earned = None, soak.earned_seconds
    else:
        held_at, earned = at, soak.earned_seconds + _interval(soak, at, view.contract.max_gap(view.phase))
    if isinstance(view.phase.soak, int):
        return Soak(earned_seconds=min(earned, view.phase.soak), held_at=held_at)
    return _count_run(view, view.phase.soak, held_at)


def _interval(soak: Soak, at: datetime, max_gap: int) -> int:
    if soak.held_at is None:
        return 0
    seconds = seconds_between(soak.held_at, at)
    return seconds if 0 < seconds <= max_gap else 0


def _count_run(view: View, wanted: RunsSoak, held_at: datetime | None) -> Soak:
    soak = view.soak
    has_harness = any(isinstance(gate, HarnessGate) for gate in view.contract.gates_of(view.phase))
    run_at = held_at
    if held_at is not None and has_harness:
        report, _ = counted_run(view)
        run_at = report.started_at if report else None
    seconds_apart = 1 if has_harness else view.contract.sampling.min_interval
    is_new = run_at is not None and (
        soak.last_run_at is None or seconds_between(soak.last_run_at, run_at) >= seconds_apart
    )
    if not is_new:
        return soak.model_copy(update={"held_at": held_at})
    return Soak(runs=min(soak.runs + 1, wanted.runs), held_at=held_at, last_run_at=run_at)
