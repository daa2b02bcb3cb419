"""Counts what is written to the outside, and lets a test step in right before or after one of the writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

When = Literal["before", "after"]


class KilledError(Exception):
    """The process was killed here. Nobody may catch it."""


class Writes:
    """Shared by the fakes of one world, so that their writes have one order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        """What was written, oldest first."""
        self._begun = 0
        self._steps: dict[tuple[int, When], Callable[[], object]] = {}

    def step_in(self, nth: int, when: When, act: Callable[[], object]) -> None:
        """Call `act` once, right before or after the `nth` write from now on (1 is the next one)."""
        self._steps[self._begun + nth, when] = act

    def crash(self, nth: int, when: When) -> None:
        """Kill the process there."""
        self.step_in(nth, when, _crash)

    def forget(self) -> None:
        """Step in nowhere any more."""
        self._steps.clear()

    @contextmanager
    def write(self, what: str) -> Iterator[None]:
        """Around one write, which happens whole or not at all."""
        self._begun += 1
        number = self._begun
        self._steps.pop((number, "before"), _nothing)()
        yield
        self.done.append(what)
        self._steps.pop((number, "after"), _nothing)()


def _crash() -> None:
    raise KilledError


def _nothing() -> None:
    pass
