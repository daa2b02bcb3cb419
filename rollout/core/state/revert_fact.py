"""What the product's branch shows of a revert."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum

from pydantic import Field

from rollout.core.values import Line, Model, Sha


class RevertOutcome(StrEnum):
    CLEAN = "clean"
    NOTHING = "nothing"
    """What it brought is gone from the branch already."""
    CONFLICT = "conflict"
    MISSING = "missing"
    """A commit of the release is not on the branch, or history does not reach back to it."""


class Proposal(StrEnum):
    """The newest pull request that reverts the release."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class RevertFact(Model):
    """What reverting the release would do to the product's branch, and what was done about it."""

    tip: Sha | None = None
    """The branch's commit that this was worked out on."""
    outcome: RevertOutcome | None = None
    """None: not asked, because it is proposed already, or could not be asked."""
    commits: tuple[Sha, ...] = Field(default=(), max_length=20)
    """What would be reverted, newest first; the first of them."""
    total: int = Field(default=0, ge=0)
    """How many commits would be reverted; 0 where an older version recorded the fact."""
    paths: tuple[Line, ...] = Field(default=(), max_length=10)
    """Paths that conflict and need a person, or workflow files that the tool's token may not be allowed to
    push; the first of them.
    """
    workflows: bool = False
    """The paths are workflow files."""
    detail: Line = ""
    proposal: Proposal | None = None
    landed: Sha | None = None
    """The tip of the branch, once what the release brought is gone from it."""
    merged: Sha | None = None
    """The commit that merged the proposal, where the branch has it and still holds the release."""
    taken_back: Sha | None = None
    """The commit that reverted the release's revert, so that the branch holds the release again."""
    refused: Line = ""
    """Why the last try to propose or push it failed."""
