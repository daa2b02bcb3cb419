"""The time, and waiting."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Returns the time, in UTC, cut to the second."""


class PatientClock(Clock, Protocol):
    def wait(self, seconds: float) -> None:
        """Lets so much time go by."""
