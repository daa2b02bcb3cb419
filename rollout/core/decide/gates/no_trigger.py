"""`no_trigger`: no trigger of the contract fires, and each could be judged."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.decide.view import Leaf, View
from rollout.core.state import Result, TriggerFinding


def evaluate(view: View) -> Iterable[Leaf]:
    wanted = "no trigger fires"
    if view.fired:
        return [Leaf(Result.UNSATISFIED, None, "fired: " + _names(view.fired), wanted)]
    if view.unsure:
        return [Leaf(Result.UNKNOWN, None, "cannot tell: " + _names(view.unsure), wanted)]
    return [Leaf(Result.SATISFIED, None, "none fired", wanted)]


def _names(findings: Iterable[TriggerFinding]) -> str:
    return ", ".join(dict.fromkeys(finding.trigger for finding in findings))
