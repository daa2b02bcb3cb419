"""A benchmark, its verdict, and the table that is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

HEADER = ("what", "measured", "goal", "verdict")


@dataclass(frozen=True)
class Ratio:
    """What one benchmark found."""

    value: float
    detail: str
    """Its two sides, for a person: `61 ms over 19 ms`."""


@dataclass(frozen=True)
class Benchmark:
    what: str
    """Both sides in words: `this over that`."""
    goal: float
    """The ratio may be so much and no more."""
    measure: Callable[[], Ratio]


def run(benchmarks: Iterable[Benchmark], say: Callable[[str], None]) -> int:
    """Measure each in turn, say the table (Markdown) as it grows; the exit code: 1 when a goal is missed."""
    code = 0
    say(_line(HEADER))
    say(_line("---" for _ in HEADER))
    for benchmark in benchmarks:
        found = benchmark.measure()
        is_met = found.value <= benchmark.goal
        verdict = "met" if is_met else "MISSED"
        say(_line((benchmark.what, f"{found.value:.2f} ({found.detail})", f"<= {benchmark.goal:g}", verdict)))
        code = code if is_met else 1
    return code


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
