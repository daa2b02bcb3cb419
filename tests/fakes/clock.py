"""A clock that moves only when it is asked."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class SteppingClock:
    """Every question is asked `step` later than the one before."""

    def __init__(self, start: datetime = NOON, step: timedelta = timedelta(seconds=1)) -> None:
        self._next = start
        self._step = step

    def now(self) -> datetime:
        now = self._next
        self._next += self._step
        return now


class SettableClock:
    """Stands still until a test moves it."""

    def __init__(self, start: datetime = NOON) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def forward(self, **span: float) -> datetime:
        """Move on by a span as `timedelta` takes it, such as `minutes=10`."""
        self.time += timedelta(**span)
        return self.time
