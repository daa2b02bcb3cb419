"""`threshold` on a proportion: where it lies, judged on all that the phase has counted.

Satisfied and unsatisfied are what the bounds of `core/proportions.py` are sure of at every look. Between the
two more samples have to come: that holds promotion, and soak goes on.
"""

from __future__ import annotations

from math import floor, log10
from typing import NamedTuple

from rollout.core.contract import ThresholdGate, ThresholdTrigger
from rollout.core.proportions import Bounds, bounds
from rollout.core.state import Result, Tally

_MOST_PLACES = 17


class Limits(NamedTuple):
    """What is allowed, both inclusive."""

    least: float | None
    most: float | None

    def holds(self, share: float) -> bool:
        """Returns whether a proportion of exactly that share is allowed."""
        return (self.most is None or share <= self.most) and (self.least is None or share >= self.least)

    @property
    def holds_always(self) -> bool:
        """Whether every proportion is allowed."""
        return self.holds(0) and self.holds(1)


def of_gate(gate: ThresholdGate) -> Limits:
    """Returns what the gate allows, with what is too small to matter."""
    return Limits(
        None if gate.min is None else gate.min - gate.min_effect,
        None if gate.max is None else gate.max + gate.min_effect,
    )


def of_trigger(trigger: ThresholdTrigger) -> Limits:
    """Returns beyond what the trigger fires."""
    return Limits(
        None if trigger.at_most is None else trigger.at_most - trigger.min_effect,
        None if trigger.at_least is None else trigger.at_least + trigger.min_effect,
    )


def judge(tally: Tally, limits: Limits, significance: float) -> tuple[Result, str]:
    """Returns whether the proportion is surely within the limits, surely beyond them, or neither: unknown."""
    bad = max(tally.total - tally.good, 0)
    found = bounds(bad, tally.total, significance)
    words = _words(bad / tally.total, found, tally.total, limits)
    if _is_beyond(found, limits):
        return Result.UNSATISFIED, words
    if limits.holds(found.low) and limits.holds(found.high):
        return Result.SATISFIED, words
    return Result.UNKNOWN, f"cannot tell yet: {words}"


def _is_beyond(found: Bounds, limits: Limits) -> bool:
    is_over = limits.most is not None and found.low > limits.most
    return is_over or (limits.least is not None and found.high < limits.least)


def _words(share: float, found: Bounds, total: float, limits: Limits) -> str:
    """Returns `0.4 % (0.1 to 0.9) of 5,000`.

    The upper bound has two figures, and the others as many places; more where a limit would seem to be met
    or missed.
    """
    low, high = found
    sides = limits.holds(low), limits.holds(high)
    places = max(1 - floor(log10(100 * high)), 0)
    while True:
        lower, upper = f"{100 * low:.{places}f}", f"{100 * high:.{places}f}"
        shown = limits.holds(float(lower) / 100), limits.holds(float(upper) / 100)
        if shown == sides or places > _MOST_PLACES:
            break
        places += 1
    point = _short(f"{100 * share:.{places}f}")
    return f"{point} % ({_short(lower)} to {_short(upper)}) of {int(total):,}"


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
