"""Pull requests, commit statuses, and CI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollout.core.forge import CheckRun, PullRequest, PullRequestKind, StatusState
from rollout.core.state import ChecksReading, CommitMessage, Rollout, StateChange
from rollout.errors import OutsideError


@dataclass(frozen=True)
class NewPullRequest:
    """A pull request to the state branch that is to be opened, with the one commit of its branch."""

    kind: PullRequestKind
    train: str
    branch: str
    change: StateChange
    message: CommitMessage
    body: str
    parent: str
    """The state commit that the branch is made on."""
    title: str


@dataclass(frozen=True)
class HeadChanges:
    """What the branch of a pull request changes since it left the state branch."""

    paths: tuple[str, ...]
    """The first few where there are many."""
    rollout: Rollout | None
    """The train's desired state on the branch; None when it cannot be read there."""
    unlisted: int = 0
    """How many paths it changes beside these."""
    altered: str = ""
    """How the file of desired state is not as the tool writes it (mode or text); empty when it is."""


@dataclass(frozen=True)
class ChecksBefore:
    """What an earlier run knows of the checks of a commit."""

    commit: str
    since: datetime | None = None
    """When all were read last; None: they were not."""
    names: tuple[str, ...] = ()
    """Those that mattered then."""
    reading: ChecksReading | None = None
    """How far a reading has come that goes over several runs."""


class ChecksUnreadError(OutsideError):
    """A commit has more checks than one run reads; the next one goes on where this one ended."""

    def __init__(self, runs: Sequence[CheckRun], reading: ChecksReading) -> None:
        super().__init__(
            f"the checks of {reading.commit[:12]}: {reading.in_words}",
            hint="the next runs read the rest",
        )
        self.runs = tuple(runs)
        """Those read so far."""
        self.reading = reading


@dataclass(frozen=True)
class CheckedCommit:
    """A commit of a branch, and its checks as `Forge.check_runs` gives them."""

    commit: str
    runs: Sequence[CheckRun]


class Forge(Protocol):
    """Pull requests, commit statuses and check runs."""

    def pull_request(self, head: str) -> PullRequest | None:
        """Returns the newest pull request from that branch, open or not."""

    def pull_requests(self, prefix: str) -> list[PullRequest]:
        """Returns pull requests from branches that begin so, oldest first: each open one, maybe others."""

    def closings(self, branch: str) -> Sequence[datetime]:
        """Returns when somebody else closed pull requests from that branch without a merge, oldest first."""

    def changes(self, train: str, pull: PullRequest) -> HeadChanges:
        """Returns what an open pull request's branch changes.
        Raises OutsideError when that cannot be told.
        """

    def open_pull_request(self, new: NewPullRequest, *, at: datetime) -> PullRequest:
        """Makes the branch and opens its pull request; one that is open is returned as it is."""

    def update_pull_request(self, number: int, body: str, *, at: datetime) -> None: ...

    def close_pull_request(self, number: int, comment: str, *, at: datetime) -> None:
        """Closes it with a comment and deletes its branch."""

    def statuses(self, commit: str) -> Mapping[str, tuple[StatusState, str]]:
        """Maps context to newest state and description."""

    def set_status(
        self, commit: str, context: str, state: StatusState, description: str, *, at: datetime
    ) -> None: ...

    def check_runs(
        self, commit: str, wanted: Sequence[str] = (), before: ChecksBefore | None = None
    ) -> list[CheckRun]:
        """Returns the newest attempt of each check, and maybe older ones; none of the tool itself.

        `wanted`: names, and globs over names, of those that matter, which a forge may list a part of.
        `before`: what is known of that commit. Raises OutsideError when they cannot be asked for,
        ChecksUnreadError when they are more than one run reads.
        """

    def newest_commits(
        self,
        branch: str,
        until: str | None = None,
        wanted: Sequence[str] = (),
        before: ChecksBefore | None = None,
    ) -> Iterator[CheckedCommit]:
        """Yields the commits that a branch of the product went through, newest first, without and above
        `until`.

        Lazy: a caller that stops early does not pay for the rest. `before` is of one of them. Raises as
        `check_runs`.
        """

    def changed_paths(self, commit: str) -> Sequence[str]:
        """Returns paths that the commit changes against its first parent."""
