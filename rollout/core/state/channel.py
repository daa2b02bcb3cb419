"""channel.yaml: the release channel, its current version, where a rollback leads, the last plan and apply."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal

from pydantic import Field

from rollout.core.observation import WorkResult
from rollout.core.state.desired import ChannelName, Release, RollbackTarget
from rollout.core.values import Identifier, Instant, Line, Milliseconds, Model, Name, Percent, Version


class RollbackReason(StrEnum):
    """Why the rollback hints were written."""

    ROLLOUT_START = "rollout_start"
    CHANNEL_SWITCH = "channel_switch"
    APPLY_UPGRADE = "apply_upgrade"
    COMPLETE = "rollout_complete"
    ROLLBACK = "rollback"
    IMPORT = "import"


class RollbackHints(Model):
    """What the runbook calls rollback_channel, _version, _reason and _reference_unix_ms."""

    channel: ChannelName
    version: Version | None
    reason: RollbackReason
    reference_unix_ms: Milliseconds


class ChannelAction(StrEnum):
    """What a plan comes to."""

    UPGRADE = "upgrade"
    NOOP = "noop"
    BLOCKED = "blocked"
    ROLLBACK = "rollback"


class GuardCode(StrEnum):
    """The guard that blocks, in the order in which they are asked; `ok` when none does."""

    INVALID_CURRENT_VERSION = "invalid_current_version"
    INVALID_TARGET_VERSION = "invalid_target_version"
    STABLE_PRERELEASE_DISALLOWED = "stable_prerelease_disallowed"
    MAJOR_VERSION_JUMP_BLOCKED = "major_version_jump_blocked"
    QUARANTINED_RELEASE = "quarantined_release"
    NO_RELEASE_RECORDS = "no_release_records"
    OK = "ok"


class LookupSource(StrEnum):
    """Where a target came from."""

    LIVE = "live"
    CACHE_FRESH = "cache_fresh"
    CACHE_STALE_FALLBACK = "cache_stale_fallback"
    """Older than the contract's ttl, and the product's releases could not be asked for."""
    OVERRIDE = "override"
    """A person named it."""


class ApplyStatus(StrEnum):
    """What an apply did."""

    APPLIED_METADATA = "applied_metadata"
    DRY_RUN = "dry_run"
    NOOP = "noop"
    BLOCKED = "blocked"


class ChannelPlan(Model):
    """What would be done, and everything that it was decided of."""

    channel: ChannelName
    current_version: Version | None
    target_version: Line | None
    """None when there was nothing to look up; else as it was given, a version or not."""
    action: ChannelAction
    guard_code: GuardCode
    guard_reason: Line
    dry_run: bool = False
    lookup_source: LookupSource
    planned_at: Instant


class ChannelApply(ChannelPlan):
    """The last apply: the plan that it made of the world as it was, and what came of it."""

    status: ApplyStatus
    attempts: int = Field(ge=1)
    """How often in a row this target was to be applied."""


class ChannelRequest(Model):
    """The contract's `channel.apply` command, asked of the product side; `perform` reports its result."""

    id: Identifier
    version: Version
    previous: Version | None
    channel: ChannelName
    attempt: int = Field(ge=1)
    requested_at: Instant
    result: WorkResult | None = None


class CompletedRelease(Model):
    """A release that everybody was given: what the next one builds on, and what can be rolled back still."""

    release: Release
    phase: Name
    canary_percent: Percent
    rollback_target: RollbackTarget | None = None


MOST_COMPLETED = 5


class Channel(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    channel: ChannelName = ChannelName.STABLE
    current_version: Version | None = None
    rollback: RollbackHints | None = None
    plan: ChannelPlan | None = None
    apply: ChannelApply | None = None
    request: ChannelRequest | None = None
    completed: tuple[CompletedRelease, ...] = Field(default=(), max_length=MOST_COMPLETED)
    """The releases that completed last and were not rolled back, newest first."""
