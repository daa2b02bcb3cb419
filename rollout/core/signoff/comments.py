"""What people say to the checklist: `/signoff ITEM EVIDENCE`, `/withdraw ITEM REASON`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rollout.core.text import inert

MOST_COMMANDS = 20
"""Of one comment; what comes after them is not read."""

_COMMAND = re.compile(r"/(signoff|withdraw)(?: (\S+))?(?: (.+))?", re.IGNORECASE)
_MENTIONED = re.compile(r"signoff|withdraw", re.IGNORECASE)


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
    hidden: bool = False
    """Whether it was hidden: then it says nothing, and what it has said counts no more."""


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
    """Returns the commands that a reader of the rendered comment sees.

    A command begins a line: of a paragraph, a heading or a list item. Code, quotations, HTML and struck
    text are no commands, whatever they say. At most `MOST_COMMANDS`.
    """
    return tuple(command for _, command in zip(range(MOST_COMMANDS), _commands(body), strict=False))


def _commands(body: str) -> Iterator[Command]:
    if not _MENTIONED.search(body):
        return
    # Most comments hold no command, and only those that do are worth loading a parser.
    from rollout.core.signoff.markdown import visible_lines

    for line in visible_lines(body):
        found = _COMMAND.fullmatch(inert(line, 1000))
        if found is None:
            continue
        word, item, rest = found[1].lower(), found[2] or "", found[3] or ""
        # Names of items are in small letters; the first letter of a line is often not.
        item = item[:100].lower()
        yield SignCommand(item, rest) if word == "signoff" else WithdrawCommand(item, rest[:300])
