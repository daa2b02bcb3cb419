"""How often a cron line fires, as far as minutes and hours say."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 24 * 60


@dataclass(frozen=True)
class Rhythm:
    runs_a_day: int
    longest_hole: int
    """Minutes."""
    shortest_hole: int
    """Minutes."""


def rhythm(crons: tuple[str, ...]) -> Rhythm | None:
    """Of several lines together; None when a line does not fire every day, or cannot be read."""
    moments: set[int] = set()
    for cron in crons:
        fields = cron.split()
        if len(fields) != 5 or fields[2:] != ["*", "*", "*"]:
            return None
        minutes, hours = _numbers(fields[0], 60), _numbers(fields[1], 24)
        if not minutes or not hours:
            return None
        moments |= {hour * 60 + minute for hour in hours for minute in minutes}
    if not moments:
        return None
    ordered = sorted(moments)
    holes = [after - before for before, after in zip(ordered, [*ordered[1:], ordered[0] + DAY], strict=True)]
    return Rhythm(len(ordered), max(holes), min(holes))


def _numbers(field: str, end: int) -> set[int]:
    """`*/10`, `3,13`, `9-17/2` -> the numbers below `end`; empty when it cannot be read."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0", "-", str(end - 1)) if span == "*" else span.partition("-")
        last = last or (str(end - 1) if step else first)
        if (
            not all(one.isascii() and one.isdigit() for one in (first, last, step or "1"))
            or int(step or 1) < 1
        ):
            return set()
        found |= set(range(int(first), int(last) + 1, int(step or 1)))
    return found if found <= set(range(end)) else set()
