"""Who changed channel.yaml: a command of this tool, or a person who wrote into the file."""

from __future__ import annotations

from rollout.core.channel.explain import follows
from rollout.core.channel.proposals import BUSY, why_refused
from rollout.core.state import Channel, TrainState

_FOR_PEOPLE = ("channel", "current_version", "rollback")
"""What people may correct in the file; the rest are records of what commands did."""


def is_by_command(before: TrainState, after: Channel | None) -> bool:
    """Returns whether a command can have made `after` of the train before, whatever its commit says."""
    return follows(before, after) or is_first_version(before, after)


def is_first_version(before: TrainState, after: Channel | None) -> bool:
    """Returns whether an idle train that knew no current version was told it, and nothing else."""
    channel = before.channel or Channel(train=before.train)
    if after is None or channel.current_version is not None or before.rollout.outcome in BUSY:
        return False
    return after == channel.model_copy(update={"current_version": after.current_version})


def is_correction(before: TrainState, after: Channel | None) -> bool:
    """Returns whether a person may have corrected the file so: no rollout is under way, and no guard
    objects.
    """
    channel = before.channel or Channel(train=before.train)
    if after is None or before.rollout.outcome in BUSY or why_refused(before, after):
        return False
    return after == channel.model_copy(update={key: getattr(after, key) for key in _FOR_PEOPLE})


def what_changed(before: TrainState, after: Channel | None) -> str:
    """Returns the first thing that people may correct, and did: `current_version is v9.9.9, was v0.1.4`."""
    channel, changed = before.channel or Channel(train=before.train), after or Channel(train=before.train)
    keys = (key for key in _FOR_PEOPLE if getattr(channel, key) != getattr(changed, key))
    key = next(keys, "")
    if key == "rollback":
        return "the rollback hints are others"
    return f"{key} is {getattr(changed, key)}, was {getattr(channel, key)}" if key else "its records changed"
