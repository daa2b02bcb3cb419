"""What the tool needs of the outside, as Protocols. Adapters fill them; tests bring hand-written fakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rollout.core.contract import Surface
from rollout.core.state import CommitMessage, StateChange, TrainState


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC, cut to the second."""


class PatientClock(Clock, Protocol):
    def wait(self, seconds: float) -> None:
        """Let so much time go by."""


# --- state -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoggedCommit:
    """One commit that touched a train's state."""

    commit: str
    parent: str | None
    """The first parent; None for a root commit."""
    at: datetime
    """Commit date: shown to people, never used by a decision."""
    author: str
    subject: str
    trailers: Mapping[str, str]
    paths: tuple[str, ...]
    """What it changed against its first parent, below `state/<train>/`, relative to that folder."""


class StateStore(Protocol):
    """The state branch. Reads name a commit; writes are compare-and-swap against one."""

    def head(self) -> str:
        """The commit at the tip of the state branch. Raises InputError when there is no such branch."""

    def trains(self, at: str) -> tuple[str, ...]:
        """Names of the trains that exist at that commit."""

    def load(self, train: str, at: str) -> TrainState:
        """The train at that commit. Raises InputError when it is not there or does not parse."""

    def load_many(self, train: str, at: Sequence[str]) -> Iterator[TrainState | Exception]:
        """`load` for many commits in one go, in their order; what did not parse comes as the error."""

    def commit(
        self, train: str, change: StateChange, message: CommitMessage, *, parent: str, at: datetime
    ) -> str:
        """Write all of the change as one commit on top of `parent`, and return it.

        Raises HeadMovedError when the branch is no longer at `parent`; nothing is written then.
        """

    def log(self, train: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """First-parent commits that touched the train, newest first, down to and without `since`."""


# --- the forge -------------------------------------------------------------------------------------------


class PullRequestKind(StrEnum):
    PROMOTION = "promotion"
    REVERT = "revert"
    CHANNEL = "channel"


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


@dataclass(frozen=True)
class CheckRun:
    """One attempt of one CI check."""

    name: str
    status: str
    """`completed`, or anything else while it is not."""
    conclusion: str | None
    started_at: datetime | None
    id: int


class StatusState(StrEnum):
    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"


class Forge(Protocol):
    """Pull requests, commit statuses and check runs."""

    def pull_request(self, head: str) -> PullRequest | None:
        """The newest pull request from that branch, open or not."""

    def pull_requests(self, prefix: str) -> list[PullRequest]:
        """Pull requests from branches that begin so, oldest first: each open one, and maybe others."""

    def open_promotion(
        self,
        train: str,
        branch: str,
        change: StateChange,
        message: CommitMessage,
        body: str,
        *,
        parent: str,
        at: datetime,
    ) -> PullRequest:
        """Make the branch, one commit on top of `parent`, and open its pull request to the state branch."""

    def update_pull_request(self, number: int, body: str, *, at: datetime) -> None: ...

    def close_pull_request(self, number: int, comment: str, *, at: datetime) -> None:
        """Close it with a comment and delete its branch."""

    def statuses(self, commit: str) -> Mapping[str, tuple[StatusState, str]]:
        """Context -> newest state and description."""

    def set_status(
        self, commit: str, context: str, state: StatusState, description: str, *, at: datetime
    ) -> None: ...

    def check_runs(self, commit: str) -> list[CheckRun]:
        """All attempts. Raises OutsideError when they cannot be asked for."""

    def commit_exists(self, commit: str) -> bool: ...

    def changed_paths(self, base: str | None, commit: str) -> Sequence[str]:
        """Paths that `base..commit` changes; without a base, the commit against its first parent."""


# --- the product -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What a surface's command printed or its file holds; `error` set means it could not be read."""

    payload: bytes
    updated_at: datetime
    """When the command ended, or the file's modification time."""
    error: str = ""
    missing: bool = False
    """The error is that there is no such file."""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    ok: bool
    detail: str
    """`exit 0`, or what went wrong with an inert tail of stderr."""
    stdout: bytes


class Product(Protocol):
    """The product's checkout: the only side that runs the contract's commands."""

    def head(self) -> str | None:
        """The commit that is checked out; None when it is not a git checkout."""

    def read(self, surface: Surface) -> Reading: ...

    def read_file(self, path: str, limit: int) -> Reading:
        """A file below the product's folder, at most `limit` bytes."""

    def log_lines(self, path: str, offset: int) -> Iterator[bytes]:
        """Raw lines from that byte on, with their line ends. Raises FileNotFoundError, OSError."""

    def log_head(self, path: str, size: int) -> bytes:
        """The first bytes of the log, at most `size`. Raises FileNotFoundError, OSError."""

    def run(self, command: Sequence[str], workdir: str, timeout: int) -> Ran: ...

    def stop(self) -> None:
        """Kill every command that runs and start no other: a person interrupted."""


# --- the worktree ----------------------------------------------------------------------------------------


class Worktree(Protocol):
    """The files that a person edits, committed or not. Paths are relative to the repository's root."""

    def exists(self, path: str) -> bool: ...

    def read(self, path: str) -> bytes:
        """Raises InputError when the file is not there or not a file."""

    def contracts(self) -> tuple[str, ...]:
        """Every `state/*/contract.yaml`, sorted."""

    def tags(self) -> tuple[str, ...]:
        """Names of the repository's tags."""

    def write_new(self, files: Mapping[str, str]) -> None:
        """Write all of the files or, when one of them exists (RefusedError) or cannot be written, none."""
