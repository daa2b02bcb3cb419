"""The rollback hints: where each change of the channel came from (the runbook's `rollback_*` fields)."""

from __future__ import annotations

from datetime import datetime

from rollout.core.state import Channel, ChannelName, RollbackHints, RollbackReason, RollbackTarget
from rollout.core.values import unix_ms


def switch(channel: Channel, to: ChannelName, at: datetime) -> Channel:
    """Returns the channel set to `to`, with hints that lead back; the same object when it already is."""
    if channel.channel is to:
        return channel
    hints = _hints(channel, RollbackReason.CHANNEL_SWITCH, at)
    return channel.model_copy(update={"channel": to, "rollback": hints})


def target_for(channel: Channel, version: str | None, at: datetime) -> RollbackTarget | None:
    """Returns where a rollout that starts now would roll back to: the version named, else the current one."""
    version = version or channel.current_version
    if version is None:
        return None
    return RollbackTarget(version=version, channel=channel.channel, reference_unix_ms=unix_ms(at))


def started(channel: Channel, target: RollbackTarget | None) -> Channel:
    """Returns the channel once a rollout has fixed its target."""
    if target is None:
        return channel
    hints = RollbackHints(
        channel=target.channel,
        version=target.version,
        reason=RollbackReason.ROLLOUT_START,
        reference_unix_ms=target.reference_unix_ms,
    )
    return channel.model_copy(update={"rollback": hints})


def completed(channel: Channel, version: str, at: datetime) -> Channel:
    """Returns the channel once the release is everywhere; the hints lead to the version before it."""
    hints = _hints(channel, RollbackReason.COMPLETE, at)
    return channel.model_copy(update={"current_version": version, "rollback": hints, "request": None})


def applied(channel: Channel, version: str, at: datetime) -> Channel:
    """Returns the channel once an upgrade to that version is recorded;
    the hints lead to the version before it.
    """
    hints = _hints(channel, RollbackReason.APPLY_UPGRADE, at)
    return channel.model_copy(update={"current_version": version, "rollback": hints})


def rolled_back(channel: Channel, target: RollbackTarget, at: datetime) -> Channel:
    """Returns the channel back at the target's version; a rollback never changes the channel.

    The hints keep naming the target: what was left is nothing to go back to.
    """
    hints = RollbackHints(
        channel=channel.channel,
        version=target.version,
        reason=RollbackReason.ROLLBACK,
        reference_unix_ms=unix_ms(at),
    )
    # What was asked for the version that is left must not be carried out after it is.
    changes = {"current_version": target.version, "rollback": hints, "request": None}
    return channel.model_copy(update=changes)


def _hints(channel: Channel, reason: RollbackReason, at: datetime) -> RollbackHints:
    return RollbackHints(
        channel=channel.channel, version=channel.current_version, reason=reason, reference_unix_ms=unix_ms(at)
    )
