"""The one place that asks the machine for the time, and lets it go by."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from rollout.core.values import to_utc_seconds


class SystemClock:
    def now(self) -> datetime:
        """Returns the time, in UTC, cut to the second."""
        return datetime.now(UTC).replace(microsecond=0)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class FixedClock:
    """The moment of `--now`, indefinitely: equal input gives equal output."""

    def __init__(self, moment: datetime) -> None:
        self._moment = to_utc_seconds(moment)

    def now(self) -> datetime:
        return self._moment

    def wait(self, seconds: float) -> None:
        """Does nothing: no time passes here."""
