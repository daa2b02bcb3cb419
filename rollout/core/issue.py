"""An issue of the tool, as a forge shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IssueState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Issue:
    number: int
    key: str
    """The natural key, hidden on the issue by the tool: `signoff/tau/v0.1.5`, an incident's id."""
    title: str
    body: str
    """As it is now, without the hidden key; whoever may write could have edited it."""
    state: IssueState
    labels: frozenset[str]
    assignees: tuple[str, ...]
    locked: bool
    url: str
