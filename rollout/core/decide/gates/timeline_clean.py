"""`timeline_clean`: every step of a surface's timeline is ok and has no error code."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import TimelineGate
from rollout.core.decide.view import Leaf, View, leaves
from rollout.core.observation import TIMELINE, Sample, Timeline
from rollout.core.state import Result


def evaluate(gate: TimelineGate, view: View) -> Iterable[Leaf]:
    return leaves(view, gate.surfaces, "every step ok, no error code", _judge)


def _judge(surface: str, sample: Sample) -> tuple[Result, str]:
    if sample.timeline is None:
        if TIMELINE in sample.not_applicable:
            return Result.NOT_APPLICABLE, "has no timeline"
        return Result.UNKNOWN, "timeline not reported"
    if sample.timeline.steps == 0:
        return Result.UNKNOWN, "timeline has no steps"
    if sample.timeline.bad:
        return Result.UNSATISFIED, describe(sample.timeline)
    return Result.SATISFIED, f"{sample.timeline.steps} steps ok"


def describe(timeline: Timeline) -> str:
    """Returns `1 of 2 steps bad: action-demo retryable_failure (browser_automation_timeout)`."""
    text = f"{timeline.bad} of {timeline.steps} steps bad"
    if timeline.examples:
        worst = timeline.examples[0]
        text += f": {worst.step} {worst.status}" + (f" ({worst.error})" if worst.error else "")
    return text[:500]
