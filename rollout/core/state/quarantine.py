"""quarantine.yaml: releases that nothing may choose again until a person lifts it."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from typing import Literal

from pydantic import Field

from rollout.core.values import Instant, Line, Model, Name, Sha, Version


class Act(Model):
    """What a person decided."""

    by: Line
    at: Instant
    reason: Line


class Addition(Model):
    """A person put a release in quarantine."""

    by: Line
    reason: Line


class QuarantinedRelease(Model):
    """A release that was rolled back, or that a person put there."""

    commit: Sha
    base: Sha | None = None
    """`base..commit` are its commits; the commit alone when there is none."""
    version: Version | None = None
    """None when a person named a commit of which no version is known."""
    incident: Name | None = None
    """The incident that rolled it back; None when a person put it there."""
    added: Addition | None = None
    at: Instant
    reverted: Sha | None = None
    """The commit of the product's branch at which it was undone: noticed, or declared by a person."""
    lifted: Act | None = None
    """When a person let it be chosen again."""


class Quarantine(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    releases: tuple[QuarantinedRelease, ...] = ()
    """Oldest first; one entry for each incident and each time that a person adds one."""
