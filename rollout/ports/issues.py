"""Issues, their comments, and what people may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.issue import Issue
from rollout.core.signoff.comments import Comment

OWN_LABEL = "rollout"
"""Labels that begin so are the tool's, and each issue of it has this one; all others are people's."""


class Reaction(StrEnum):
    """In GitHub's words."""

    ACCEPTED = "+1"
    REFUSED = "-1"


def opened_twice(first: int) -> str:
    """Returns what is said where an issue is closed that runs opened once more; `first` stays."""
    return f"Opened twice at once; it goes on at #{first}."


def answer_key(comment: str) -> str:
    """Returns the key of the tool's comment that answers the comment of that id."""
    return f"answer/{comment}"


@dataclass(frozen=True)
class Conversation:
    comments: tuple[Comment, ...]
    """Oldest first."""
    whole: bool
    """Whether these are all comments of people that there are: what is missing is gone then."""


class Permission(StrEnum):
    """What a person may do in the repository, from least to most."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    @property
    def may_write(self) -> bool:
        return self in (Permission.WRITE, Permission.MAINTAIN, Permission.ADMIN)


class Issues(Protocol):
    """Issues that the tool opened, each found again by its key. Everything else on them is people's."""

    def find_open(self, key: str) -> Issue | None:
        """Returns the open issue with that key."""

    def duplicates(self, key: str) -> Sequence[Issue]:
        """Returns open issues of the tool with that key, without that of `find_open`: runs opened them at
        once.
        """

    def find(self, key: str) -> Issue | None:
        """Returns the open issue with that key, else the newest closed one;
        None when there is none (any more).
        """

    def open(self, new: OpenIssue, *, at: datetime) -> Issue:
        """Opens it; one with that key that is open is returned as it is. Unknown assignees are left out."""

    def update(self, change: UpdateIssue, *, at: datetime) -> None:
        """Makes title, body and the tool's labels so; a label that does not begin with `rollout` stays."""

    def close(self, number: int, comment: str, *, at: datetime) -> None:
        """Closes it with a last comment, once; one that is closed stays as it is."""

    def reopen(self, number: int, *, at: datetime) -> None:
        """Opens one again that was closed; one that is open stays as it is."""

    def comments(self, number: int, since: datetime | None = None) -> Conversation:
        """Returns what people wrote; what was last changed before `since` may be left out."""

    def stick(self, number: int, key: str, body: str, *, at: datetime) -> None:
        """Keeps one comment of the tool current: made once, then edited in place.

        `key` is the issue's own: should its body be mangled, it is still found by this comment.
        """

    def say_once(self, number: int, key: str, body: str, *, at: datetime) -> None:
        """Comments, unless there is a comment of the tool with that key."""

    def react(self, comment: str, reaction: Reaction) -> None:
        """Answers the comment of that id with a reaction; the same one again changes nothing."""

    def permission(self, login: str) -> Permission:
        """Returns what that person may do in the repository that has the issues."""

    def myself(self) -> str:
        """Returns the login of who acts here; empty if nobody is authenticated, as on the local forge."""
