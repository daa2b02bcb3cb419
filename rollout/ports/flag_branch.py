"""One file of the product's branch, in this repository or another one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollout.core.state import CommitMessage


@dataclass(frozen=True)
class BranchFile:
    """A file at the tip of the branch."""

    tip: str
    content: bytes | None
    """None where there is no such file."""


class ProductBranch(Protocol):
    """The product's branch, as far as the percent is written there."""

    @property
    def name(self) -> str:
        """What people call the branch: `main`, or `main of owner/name`."""

    def file(self, path: str) -> BranchFile | None:
        """Returns the file as the tip has it, asked for anew; None when there is no such branch.

        Raises OutsideError when the repository cannot be read, InputError for a file that cannot be read byte
        for byte.
        """

    def write(self, path: str, content: bytes, message: CommitMessage, *, parent: str, at: datetime) -> str:
        """Commits that file on top of `parent`, which has to be the tip, and returns the commit.

        Raises HeadMovedError when the branch is elsewhere; OutsideError, which names repository and branch,
        when the commit is refused.
        """
