"""Issues, their comments, and what people may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class IssueState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Issue:
    number: int
    key: str
    """The natural key, hidden in the body when the tool opened it: `signoff/tau/v0.1.5`, an incident's id."""
    title: str
    body: str
    """As it is now, without the hidden key; whoever may write could have edited it."""
    state: IssueState
    labels: frozenset[str]
    assignees: tuple[str, ...]
    locked: bool
    url: str


@dataclass(frozen=True)
class Comment:
    """What a person wrote on an issue; the tool's own comments are left out."""

    id: int
    author: str
    """Login; empty when the account is gone."""
    body: str
    created_at: datetime
    edited: bool
    """Whether anybody ever changed it, its author or not."""
    url: str


class Permission(StrEnum):
    """What a person may do in the repository, from least to most."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"


class Reaction(StrEnum):
    """In GitHub's words."""

    ACCEPTED = "+1"
    REFUSED = "-1"


class Issues(Protocol):
    """Issues that the tool opened, each found again by its key. Everything else on them is people's."""

    def find(self, key: str) -> Issue | None:
        """The newest issue with that key, open or closed; None when there is none (any more)."""

    def open(
        self,
        key: str,
        title: str,
        body: str,
        *,
        labels: Sequence[str],
        assignees: Sequence[str],
        at: datetime,
    ) -> Issue:
        """Open it; one with that key that is open is returned as it is. Unknown assignees are left out."""

    def update(self, number: int, *, title: str, body: str, labels: Sequence[str], at: datetime) -> None:
        """Make title, body and the tool's own labels so; people's labels stay."""

    def close(self, number: int, comment: str, *, at: datetime) -> None:
        """Close it with a last comment, once; one that is closed stays as it is."""

    def comments(self, number: int) -> Sequence[Comment]:
        """All comments of people, oldest first."""

    def stick(self, number: int, key: str, body: str, *, at: datetime) -> None:
        """Keep one comment of the tool with that key current: made once, then edited in place."""

    def react(self, comment: int, reaction: Reaction) -> None:
        """Answer a comment with a reaction; the same one again changes nothing."""

    def permission(self, login: str) -> Permission:
        """What that person may do in the repository that has the issues."""
