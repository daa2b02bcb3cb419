"""`rollout channel plan`: what there is to go to, and what the guards say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.commands.channel.lookup import look_for, look_up
from rollout.commands.channel.record import (
    ChannelChange,
    ChannelResult,
    Desk,
    Lookup,
    channel_of,
    policy_of,
    preview,
    record,
)
from rollout.core.channel.guards import bare, quarantined
from rollout.core.channel.latest import listed, newest
from rollout.core.channel.plan import Target, named, plan
from rollout.core.state import ChannelAction, ChannelPlan, StateChange, TrainState


@dataclass(frozen=True)
class Choice:
    """How the target is found in a train, and the lookup that was made for it."""

    target: Callable[[TrainState], Target]
    lookup: Lookup | None = None


def choose(desk: Desk, state: TrainState, typed: str | None, now: datetime) -> Choice:
    """Returns the version that a person typed, else the newest of the channel. Raises as `look_up`."""
    if typed is not None:
        return checked(desk, state, named(typed), now)
    looked = look_up(desk, state, now)
    return Choice(lambda newer: newest_target(desk, newer, looked), looked)


def checked(desk: Desk, state: TrainState, target: Target, now: datetime) -> Choice:
    """Returns the target with what the list of releases says about it, unless it would not be taken anyway.

    Raises as `look_up`.
    """
    version = target.version
    if version is None or planned(state, target, now).action is not ChannelAction.UPGRADE:
        return Choice(lambda _: target)
    looked = look_for(desk, state, version, now)
    found = replace(target, listed=listed(looked.releases, version))
    return Choice(lambda _: found, looked)


def newest_target(desk: Desk, state: TrainState, looked: Lookup) -> Target:
    """Returns the newest of the channel that holds nothing that is in quarantine."""
    channel, standing = channel_of(state).channel, dict(quarantined(state.quarantine))
    while True:
        version = newest(looked.releases, channel, standing)
        why = desk.held_back(state, version) if version is not None else ""
        if version is None or not why:
            return Target(version, looked.source)
        standing[bare(version)] = why


def weighed(desk: Desk, state: TrainState, target: Target, now: datetime) -> Target:
    """Returns the target with what its commit holds, unless it would not be taken anyway."""
    version = target.version
    if version is None or planned(state, target, now).action is not ChannelAction.UPGRADE:
        return target
    return replace(target, held_back=desk.held_back(state, version))


def make_plan(desk: Desk, train: str, typed: str | None, *, dry_run: bool = False) -> ChannelResult:
    """Records what there is to do about the target. Raises as `look_up`, and HeadMovedError."""
    now, state = desk.clock.now(), desk.load(train)
    choice = choose(desk, state, typed, now)

    def wanted(newer: TrainState, dry: bool) -> ChannelChange:
        target = weighed(desk, newer, choice.target(newer), now)
        made = planned(newer, target, now, dry_run=dry)
        channel = channel_of(newer).model_copy(update={"plan": made})
        cache = choice.lookup.new if choice.lookup else None
        return ChannelChange(StateChange(channel=channel, release_cache=cache), plan_detail(made))

    def made(result: ChannelResult) -> ChannelResult:
        return replace(result, lookup=choice.lookup)

    if not dry_run:
        return made(record(desk, train, lambda newer: wanted(newer, False), now))
    shown = preview(desk, state, wanted(state, False))
    if policy_of(state).record_dry_runs:
        done = record(desk, train, lambda newer: wanted(newer, True), now)
        shown = replace(done, diff=shown.diff)
    plan = shown.plan.model_copy(update={"dry_run": True})
    return made(shown.with_channel(channel_of(shown.state).model_copy(update={"plan": plan})))


def planned(state: TrainState, target: Target, now: datetime, *, dry_run: bool = False) -> ChannelPlan:
    return plan(
        channel_of(state),
        target,
        quarantine=state.quarantine,
        policy=policy_of(state),
        at=now,
        dry_run=dry_run,
    )


def plan_detail(made: ChannelPlan) -> str:
    """Returns `plan v0.1.5: upgrade`, `dry run: plan v2.0.0: blocked, major_version_jump_blocked`."""
    said = f"plan {made.target_version or 'nothing'}: {made.action}"
    if made.action is ChannelAction.BLOCKED:
        said += f", {made.guard_code}"
    return f"dry run: {said}" if made.dry_run else said
