"""How two sides are compared: in turns, so that whatever else the machine does falls on both.

What counts is the median of many rounds' ratios: the two sides of a round met the same machine, idle or busy,
and a few that were interrupted in between do not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

from benchmarks.table import Ratio

Side = Callable[[], float]
"""Does one repetition, and gives the seconds of what counts of it."""


def timed(action: Callable[[], object]) -> float:
    """Returns seconds that one call takes."""
    begin = perf_counter()
    action()
    return perf_counter() - begin


def compare(ours: Side, theirs: Side, *, rounds: int) -> Ratio:
    """Compares our time with theirs; what is shown of each is its median."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    one, other = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    ratio = median(pair[0] / pair[1] for pair in pairs)
    return Ratio(ratio, f"{_readable(one)} over {_readable(other)}")


def _readable(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
