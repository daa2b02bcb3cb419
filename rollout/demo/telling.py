"""Prints the demo's story: when, who (a person, CI or the jobs), what.

Checks in a row that only wait are one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rollout.rendering.gates import count
from rollout.rendering.inert import line, pad

Say = Callable[[str], None]
JOBS, CI = "jobs", "CI"
_WHO = len("Grace Approver")


@dataclass(frozen=True)
class _Wait:
    at: datetime
    where: str
    checks: int
    soak: str


class Narrator:
    def __init__(self, say: Say, columns: int) -> None:
        """`columns` is the width that no line exceeds."""
        self._say = say
        self._columns = columns
        self._wait: _Wait | None = None

    def heading(self, text: str) -> None:
        self.text(f"\n== {text}")

    def text(self, text: str) -> None:
        """Prints the text unchanged."""
        self._end_wait()
        self._say(text)

    def line(self, at: datetime, who: str, what: str) -> None:
        """Prints one line of the story, cut to the width."""
        self._end_wait()
        self._line(at, who, what)

    def wait(self, at: datetime, where: str, soak: str) -> None:
        """Prints a healthy check that only waits for the soak; the next such checks join it in one line."""
        if self._wait is not None and self._wait.where != where:
            self._end_wait()
        self._wait = _Wait(at, where, (self._wait.checks if self._wait else 0) + 1, soak)

    def _end_wait(self) -> None:
        wait, self._wait = self._wait, None
        if wait is not None:
            self._line(
                wait.at, JOBS, f"{wait.where}: healthy at {count(wait.checks, 'check')}, soak {wait.soak}"
            )

    def _line(self, at: datetime, who: str, what: str) -> None:
        lead = f"{at:%a %H:%M}  {pad(who, _WHO)}  "
        self._say(lead + line(what, max(self._columns - len(lead), 20)))
