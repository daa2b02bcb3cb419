"""Who set the channel's current version: a command, or a person who wrote it into channel.yaml."""

from __future__ import annotations

from rollout.core.channel.by_hand import is_by_command
from rollout.core.files import CHANNEL
from rollout.core.state import TrainState
from rollout.errors import RolloutError
from rollout.ports import LoggedCommit, StateStore


def written_by_hand(store: StateStore, train: str) -> LoggedCommit | None:
    """Returns the commit in which a person wrote the current version into channel.yaml.

    None where a command recorded it, where the train was set up with it, and where history cannot be read:
    this only warns, and must hold up no release.
    """
    try:
        return _newest_edit(store, train)
    except RolloutError:
        return None


def _newest_edit(store: StateStore, train: str) -> LoggedCommit | None:
    for entry in store.log(train):
        if CHANNEL not in entry.paths:
            continue
        if entry.parent is None or entry.is_cut:
            return None
        before, after = store.load_many(train, [entry.parent, entry.commit])
        if not isinstance(before, TrainState) or not isinstance(after, TrainState):
            return None
        if _version(before) == _version(after):
            continue
        return None if entry.event or is_by_command(before, after.channel) else entry
    return None


def _version(state: TrainState) -> str | None:
    return state.channel.current_version if state.channel else None
