"""The state branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rollout.core.state import CommitMessage, Event, StateChange, TrainState


@dataclass(frozen=True)
class LoggedCommit:
    """One commit that touched a train's state."""

    commit: str
    parents: tuple[str, ...]
    """Empty for a root commit."""
    at: datetime
    """Commit date: shown to people, never used by a decision."""
    author: str
    subject: str
    trailers: Mapping[str, str]
    paths: tuple[str, ...]
    """What it changed against its first parent, below `state/<train>/`, relative to that folder."""
    modes: Mapping[str, str] = field(default_factory=dict)
    """Path -> git's mode, of those paths that it left as anything but a plain file."""
    is_cut: bool = False
    """Whether the clone is shallow and ends here: its parents, and what it changed, are not known."""
    is_worked_out: bool = False
    """Whether the event in the trailers is what rollout.yaml did, because the message names none."""

    @property
    def parent(self) -> str | None:
        """The first parent; None for a root commit."""
        return self.parents[0] if self.parents else None

    @property
    def event(self) -> Event | None:
        """What the tool recorded in it; None for a commit of somebody else, and for an unknown word."""
        word = self.trailers.get("Rollout-Event")
        return Event(word) if word in set(Event) else None


class StateStore(Protocol):
    """The state branch. Reads name a commit; writes are compare-and-swap against one."""

    def head(self) -> str:
        """Returns the commit at the tip of the state branch.
        Raises InputError when there is no such branch.
        """

    def trains(self, at: str) -> tuple[str, ...]:
        """Returns names of the trains that exist at that commit."""

    def load(self, train: str, at: str) -> TrainState:
        """Returns the train at that commit. Raises InputError when it is not there or does not parse."""

    def load_for_brake(self, train: str, at: str) -> TrainState:
        """Loads as `load` does, and replaces a file that cannot be read by its last version that can.

        `TrainState.broken` names these. For what stops a rollout, collects evidence for it, or looks.
        """

    def text(self, train: str, name: str, at: str) -> bytes | None:
        """Returns a file right in the train's folder as it is, whatever it holds; None when it is not there.

        Raises InputError for one that is too long to be read.
        """

    def file(self, path: str, at: str) -> bytes | None:
        """Returns any file of the branch at that commit; None when it is not there.

        Raises InputError for one that cannot be read byte for byte: a link, a folder, too long, not text.
        """

    def altered(self, train: str, change: StateChange, at: str) -> str:
        """Returns how a file that the change writes is not as `commit` would write it, by its mode or its
        text.

        Empty when each of them is at that commit exactly what the tool writes. Others are not looked at.
        """

    def load_many(self, train: str, at: Sequence[str]) -> Iterator[TrainState | Exception]:
        """Loads many commits in one go as `load_for_brake` does, in their order;
        the error for what cannot be read.
        """

    def commit(
        self,
        train: str,
        change: StateChange,
        message: CommitMessage,
        *,
        parent: str,
        at: datetime,
        is_brake: bool = False,
    ) -> str:
        """Writes all of the change as one commit on top of `parent`, and returns it.

        `is_brake`: it leads to a stop, so it acts in the middle of what a person has begun in the worktree.
        Raises HeadMovedError when the branch is no longer at `parent`; nothing is written then.
        """

    def log(self, train: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """Yields the commits that touched the train, newest first, down to and without `since`.

        They are those of the first parents. A merge that another parent's state came with is followed by that
        parent's commits: all of them where the merge has its state, whoever pulled from whom, else those that
        the merge brought along. A merge that left a side's changes behind is one of the commits, whatever it
        changed. A merge with an event in its trailers is the tool's own, and told alone.

        Raises InputError when there is no commit `since`, RefusedError when the branch does not hold it.
        """

    def log_of_file(self, path: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """Yields the first-parent commits that changed a file, such as a flag file. Raises as `log`."""

    def forks(self, one: str, other: str) -> tuple[str, ...]:
        """Returns the newest commits that both of these hold: `one` where it is an ancestor of `other`."""
