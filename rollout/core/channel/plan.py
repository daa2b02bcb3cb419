"""What a plan and an apply record, of channel, quarantine, the contract's rules and a target. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.core.channel.guards import (
    Judgement,
    ListState,
    Quarantined,
    bare,
    judge,
    judge_rollback,
    quarantined,
)
from rollout.core.channel.hints import applied
from rollout.core.contract import ChannelPolicy
from rollout.core.state import (
    ApplyStatus,
    Channel,
    ChannelAction,
    ChannelApply,
    ChannelPlan,
    ChannelRequest,
    LookupSource,
    Quarantine,
)
from rollout.core.text import inert
from rollout.core.values import compact_instant

LONGEST_TARGET = 128


@dataclass(frozen=True)
class Target:
    """What is to be judged, and where it came from. Make one of what a person typed with `named`."""

    version: str | None
    """None when there was nothing to look up."""
    source: LookupSource
    listed: ListState = ListState.UNASKED
    held_back: str = ""
    """Why nothing may choose it by what its commit holds, such as `holds v1.4.0, ..., without its revert`."""


def named(text: str) -> Target:
    """Returns the target that a person named, as one harmless line: no version is a blocked plan, not a
    mistake.
    """
    return Target(inert(text, LONGEST_TARGET), LookupSource.OVERRIDE)


def planned_target(channel: Channel) -> Target | None:
    """Returns what the last plan chose; None when there is none to go by.

    A dry run's plan is nobody's intent, and a rollback's has been carried out by the rollback.
    """
    plan = channel.plan
    if plan is None or plan.dry_run or plan.action is ChannelAction.ROLLBACK or plan.target_version is None:
        return None
    return Target(plan.target_version, plan.lookup_source)


def plan(
    channel: Channel,
    target: Target,
    *,
    quarantine: Quarantine | None,
    policy: ChannelPolicy,
    at: datetime,
    dry_run: bool = False,
) -> ChannelPlan:
    """Returns what becomes of the channel with that target."""
    judgement = judge(
        channel.channel,
        channel.current_version,
        target.version,
        standing=_standing(target, quarantine),
        max_major_jump=policy.max_major_jump,
        listed=target.listed,
    )
    return _recorded(channel, target, judgement, at, dry_run)


def _standing(target: Target, quarantine: Quarantine | None) -> Quarantined:
    standing = quarantined(quarantine)
    if target.version is None or not target.held_back:
        return standing
    return {bare(target.version): target.held_back, **standing}


def plan_rollback(
    channel: Channel, version: str, *, quarantine: Quarantine | None, at: datetime
) -> ChannelPlan:
    """Returns the plan of a rollback to that version; it is the rollback flow that asks for it."""
    target = Target(version, LookupSource.OVERRIDE)
    return _recorded(channel, target, judge_rollback(version, quarantined(quarantine)), at, dry_run=False)


def apply(
    channel: Channel,
    target: Target,
    *,
    quarantine: Quarantine | None,
    policy: ChannelPolicy,
    at: datetime,
    dry_run: bool = False,
) -> Channel:
    """Returns the channel after an apply: its record always, on an upgrade the version, the hints and the
    request.
    """
    made = plan(channel, target, quarantine=quarantine, policy=policy, at=at, dry_run=dry_run)
    last = channel.apply
    again = last is not None and last.target_version == made.target_version
    record = ChannelApply(
        **dict(made),
        status=_status(made),
        attempts=last.attempts + 1 if last is not None and again else 1,
    )
    kept = channel.model_copy(update={"apply": record})
    if record.status is ApplyStatus.NOOP and not dry_run:
        return kept.model_copy(update={"request": _asked_again(kept.request, at)})
    if record.status is not ApplyStatus.APPLIED_METADATA or made.target_version is None:
        return kept
    upgraded = applied(kept, made.target_version, at)
    return upgraded.model_copy(update={"request": _request(upgraded, channel.current_version, policy, at)})


def _status(made: ChannelPlan) -> ApplyStatus:
    if made.action is ChannelAction.BLOCKED:
        return ApplyStatus.BLOCKED
    if made.action is ChannelAction.NOOP:
        return ApplyStatus.NOOP
    return ApplyStatus.DRY_RUN if made.dry_run else ApplyStatus.APPLIED_METADATA


def _recorded(
    channel: Channel, target: Target, judgement: Judgement, at: datetime, dry_run: bool
) -> ChannelPlan:
    return ChannelPlan(
        channel=channel.channel,
        current_version=channel.current_version,
        target_version=target.version,
        action=judgement.action,
        guard_code=judgement.code,
        guard_reason=judgement.reason,
        dry_run=dry_run,
        lookup_source=target.source,
        planned_at=at,
    )


def _request(
    channel: Channel, previous: str | None, policy: ChannelPolicy, at: datetime
) -> ChannelRequest | None:
    if policy.apply is None or channel.current_version is None:
        return None
    return ChannelRequest(
        id=_request_id(at),
        version=channel.current_version,
        previous=previous,
        channel=channel.channel,
        attempt=1,
        requested_at=at,
    )


def _asked_again(request: ChannelRequest | None, at: datetime) -> ChannelRequest | None:
    """Returns the request anew when its command failed: applying once more is how a person says so."""
    if request is None or request.result is None or request.result.ok:
        return request
    changes = {"id": _request_id(at), "attempt": request.attempt + 1, "requested_at": at, "result": None}
    return request.model_copy(update=changes)


def _request_id(at: datetime) -> str:
    # By the time, so that an old run's result for the same version answers nothing.
    return f"channel-{compact_instant(at)}"
