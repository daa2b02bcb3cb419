"""rollout.yaml: what is wanted."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal

from pydantic import Field

from rollout.core.values import Instant, Line, Milliseconds, Model, Name, Percent, Sha, Version


class Outcome(StrEnum):
    IDLE = "idle"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"
    """A person ended a release that nobody had been exposed to."""


UNDER_WAY = (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK)
"""Surfaces are read, and evidence counts."""


class ChannelName(StrEnum):
    STABLE = "stable"
    BETA = "beta"
    DEV = "dev"


class Release(Model):
    version: Version
    commit: Sha
    base: Sha | None = None
    """`base..commit` are the release's commits; the commit alone when there is none."""
    started_at: Instant
    first: Line | None = None
    """Why there is no version to return to, as whoever started the product's first release said."""


class Freeze(Model):
    """Nothing is promoted while this is there."""

    reason: Line
    at: Instant
    incident: Name | None = None
    """The incident that froze it; None when a person did, by a freeze or a withdrawal,
    an illegal step, or a trigger that freezes alone."""


class RollbackTarget(Model):
    """Where a rollback of this rollout goes; fixed when it starts."""

    version: Version
    channel: ChannelName
    reference_unix_ms: Milliseconds
    by_hand: Sha | None = None
    """The commit in which a person wrote the version into channel.yaml; None when a command recorded it."""


class Rollout(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    release: Release | None = None
    phase: Name | None = None
    canary_percent: Percent = 0
    frozen: Freeze | None = None
    outcome: Outcome = Outcome.IDLE
    rollback_target: RollbackTarget | None = None
    lanes: dict[Name, Literal["release", "known_good"]] = {}
    """Surfaces that a rollback sent to their known-good lane."""
