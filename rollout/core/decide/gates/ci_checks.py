"""`ci_checks`: the release commit's check runs and statuses that match a glob are there and all green.

A skipped, cancelled or neutral check is not green (GitHub skips the product's live smoke tests
when a commit changed no code), and one that has not finished is not known yet.
"""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import CiChecksGate, matching
from rollout.core.decide.view import Leaf, View
from rollout.core.state import Result

GREEN = "success"
PENDING = "pending"


def evaluate(gate: CiChecksGate, view: View) -> Iterable[Leaf]:
    wanted = f"at least {gate.at_least} green, none else, of {gate.checks}"
    result, seen = _judge(gate, view)
    return [Leaf(result, None, seen[:500], wanted)]


def _judge(gate: CiChecksGate, view: View) -> tuple[Result, str]:
    reading = view.facts.reading
    if view.facts.checks is None:
        return Result.UNKNOWN, reading.in_words if reading else "the forge could not be asked"
    conclusions = {check.name: check.conclusion for check in view.facts.checks}
    matched = {name: conclusions[name] for name in matching(gate.checks, conclusions)}
    bad = [f"{name} {word}" for name, word in matched.items() if word not in (GREEN, PENDING)]
    if bad:
        return Result.UNSATISFIED, ", ".join(bad)
    if reading is not None:
        return Result.UNKNOWN, reading.in_words
    waiting = [name for name, word in matched.items() if word == PENDING]
    if waiting:
        return Result.UNKNOWN, "not finished: " + ", ".join(waiting)
    if len(matched) < gate.at_least:
        return Result.UNKNOWN, f"{len(matched)} of {gate.at_least} checks there"
    return Result.SATISFIED, f"{len(matched)} green"
