"""What the bounds of `core/proportions.py` do over whole canaries: `python -m benchmarks.proportions` prints
the table of docs/design/proportions.md.

Every figure comes from a fixed seed. Beside the bounds stands what they replace: the test of one sample,
which compares the share with the limit at each look as if nobody had looked before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, log, sqrt
from random import Random
from statistics import median

from rollout.core.proportions import bounds

SIGNIFICANCE = 0.05
CANARIES, LOOKS = 1000, 144
"""A look every ten minutes of a day."""
LIMITS = (0.001, 0.01, 0.05)
PER_LOOK = 2.0
"""Errors that the limit allows in one look, on average."""
_FIXED = 1.6449
"""The normal distribution exceeds it in 5 % of all cases."""

Alarm = Callable[[int, int, float], bool]
"""Of bad ones, total and limit: whether the limit is surely exceeded."""


def by_bounds(bad: int, total: int, limit: float) -> bool:
    """Returns whether the lower bound is above the limit."""
    return bad > limit * total and bounds(bad, total, SIGNIFICANCE).low > limit


def by_one_sample(bad: int, total: int, limit: float) -> bool:
    """Returns what the normal approximation of a test of one sample says."""
    return bad - total * limit > _FIXED * sqrt(total * limit * (1 - limit))


@dataclass(frozen=True)
class Canary:
    """Bad requests among those of each look, one look after the other."""

    rate: float
    per_look: int
    seed: int
    looks: int = LOOKS

    def counts(self) -> Iterator[tuple[int, int]]:
        """Yields bad and total since the beginning, at each look."""
        random, bad, following = Random(self.seed), 0, -1
        for look in range(1, self.looks + 1):
            total = look * self.per_look
            while following < total:
                bad += following >= 0
                following = following + 1 + _good_ones(random, self.rate)
            yield bad, total


def _good_ones(random: Random, rate: float) -> int:
    """Returns how many good requests come before the next bad one."""
    return int(log(1 - random.random()) / log(1 - rate)) if rate else 10**18


def false_alarms(limit: float, alarm: Alarm, canaries: int = CANARIES) -> float:
    """Returns the share of canaries at exactly the limit that are called worse at some look."""
    per_look = round(PER_LOOK / limit)
    called = sum(
        any(alarm(bad, total, limit) for bad, total in Canary(limit, per_look, seed).counts())
        for seed in range(canaries)
    )
    return called / canaries


def requests_until(
    limit: float, rate: float, is_over: Alarm, canaries: int = 200, *, looks: int = 2000
) -> float:
    """Returns the median number of requests until `is_over` says so, of canaries with that rate."""
    per_look = max(round(PER_LOOK / limit / 20), 1)
    return median(
        next(
            (
                total
                for bad, total in Canary(rate, per_look, seed, looks).counts()
                if is_over(bad, total, limit)
            ),
            inf,
        )
        for seed in range(canaries)
    )


def passes(bad: int, total: int, limit: float) -> bool:
    """Returns whether the upper bound is at most the limit."""
    return bad < limit * total and bounds(bad, total, SIGNIFICANCE).high <= limit


def table() -> Iterator[str]:
    """Yields the lines of the table, in Markdown."""
    heads = ("limit", "false alarms", "of one sample", "doubled rate", "half the limit", "no errors")
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for limit in LIMITS:
        alarms = false_alarms(limit, by_bounds), false_alarms(limit, by_one_sample)
        requests = (
            requests_until(limit, 2 * limit, by_bounds),
            requests_until(limit, limit / 2, passes),
            requests_until(limit, 0, passes, 1),
        )
        cells = [f"{100 * share:.1f} %" for share in (limit, *alarms)] + [f"{each:,.0f}" for each in requests]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
