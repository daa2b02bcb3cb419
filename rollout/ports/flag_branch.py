"""A branch that holds a flag file: the product's, in this repository or another one, or that of state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollout.core.forge import PullRequest
from rollout.core.state import CommitMessage


@dataclass(frozen=True)
class BranchFile:
    """A file at the tip of a branch."""

    tip: str
    content: bytes | None
    """None where there is no such file."""


@dataclass(frozen=True)
class FlagProposal:
    """A pull request that changes one file."""

    branch: str
    path: str
    content: bytes
    message: CommitMessage
    """Of the commit on its branch; the subject is the title."""
    body: str
    parent: str
    """The tip of its base, which the commit is made on."""


class FlagBranch(Protocol):
    """A branch of a repository, as far as the percent is written there.

    Each method raises OutsideError, which names repository and branch, for what cannot be read or is refused.
    """

    @property
    def name(self) -> str:
        """What people call the branch: `main`, or `main of owner/name`."""

    def file(self, path: str, *, on: str | None = None) -> BranchFile | None:
        """Returns the file as the tip has it, asked for anew; None when there is no such branch.

        `on`: another branch of that repository. Raises InputError for a file that cannot be read byte for
        byte.
        """

    def write(self, path: str, content: bytes, message: CommitMessage, *, parent: str, at: datetime) -> str:
        """Commits that file on top of `parent`, which has to be the tip, and returns the commit.

        Raises HeadMovedError when the branch is elsewhere.
        """

    def open_proposals(self, prefix: str) -> Sequence[PullRequest]:
        """Returns open pull requests against the branch, from branches of the repository that begin so."""

    def proposed(self, branch: str) -> PullRequest | None:
        """Returns the newest pull request from that branch, open or not."""

    def propose(self, new: FlagProposal, *, at: datetime) -> PullRequest:
        """Makes the branch, or moves it, and opens its pull request where none is open."""

    def close(self, pull: PullRequest, reason: str, *, at: datetime) -> None:
        """Closes a pull request, which says why, and deletes its branch."""
