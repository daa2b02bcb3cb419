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
    topic: str
    checks: int
    text: Callable[[str], str]


class Narrator:
    def __init__(self, say: Say, columns: int, *, clock: str = "%a %H:%M") -> None:
        """`columns` is the width that no line exceeds, `clock` how a time is written, for `strftime`."""
        self._say = say
        self._columns = columns
        self._clock = clock
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

    def wait(self, at: datetime, topic: str, text: Callable[[str], str]) -> None:
        """Prints what a check waits for; the next such checks about the topic join it in one line.

        `text` makes the line, from the number of checks in words.
        """
        if self._wait is not None and self._wait.topic != topic:
            self._end_wait()
        self._wait = _Wait(at, topic, (self._wait.checks if self._wait else 0) + 1, text)

    def _end_wait(self) -> None:
        wait, self._wait = self._wait, None
        if wait is not None:
            self._line(wait.at, JOBS, wait.text(count(wait.checks, "check")))

    def _line(self, at: datetime, who: str, what: str) -> None:
        lead = f"{at.strftime(self._clock)}  {pad(who, _WHO)}  "
        self._say(lead + line(what, max(self._columns - len(lead), 20)))
