"""What a forge shows: pull requests, commit statuses, and CI of a commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PullRequestKind(StrEnum):
    PROMOTION = "promotion"
    REVERT = "revert"
    CHANNEL = "channel"
    APPLY = "apply"


class PullRequestState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True)
class PullRequest:
    number: int
    kind: PullRequestKind
    title: str
    head: str
    """The branch's name, which is also the natural key: one pull request a branch."""
    base: str
    state: PullRequestState
    body: str
    head_sha: str
    base_sha: str
    """The state commit that the branch was made on."""
    merged_at: datetime | None = None
    merged_as: str | None = None
    """The commit that merged it into its base."""


class StatusState(StrEnum):
    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"


@dataclass(frozen=True)
class CheckRun:
    """One attempt of one CI check."""

    name: str
    status: str
    """`completed`, or anything else while it is not."""
    conclusion: str | None
    started_at: datetime | None
    id: int
    source: str = ""
    """What reports it, such as a workflow: only an attempt of the same source takes its place."""

    @property
    def outcome(self) -> str | None:
        """Its conclusion; None until it has completed, whatever it says."""
        return self.conclusion if self.status == "completed" else None
