"""`rollout channel`: the release channel and its rollback hints."""

from __future__ import annotations

from datetime import datetime

from rollout.commands.changing import Changed, change_state
from rollout.core import channel as channels
from rollout.core.state import Channel, ChannelName, CommitMessage, Event, Outcome, StateChange, TrainState
from rollout.errors import RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.commits import message

_BUSY = (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK)


def set_channel(store: StateStore, clock: Clock, train: str, to: ChannelName) -> Changed:
    """Switch the channel; the same one again changes nothing. Raises RefusedError during a rollout."""
    now = clock.now()
    return change_state(store, train, lambda state: _switched(state, to, now), now)


def _switched(state: TrainState, to: ChannelName, now: datetime) -> tuple[StateChange, CommitMessage] | None:
    channel = state.channel or Channel(train=state.train)
    switched = channels.switch(channel, to, now)
    if switched is channel:
        return None
    if state.rollout.outcome in _BUSY:
        doing = state.rollout.outcome.replace("_", " ")
        raise RefusedError(
            f"{state.train} is {doing}: its channel stays {channel.channel}",
            hint="switch when the rollout has ended",
        )
    detail = f"{channel.channel} -> {to}"
    return StateChange(channel=switched), message(
        Event.CHANNEL, contract=state.contract, rollout=state.rollout, status=None, detail=detail
    )
