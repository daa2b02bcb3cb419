"""What people say to the checklist: `/signoff ITEM EVIDENCE`, `/withdraw ITEM REASON`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rollout.core.text import inert

MOST_COMMANDS = 20
"""Of one comment; what comes after them is not read."""


@dataclass(frozen=True)
class Said:
    """A comment on the checklist's issue."""

    id: str
    by: str
    at: datetime
    body: str
    url: str
    edited: bool
    answered: bool
    """Whether the tool has answered it: nothing new is to be found in it then."""


@dataclass(frozen=True)
class SignCommand:
    item: str
    evidence: str


@dataclass(frozen=True)
class WithdrawCommand:
    item: str
    reason: str


Command = SignCommand | WithdrawCommand


def commands(body: str) -> tuple[Command, ...]:
    """The commands of a comment: lines that begin with one, but for those that are quoted as code."""
    return tuple(command for _, command in zip(range(MOST_COMMANDS), _commands(body), strict=False))


def _commands(body: str) -> Iterator[Command]:
    is_code = False
    for raw in body.splitlines():
        text = raw.strip()
        if text.startswith(("```", "~~~")):
            is_code = not is_code
        elif not is_code and not raw.startswith(("    ", "\t")):
            word, _, rest = inert(text, 1000).partition(" ")
            item, _, more = rest.strip().partition(" ")
            if word == "/signoff":
                yield SignCommand(item[:100], more.strip())
            elif word == "/withdraw":
                yield WithdrawCommand(item[:100], more.strip()[:300])
