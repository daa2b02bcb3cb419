"""`ratio`: a field is at most so many times another one of the same surface, such as the canary's errors over
the baseline's.

Where nobody or everybody has the release there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import RatioGate, RatioTrigger
from rollout.core.decide.view import Leaf, View, exactly, figure, leaves, number
from rollout.core.measurements import why_not_measured
from rollout.core.observation import Sample
from rollout.core.state import Result
from rollout.core.surfaces.payload import LARGEST

_LEAST, _MOST = 1e-6, 1e15
"""Between them a figure is short enough to be written out."""


def evaluate(gate: RatioGate, view: View) -> Iterable[Leaf]:
    wanted = f"<= {bound(gate)}"
    if not view.phase.has_baseline:
        percent = exactly(view.phase.canary_percent)
        return [Leaf(Result.NOT_APPLICABLE, None, f"nothing to compare with at {percent} %", wanted)]
    return leaves(view, gate.surfaces, wanted, lambda _, sample: compare(gate, sample))


def bound(condition: RatioGate | RatioTrigger) -> str:
    """Returns the most that is allowed, in words."""
    return f"{exactly(condition.max)} times {condition.over}"


def compare(condition: RatioGate | RatioTrigger, sample: Sample) -> tuple[Result, str]:
    """Returns whether the sample's ratio is allowed, and what was seen."""
    found: list[float] = []
    for field in (condition.field, condition.over):
        value = sample.fields.get(field)
        if value is None and field in sample.not_applicable:
            return Result.NOT_APPLICABLE, "never reported here"
        if value is None:
            return Result.UNKNOWN, f"{field} {why_not_measured(sample, field)}"
        if value < 0:
            return Result.UNKNOWN, f"{field} is {number(value)}: a ratio is of numbers from zero up"
        found.append(value)
    value, over = found
    if over == 0:
        return Result.UNKNOWN, f"{condition.over} is 0: nothing to compare {number(value)} with"
    share = min(value / over, LARGEST)
    result = Result.SATISFIED if share <= condition.max else Result.UNSATISFIED
    seen = figure(share, lambda shown: shown <= condition.max) if share < _MOST else f"{share:.3g}"
    more = "more than " if share == LARGEST else ""
    return result, f"{more}{seen} times ({_short(value)} over {_short(over)})"


def _short(value: float) -> str:
    """Writes a value as a person would, and one with some hundred zeros by its exponent."""
    return number(value) if value == 0 or _LEAST <= value < _MOST else f"{value:.3g}"
