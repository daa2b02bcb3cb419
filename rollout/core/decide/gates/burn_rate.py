"""`burn_rate`: how fast a service uses up its error budget, over pairs of a long and a short window.

A rate of 1 spends the budget of 1 - objective exactly within the objective's own period. The long window says
that it matters, the short one that it still goes on, so both have to exceed the factor. Source: Google's Site
Reliability Workbook, chapter "Alerting on SLOs", "Multiwindow, Multi-Burn-Rate Alerts": 14.4 over 1h and 5m
spends 2 % of a month's budget in an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rollout.core.contract import BurnRateGate, BurnRateTrigger, BurnWindow
from rollout.core.decide.view import Leaf, View, exactly, figure, leaves, number
from rollout.core.observation import Sample
from rollout.core.state import Result
from rollout.core.values import format_duration


class _Pair(NamedTuple):
    """What both windows of a pair show."""

    burns: bool | None
    """None where one of them is unknown."""
    seen: str


def evaluate(gate: BurnRateGate, view: View) -> Iterable[Leaf]:
    wanted = f"burn {_listed(gate, '<=', 'or')}"
    return leaves(view, gate.surfaces, wanted, lambda _, sample: judge(gate, sample))


def fires_at(trigger: BurnRateTrigger) -> str:
    """Returns what the trigger waits for, in words."""
    return f"burn {_listed(trigger, '>', 'and')}"


def _listed(condition: BurnRateGate | BurnRateTrigger, sign: str, word: str) -> str:
    return ", ".join(
        f"{sign} {exactly(one.factor)} over {format_duration(one.long)} {word} {format_duration(one.short)}"
        for one in condition.windows
    )


def judge(condition: BurnRateGate | BurnRateTrigger, sample: Sample) -> tuple[Result, str]:
    """Returns unsatisfied where any pair burns, else unknown where any is unknown; and what was seen."""
    pairs = [_pair(condition, window, sample) for window in condition.windows]
    if burning := [pair.seen for pair in pairs if pair.burns]:
        return Result.UNSATISFIED, f"burns {', '.join(burning)}"
    if unknown := [pair.seen for pair in pairs if pair.burns is None]:
        return Result.UNKNOWN, unknown[0]
    return Result.SATISFIED, f"burns {', '.join(pair.seen for pair in pairs)}"


def _pair(condition: BurnRateGate | BurnRateTrigger, window: BurnWindow, sample: Sample) -> _Pair:
    rates: list[float] = []
    for seconds in (window.long, window.short):
        rate = _rate(condition, seconds, sample)
        if isinstance(rate, str):
            return _Pair(None, rate)
        rates.append(rate)
    long, short = (_shown(rate, window.factor) for rate in rates)
    seen = f"{long} over {format_duration(window.long)} and {short} over {format_duration(window.short)}"
    return _Pair(min(rates) > window.factor, seen)


def _shown(rate: float, factor: float) -> str:
    rounded = float(f"{rate:.3g}")
    return number(rounded) if (rounded > factor) is (rate > factor) else figure(rate, lambda at: at > factor)


def _rate(condition: BurnRateGate | BurnRateTrigger, seconds: int, sample: Sample) -> float | str:
    """Returns (1 - good / total) / (1 - objective) over one window, or why it is unknown."""
    over = format_duration(seconds)
    counts: list[float] = []
    for name in (condition.good, condition.total):
        measurement = sample.measurements.get(name)
        found = measurement.windows.get(over) if measurement is not None else None
        if found is None or found.value is None:
            why = found.unknown if found is not None and found.unknown else "not measured"
            return f"{name} over {over}: {why}"
        counts.append(found.value)
    good, total = counts
    if total <= 0:
        return f"{condition.total} over {over} is {number(total)}: nothing to divide by"
    if not 0 <= good <= total:
        return f"{condition.good} over {over} is {number(good)} of {number(total)}"
    return (1 - good / total) / (1 - condition.objective)
