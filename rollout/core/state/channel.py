"""channel.yaml: the release channel, its current version and where a rollback leads."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal

from pydantic import Field

from rollout.core.state.desired import ChannelName
from rollout.core.values import Model, Name, Version


class RollbackReason(StrEnum):
    """Why the rollback hints were written."""

    ROLLOUT_START = "rollout_start"
    CHANNEL_SWITCH = "channel_switch"
    COMPLETE = "rollout_complete"


class RollbackHints(Model):
    """What the runbook calls rollback_channel, _version, _reason and _reference_unix_ms."""

    channel: ChannelName
    version: Version | None
    reason: RollbackReason
    reference_unix_ms: int = Field(ge=0)


class Channel(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    channel: ChannelName = ChannelName.STABLE
    current_version: Version | None = None
    rollback: RollbackHints | None = None
