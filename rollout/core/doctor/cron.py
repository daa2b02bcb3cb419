"""How often cron lines fire, by a week of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

from cronsim import CronSim, CronSimError

DAY = 24 * 60
_WEEK = timedelta(days=7)
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
"""Any Monday: only the days of the week count."""


@dataclass(frozen=True)
class Rhythm:
    runs_a_day: int
    """The average of a week, rounded up."""
    longest_hole: int
    """Minutes."""
    shortest_hole: int
    """Minutes."""


def rhythm(crons: tuple[str, ...]) -> Rhythm | None:
    """Returns the rhythm of several lines together; None where one depends on the day of the month, or cannot
    be read.
    """
    moments: set[datetime] = set()
    for cron in crons:
        fields = cron.split()
        if fields[2:4] != ["*", "*"] or len(fields) != 5:
            return None
        try:
            fires = CronSim(cron, _MONDAY - timedelta(minutes=1))
        except CronSimError:
            return None
        moments |= set(takewhile(lambda moment: moment < _MONDAY + _WEEK, fires))
    if not moments:
        return None
    ordered = sorted(moments)
    holes = [
        (after - before) // timedelta(minutes=1) for before, after in pairwise([*ordered, ordered[0] + _WEEK])
    ]
    return Rhythm(-(-len(ordered) // 7), max(holes), min(holes))
