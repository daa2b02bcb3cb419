"""`rollout channel set`: another channel, with hints that lead back."""

from __future__ import annotations

from rollout.commands.channel.record import (
    ChannelChange,
    ChannelResult,
    Desk,
    channel_of,
    preview,
    record,
    refuse_while_busy,
)
from rollout.core import channel as channels
from rollout.core.state import ChannelName, StateChange, TrainState


def set_channel(desk: Desk, train: str, to: ChannelName, *, dry_run: bool = False) -> ChannelResult:
    """Switches the channel; the same one again changes nothing. Raises RefusedError during a rollout."""
    now = desk.clock.now()

    def decide(state: TrainState) -> ChannelChange | None:
        channel = channel_of(state)
        switched = channels.switch(channel, to, now)
        if switched is channel:
            return None
        refuse_while_busy(state, f"its channel stays {channel.channel}")
        return ChannelChange(StateChange(channel=switched), f"{channel.channel} -> {to}", review=f"set-{to}")

    if dry_run:
        state = desk.load(train)
        return preview(desk, state, decide(state))
    return record(desk, train, decide, now)
