"""The product's branch, as releases are cut from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from rollout.core.state import ReleaseRange


class Place(StrEnum):
    """Where a commit is."""

    ON_BRANCH = "on_branch"
    ELSEWHERE = "elsewhere"
    """In the repository, and the product's branch does not hold it."""
    MISSING = "missing"


class History(Protocol):
    """The product's branch and tags. Nothing is changed.

    Commits are given by their whole ids. Each method raises InputError when the branch does not exist, and
    OutsideError when the repository cannot be read.
    """

    @property
    def branch(self) -> str:
        """What people call the branch: `main`, or `main of owner/name`."""

    @property
    def cut_off(self) -> bool:
        """Whether the clone is shallow, so that older commits cannot be found."""

    def newest(self) -> str | None:
        """Returns the newest commit of the branch that touches more than state; None when there is none."""

    def place(self, commit: str) -> Place:
        """Returns whether the branch holds the commit."""

    def tagged(self, version: str) -> str | None:
        """Returns the commit that the version's tag leads to, `v1.2.3` or `1.2.3`;
        None when there is no such tag.
        """

    def versions_at(self, commit: str) -> tuple[str, ...]:
        """Returns the versions whose tags lead to the commit, oldest first."""

    def fork(self, base: str, commit: str) -> str | None:
        """Returns the newest commit that both hold: `base` itself where it leads to `commit`;
        None without one.
        """

    def commits(self, base: str | None, commit: str) -> ReleaseRange:
        """Returns what `base..commit` brings; without a base, the commit alone.

        Commits that touch nothing but state are no part of a release.
        """
