"""A benchmark, its verdict, and the table that is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MISSED = "MISSED"
HEADER = ("what", "measured", "goal", "verdict")


@dataclass(frozen=True)
class Ratio:
    """What one benchmark found."""

    value: float
    detail: str
    """Its two sides, for a person: `61 ms over 19 ms`."""

    @property
    def shown(self) -> str:
        return f"{self.value:.2f}"


class Count(Ratio):
    """A number of things; `detail` names them."""

    @property
    def shown(self) -> str:
        return f"{self.value:g}"


class Seconds(Ratio):
    """A time; `detail` says where it goes."""

    @property
    def shown(self) -> str:
        return f"{self.value:.2f} s"


@dataclass(frozen=True)
class Benchmark:
    what: str
    """Both sides in words: `this over that`."""
    goal: float | None
    """It may be so much and no more; None where it is only told."""
    measure: Callable[[], Ratio]


def run(benchmarks: Iterable[Benchmark], say: Callable[[str], None]) -> int:
    """Measures each in turn and prints the table (Markdown) as it grows; returns 1 when a goal is missed."""
    code = 0
    say(_line(HEADER))
    say(_line("---" for _ in HEADER))
    for benchmark in benchmarks:
        found = benchmark.measure()
        goal, verdict = _judged(found.value, benchmark.goal)
        say(_line((benchmark.what, f"{found.shown} ({found.detail})", goal, verdict)))
        code = 1 if verdict == _MISSED else code
    return code


def _judged(value: float, goal: float | None) -> tuple[str, str]:
    if goal is None:
        return "", "told"
    return f"<= {goal:g}", "met" if value <= goal else _MISSED


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
