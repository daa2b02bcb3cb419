"""Reverting a release on the product's branch, in this repository or another one."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from rollout.core.forge import PullRequest
from rollout.core.state import CommitMessage, Release, RevertFact, RevertOutcome

__all__ = ["RevertOutcome", "Reverter"]


class Reverter(Protocol):
    """The product's branch, as far as a rollback changes it. Every act looks for its own earlier result."""

    def tip(self) -> str | None:
        """Returns the tip of the product's branch, cheap to ask: a preview made on it holds.
        None: no branch.
        """

    def unchanged_since(self, commit: str) -> bool:
        """Returns whether the branch holds what it held at that commit, state left out: where both share one,
        each state commit moves it. Raises OutsideError.
        """

    def preview(
        self, release: Release, *, merged: str | None = None, recorded: str | None = None
    ) -> RevertFact:
        """Returns what reverting the release would do to the branch as it is now. Changes nothing.

        Raises OutsideError when the product's repository cannot be read.

        `merged` is the commit that merged the pull request with the revert, where there is one; `recorded`
        the one at which state says that the release is undone.
        """

    def propose(
        self, release: Release, branch: str, message: CommitMessage, body: str, *, at: datetime
    ) -> PullRequest:
        """Opens the pull request that reverts the release; one from that branch that is open or merged is
        returned unchanged. `message` gets a line `This reverts commit ...` for each commit of the release.

        Raises RefusedError for anything but a clean preview, OutsideError when it cannot be pushed.
        """

    def push(self, release: Release, message: CommitMessage, *, at: datetime) -> str:
        """Reverts the release on the branch itself and returns the new tip; raises as `propose`."""

    def proposed(self, branch: str) -> PullRequest | None:
        """Returns the newest pull request from that branch, open or not."""

    def is_free_of(self, commit: str, release: Release, recorded: str | None = None) -> bool:
        """Returns whether that commit lacks what the release brought: no descendant of it, or reverted since.

        `recorded` is the commit at which state says that the release is undone.
        """
