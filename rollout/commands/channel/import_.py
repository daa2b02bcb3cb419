"""`rollout channel import`: take the product's own release metadata over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from rollout.commands.channel.record import (
    ChannelChange,
    ChannelResult,
    Desk,
    channel_of,
    preview,
    refuse_while_busy,
)
from rollout.commands.commit_state import change_state
from rollout.core.channel.product_metadata import FILES, read
from rollout.core.channel.proposals import why_refused
from rollout.core.state import Channel, CommitMessage, Event, StateChange, TrainState
from rollout.errors import InputError, RefusedError
from rollout.rendering.commits import message

_HINT = "give the folder in which the product keeps its release metadata, such as .tau"


def import_channel(
    desk: Desk, train: str, documents: Mapping[str, object], *, dry_run: bool = False
) -> ChannelResult:
    """Imports `documents`, file name -> parsed JSON. Importing the same again changes nothing.

    Raises InputError for files that make no sense, RefusedError during a rollout or for a version that a
    guard blocks.
    """
    if not documents:
        raise InputError(f"there is neither {' nor '.join(FILES)}", hint=_HINT)
    now, state = desk.clock.now(), desk.load(train)
    channel, notes = _taken_over(state, documents, now)

    def decide(newer: TrainState) -> tuple[StateChange, CommitMessage] | None:
        taken, _ = _taken_over(newer, documents, now)
        if taken == newer.channel:
            return None
        change = StateChange(channel=taken)
        return change, message(Event.CHANNEL_IMPORT, contract=newer.contract, rollout=newer.rollout)

    if dry_run:
        wanted = None if channel == state.channel else ChannelChange(StateChange(channel=channel), "import")
        return replace(preview(desk, state, wanted), notes=tuple(notes))
    changed = change_state(desk.store, train, decide, now)
    return ChannelResult(changed.state, changed.commit, notes=tuple(notes))


def _taken_over(
    state: TrainState, documents: Mapping[str, object], now: datetime
) -> tuple[Channel, list[str]]:
    try:
        channel, notes = read(documents, channel_of(state), now)
    except ValueError as error:
        raise InputError(str(error), hint="fix the file, or leave it out of the folder") from error
    if channel == state.channel:
        return channel, notes
    refuse_while_busy(state, "its channel stays as it is")
    refused = why_refused(state, channel)
    if refused:
        raise RefusedError(f"{state.train}: {refused}", hint="look with --dry-run at what it would be")
    return channel, notes
