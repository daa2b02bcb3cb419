"""The releases that completed and were not rolled back: what everybody runs, and what it was made of.

channel.yaml holds the newest few, so that the next release knows where it begins, and so that what everybody
runs can be rolled back after a later release was.
"""

from __future__ import annotations

from rollout.core.state import Channel, CompletedRelease, Outcome, Release, Rollout, TrainState
from rollout.core.state.channel import MOST_COMPLETED


def releases(state: TrainState) -> tuple[CompletedRelease, ...]:
    """Returns newest first. A train that completed its last release before this was recorded has that one."""
    recorded = state.channel.completed if state.channel else ()
    # What was last legal counts: nobody completes a release by an edit of rollout.yaml.
    legal = state.status.legal if state.status else None
    if recorded or legal is None or legal.outcome is not Outcome.COMPLETE:
        return recorded
    one = _of(legal)
    return (one,) if one else ()


def last(state: TrainState) -> CompletedRelease | None:
    """Returns what everybody runs; None when that is not known."""
    return next(iter(releases(state)), None)


def remember(channel: Channel, rollout: Rollout) -> Channel:
    """Returns the channel with the release of a rollout that has completed."""
    one = _of(rollout)
    if one is None:
        return channel
    return channel.model_copy(update={"completed": (one, *channel.completed)[:MOST_COMPLETED]})


def forget(channel: Channel | None, release: Release) -> Channel | None:
    """Returns the channel without a release that was rolled back; None when it does not name it."""
    known = channel.completed if channel else ()
    kept = tuple(one for one in known if one.release != release)
    return channel.model_copy(update={"completed": kept}) if channel and kept != known else None


def _of(rollout: Rollout) -> CompletedRelease | None:
    if rollout.release is None or rollout.phase is None:
        return None
    return CompletedRelease(
        release=rollout.release,
        phase=rollout.phase,
        canary_percent=rollout.canary_percent,
        rollback_target=rollout.rollback_target,
    )
