"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class SettableClock:
    """Stands still until a test moves it."""

    def __init__(self, start: datetime = NOON) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def forward(self, **span: float) -> datetime:
        """Moves on by a span as `timedelta` takes it, such as `minutes=10`."""
        self.time += timedelta(**span)
        return self.time
