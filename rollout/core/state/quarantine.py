"""quarantine.yaml: releases that nothing may choose again until a person lifts it."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from typing import Literal

from pydantic import Field

from rollout.core.values import Instant, Line, Model, Name, Sha, Version


class Lift(Model):
    """A person let a release be chosen again."""

    by: Line
    at: Instant
    reason: Line


class QuarantinedRelease(Model):
    """A release that was rolled back."""

    commit: Sha
    base: Sha | None = None
    """`base..commit` are its commits; the commit alone when there is none."""
    version: Version
    incident: Name
    at: Instant
    reverted: Sha | None = None
    """The commit of the product's branch at which it was undone: noticed, or declared by a person."""
    lifted: Lift | None = None


class Quarantine(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    releases: tuple[QuarantinedRelease, ...] = ()
    """Oldest first; one entry an incident."""
