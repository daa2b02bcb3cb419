"""signoff.yaml: recorded approvals, and what became of them."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal

from pydantic import Field

from rollout.core.state.quarantine import Act
from rollout.core.values import Instant, Line, Model, Name, Sha, Version

MOST_AUTHORS = 500


class Ending(StrEnum):
    LAPSED = "lapsed"
    """What it rested on is no longer so."""
    WITHDRAWN = "withdrawn"
    """Somebody took it back, or the machine its own."""


class SignatureEnd(Model):
    """Why a signature counts no more."""

    how: Ending
    by: Line
    """`rollout` where nobody asked for it."""
    at: Instant
    reason: Line


class Signature(Model):
    """One approval of one item."""

    by: Line
    """Login; `rollout` for what the machine proved."""
    at: Instant
    """When it was written, for a comment; else when it was recorded."""
    evidence: Line
    digest: Line = ""
    """Of what the evidence was when it was looked up: other content ends the signature."""
    commit: Sha
    """The release commit that it is for: another release's sign-off counts for nothing."""
    permission: Line = ""
    """What the person was allowed in the repository when it was taken."""
    comment: Line = ""
    """The comment's id; empty for one that was recorded by a command."""
    url: Line = ""
    """The comment's address."""
    ended: SignatureEnd | None = None


class Withdrawal(Act):
    """An item was taken back: nothing that was signed up to then counts."""

    comment: Line = ""


class SignedItem(Model):
    signatures: tuple[Signature, ...] = Field(default=(), max_length=100)
    """The newest of each person, in the order of their names."""
    withdrawn: Withdrawal | None = None
    """The newest one."""


class Signoff(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    release: Version
    commit: Sha
    author: Line | None = None
    """Who wrote the newest commit of the release; None while that is not known."""
    authors: tuple[Line, ...] = Field(default=(), max_length=MOST_AUTHORS)
    """Everybody who wrote a part of the release; empty while that is not known, or where an older version of
    this tool recorded the author alone."""
    blocked: Name | None = None
    """The incident that blocks the sign-off."""
    read_until: Instant | None = None
    """Comments up to then were dealt with; older ones need not be read again for what is new."""
    items: dict[Name, SignedItem] = {}

    @property
    def writers(self) -> tuple[str, ...]:
        """Who does not approve the release; empty while nobody knows."""
        return self.authors or ((self.author,) if self.author else ())
