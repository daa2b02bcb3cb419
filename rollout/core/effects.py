"""Effects: changes of the forge as data, for a promotion, a channel, a revert or an incident alike.

`decide.effects` and `rollback.effects` plan them from what is recorded and what the forge shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollout.core.forge import StatusState


@dataclass(frozen=True)
class OpenPullRequest:
    branch: str
    to_phase: str = ""
    """Of a promotion; empty for the revert of a release."""
    canary_percent: float = 0


@dataclass(frozen=True)
class UpdatePullRequest:
    number: int
    body: str


@dataclass(frozen=True)
class ClosePullRequest:
    number: int
    reason: str


@dataclass(frozen=True)
class PushRevert:
    commit: str
    """The release's."""


@dataclass(frozen=True)
class SetStatus:
    commit: str
    context: str
    state: StatusState
    description: str


@dataclass(frozen=True)
class OpenIssue:
    key: str
    title: str
    body: str
    labels: tuple[str, ...]
    assignees: tuple[str, ...] = ()


@dataclass(frozen=True)
class UpdateIssue:
    number: int
    title: str
    body: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class CloseIssue:
    number: int
    reason: str


@dataclass(frozen=True)
class WritePercent:
    """One number of a flag file."""

    path: str
    pointer: str
    canary_percent: float
    branch: str = ""
    """Of the pull request that brings it; empty for a commit."""


PullRequestEffect = OpenPullRequest | UpdatePullRequest | ClosePullRequest | SetStatus
RevertEffect = OpenPullRequest | PushRevert
IssueEffect = OpenIssue | UpdateIssue | CloseIssue
Effect = PullRequestEffect | PushRevert | IssueEffect | WritePercent
