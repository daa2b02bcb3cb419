"""How two sides are compared: in turns, so that whatever else the machine does falls on both.

What counts is the least time of each over many rounds: a cold cache or a busy machine only ever adds.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from benchmarks.table import Ratio

Side = Callable[[], float]
"""Does one repetition, and gives the seconds of what counts of it."""


def timed(action: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    begin = perf_counter()
    action()
    return perf_counter() - begin


def compare(ours: Side, theirs: Side, *, rounds: int) -> Ratio:
    """Our least time over theirs."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    one, other = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    return Ratio(one / other, f"{_readable(one)} over {_readable(other)}")


def _readable(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
