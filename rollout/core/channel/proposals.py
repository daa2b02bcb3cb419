"""May a channel that people propose, by pull request or by hand, take effect as the world is now?"""

from __future__ import annotations

from rollout.core.channel.guards import judge, quarantined
from rollout.core.state import Channel, Outcome, TrainState

BUSY = (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK)


def why_refused(current: TrainState, proposed: Channel | None) -> str:
    """Returns why the train's channel must not become `proposed`; empty when it may.

    During a rollout nothing of it may change. At other times people may write what they want to correct, but
    no version that a guard blocks.
    """
    before = current.channel or Channel(train=current.train)
    after = proposed or Channel(train=current.train)
    if _moves(before) == _moves(after):
        return ""
    if current.rollout.outcome in BUSY:
        return f"{current.train} is {current.rollout.outcome.replace('_', ' ')}: its channel must not change"
    if after.current_version is None:
        return ""
    judgement = judge(
        after.channel,
        before.current_version if after.current_version != before.current_version else None,
        after.current_version,
        standing=quarantined(current.quarantine),
        max_major_jump=current.contract.channel.max_major_jump,
    )
    return f"{judgement.code}: {judgement.reason}" if judgement.blocked else ""


def _moves(channel: Channel) -> tuple[object, ...]:
    """Returns what counts; plans and applies are mere records."""
    return channel.channel, channel.current_version, channel.rollback, channel.request
