"""Where a rollout begins, for whoever starts one and for whoever checks that it began so."""

from __future__ import annotations

from rollout.core import completed
from rollout.core.channel import started
from rollout.core.channel.guards import Judgement, judge, quarantined, why_quarantined
from rollout.core.contract import Contract
from rollout.core.rollback.quarantine import find
from rollout.core.rollback.target import needs_target, why_unusable
from rollout.core.state import Channel, ChannelAction, Outcome, Release, RollbackTarget, Rollout, TrainState

STARTABLE = (Outcome.IDLE, Outcome.COMPLETE, Outcome.WITHDRAWN)
"""What a train has come to when its next rollout may begin."""


def first_desired(contract: Contract, release: Release, target: RollbackTarget | None) -> Rollout:
    """Returns desired state of a rollout in its first phase."""
    phase = contract.phases[0]
    return Rollout(
        train=contract.train,
        release=release,
        phase=phase.name,
        canary_percent=phase.canary_percent,
        outcome=Outcome.IN_PROGRESS,
        rollback_target=target,
    )


def judged(state: TrainState, version: str) -> Judgement:
    """Returns whether the channel may take the version. A release is newer than what everybody runs."""
    channel = state.channel or Channel(train=state.train)
    return judge(
        channel.channel,
        channel.current_version,
        version,
        standing=quarantined(state.quarantine),
        max_major_jump=state.contract.channel.max_major_jump,
    )


def channel_of(state: TrainState, target: RollbackTarget | None) -> Channel:
    """Returns the channel of a started rollout: its hints lead to the target; what completed is kept."""
    channel = state.channel or Channel(train=state.train)
    known = completed.releases(state)
    if channel.completed != known:
        channel = channel.model_copy(update={"completed": known})
    return started(channel, target)


def channel_by_first_rules(state: TrainState, target: RollbackTarget | None) -> Channel:
    """Returns what `channel_of` did when states had schema 1."""
    return started(state.channel or Channel(train=state.train), target)


def why_not(state: TrainState, release: Release, target: RollbackTarget | None) -> str:
    """Returns why no rollout of that release can begin now, as far as state tells; empty when one can."""
    standing = _why_not_standing(state, release)
    if standing:
        return standing
    judgement = judged(state, release.version)
    if judgement.action is not ChannelAction.UPGRADE:
        return judgement.reason
    if target is not None:
        return why_unusable(target, release.version, state.quarantine)
    if release.first is None and needs_target(state.contract):
        return "no version is known to return to"
    return ""


def why_not_by_first_rules(state: TrainState, release: Release) -> str:
    """Returns what `why_not` did when states had schema 1."""
    return _why_not_standing(state, release)


def _why_not_standing(state: TrainState, release: Release) -> str:
    if state.rollout.outcome not in STARTABLE:
        return f"a rollout is {state.rollout.outcome.replace('_', ' ')}"
    bad = find(state.quarantine, release.version, release.commit)
    return f"{release.version} {why_quarantined(bad)}" if bad else ""
