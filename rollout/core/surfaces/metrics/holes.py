"""Placeholders in a query: each language of queries says where they may stand, and how a value is quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rollout.core.nearest import did_you_mean
from rollout.core.text import inert

TEXTS = ("version", "commit", "phase", "baseline")
"""Placeholders whose value is text of people and products."""
NUMBERS = ("percent", "window")
"""Placeholders whose value is a number of the contract's."""
NAMES = (*TEXTS, *NUMBERS)

Quote = Callable[[str], str]


class UnfilledError(ValueError):
    """A query that cannot be sent: the message is one line and says why."""


@dataclass(frozen=True)
class Hole:
    """One placeholder in a query."""

    start: int
    end: int
    name: str
    quote: Quote
    misplaced: str = ""
    """Why it may not stand there."""

    @property
    def mistake(self) -> str:
        """What is wrong with it; empty when nothing is."""
        if self.name not in NAMES:
            return f"unknown placeholder {{{inert(self.name, 40)}}}{did_you_mean(self.name.lower(), NAMES)}"
        return f"{{{self.name}}} {self.misplaced}" if self.misplaced else ""


def as_it_is(value: str) -> str:
    """Returns a number of the contract's, which no language needs quoted."""
    return value


def filled(text: str, holes: Sequence[Hole], values: Mapping[str, str]) -> str:
    """Returns the query with each value quoted in its place; what is filled in is never read again.

    Raises UnfilledError for a placeholder that is misplaced or stands for nothing.
    """
    return "".join(_pieces(text, holes, values))


def _pieces(text: str, holes: Sequence[Hole], values: Mapping[str, str]) -> Iterator[str]:
    end = 0
    for hole in holes:
        if hole.mistake:
            raise UnfilledError(hole.mistake)
        if hole.name not in values:
            raise UnfilledError(f"there is no {hole.name} yet, so {{{hole.name}}} stands for nothing")
        yield text[end : hole.start]
        yield hole.quote(values[hole.name])
        end = hole.end
    yield text[end:]
