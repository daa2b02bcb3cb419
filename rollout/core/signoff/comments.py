"""What people say to the checklist: `/signoff ITEM EVIDENCE`, `/withdraw ITEM REASON`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rollout.core.text import inert
from rollout.core.values import to_utc_seconds

MOST_COMMANDS = 20
"""Of one comment; what comes after them is not read."""

_COMMAND = re.compile(r"/(signoff|withdraw)(?: (\S+))?(?: (.+))?", re.IGNORECASE)
_MENTIONED = re.compile(r"signoff|withdraw", re.IGNORECASE)


@dataclass(frozen=True)
class Comment:
    """What a person wrote on an issue; comments of the tool and of other bots are left out."""

    id: str
    """What the forge calls it, such as `IC_kwDO...`; empty for what a command line said."""
    author: str
    """Login; empty when the account is gone."""
    body: str
    created_at: datetime
    edited: bool = False
    """Whether anybody ever changed it, its author or not."""
    url: str = ""
    hidden: bool = False
    """Whether somebody who may write has hidden ("minimized") it: it says nothing, and counts no more."""
    answered: bool = False
    """Whether it has a reaction of the tool, or the tool's comment with its answer: it holds nothing new."""


@dataclass(frozen=True)
class SignoffCommand:
    """One command of a person."""

    verb: Literal["signoff", "withdraw"]
    item: str
    text: str
    """The evidence, or why the item is withdrawn."""
    comment: Comment

    @property
    def by(self) -> str:
        return self.comment.author

    @property
    def at(self) -> datetime:
        return to_utc_seconds(self.comment.created_at)

    @property
    def order(self) -> tuple[datetime, int]:
        """Comments of one second go by their numbers."""
        return self.at, int(self.comment.id) if self.comment.id.isdigit() else 0


def commands(comment: Comment) -> tuple[SignoffCommand, ...]:
    """Returns the commands that a reader of the rendered comment sees.

    A command begins a line: of a paragraph, a heading or a list item. Code, quotations, HTML and struck
    text are no commands, whatever they say. At most `MOST_COMMANDS`.
    """
    return tuple(command for _, command in zip(range(MOST_COMMANDS), _commands(comment), strict=False))


def _commands(comment: Comment) -> Iterator[SignoffCommand]:
    if not _MENTIONED.search(comment.body):
        return
    # Most comments hold no command, and only those that do are worth loading a parser.
    from rollout.core.signoff.markdown import visible_lines

    for line in visible_lines(comment.body):
        found = _COMMAND.fullmatch(inert(line, 1000))
        if found is None:
            continue
        word, item, rest = found[1].lower(), found[2] or "", found[3] or ""
        # Names of items are in small letters; the first letter of a line is often not.
        item = item[:100].lower()
        if word == "signoff":
            yield SignoffCommand("signoff", item, rest, comment)
        else:
            yield SignoffCommand("withdraw", item, rest[:300], comment)
