"""signoff.yaml: recorded approvals."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from typing import Literal

from pydantic import Field

from rollout.core.values import Instant, Line, Model, Name, Sha, Version


class SignedItem(Model):
    """A recorded approval."""

    evidence: Line
    by: Line
    """`rollout` for what the machine proved."""
    at: Instant
    commit: Sha
    """The release commit that it is for: another release's sign-off counts for nothing."""


class Signoff(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    release: Version
    commit: Sha
    blocked: Name | None = None
    """The incident that blocks the sign-off."""
    items: dict[Name, SignedItem] = {}
