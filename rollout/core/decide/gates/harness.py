"""`harness`: the newest complete harness run has exactly the wanted figures.

The harness stops at its first failure, so `failed` alone proves nothing: all figures and every
surface's own status have to agree.
"""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import HarnessGate
from rollout.core.decide.view import Leaf, View, counted_run
from rollout.core.observation import HarnessReport
from rollout.core.state import Result

PASSED = "passed"


def evaluate(gate: HarnessGate, view: View) -> Iterable[Leaf]:
    wanted = f"total={gate.total} passed={gate.passed} failed={gate.failed}"
    report, why = counted_run(view)
    if report is None:
        return [Leaf(Result.UNKNOWN, None, why, wanted)]
    result = Result.SATISFIED if _meets(report, gate) else Result.UNSATISFIED
    return [Leaf(result, None, describe(report), wanted)]


def _meets(report: HarnessReport, gate: HarnessGate) -> bool:
    passed = sum(1 for status in report.surfaces.values() if status == PASSED)
    figures = (report.total, report.passed, report.failed) == (gate.total, gate.passed, gate.failed)
    surfaces = (len(report.surfaces), passed) == (gate.total, gate.passed)
    return figures and surfaces and (report.status == PASSED or gate.failed > 0)


def describe(report: HarnessReport) -> str:
    """Returns `total=3 passed=2 failed=1 (dashboard failed)`."""
    text = f"total={report.total} passed={report.passed} failed={report.failed}"
    bad = [f"{surface} {status}" for surface, status in report.surfaces.items() if status != PASSED]
    return (f"{text} ({', '.join(bad)})" if bad else text)[:500]
