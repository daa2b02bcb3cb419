"""A clock that moves only when it is asked."""

from datetime import datetime, timedelta

from fakehub.clock import NOON


class SteppingClock:
    """Every question is asked `step` later than the one before."""

    def __init__(self, start: datetime = NOON, step: timedelta = timedelta(seconds=1)) -> None:
        self._next = start
        self._step = step

    def now(self) -> datetime:
        now = self._next
        self._next += self._step
        return now
