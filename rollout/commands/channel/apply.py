"""`rollout channel apply`: make a version the current one, if the guards let it pass as the world is now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollout.commands.channel.plan import Choice, checked, choose, weighed
from rollout.commands.channel.record import (
    ChannelChange,
    ChannelResult,
    Desk,
    channel_of,
    policy_of,
    preview,
    record,
    refuse_while_busy,
)
from rollout.core.channel.plan import Target, apply, planned_target
from rollout.core.state import ApplyStatus, Channel, ChannelApply, StateChange, TrainState
from rollout.errors import RefusedError


def make_apply(
    desk: Desk,
    train: str,
    typed: str | None,
    *,
    dry_run: bool = False,
    asked_at: datetime | None = None,
    is_rerun: bool = False,
) -> ChannelResult:
    """Applies the version that a person typed, else the last plan's, else the newest of the channel.

    A blocked one is recorded too. Raises RefusedError during a rollout, for a plan that is newer than
    `asked_at`, where another version was applied since then, and for a re-run without a plan; as `look_up`,
    and HeadMovedError.
    """
    now, state = desk.clock.now(), desk.load(train)
    _refuse_while_busy(state)
    if typed is None:
        _refuse_what_is_newer(state, asked_at, is_rerun=is_rerun)
    choice = _choose(desk, state, typed, now)

    def wanted(newer: TrainState, dry: bool) -> ChannelChange:
        _refuse_while_busy(newer)
        channel = _applied(newer, weighed(desk, newer, choice.target(newer), now), now, dry)
        cache = choice.lookup.new if choice.lookup else None
        change = StateChange(channel=channel, release_cache=cache)
        last = _apply_of(channel)
        moves = last.status is ApplyStatus.APPLIED_METADATA
        return ChannelChange(
            change, apply_detail(last), review=f"apply-{last.target_version}" if moves else ""
        )

    def made(result: ChannelResult) -> ChannelResult:
        return replace(result, lookup=choice.lookup)

    if not dry_run:
        return made(record(desk, train, lambda newer: wanted(newer, False), now))
    shown = preview(desk, state, wanted(state, False))
    if policy_of(state).record_dry_runs:
        return made(replace(record(desk, train, lambda newer: wanted(newer, True), now), diff=shown.diff))
    target = weighed(desk, state, choice.target(state), now)
    return made(shown.with_channel(_applied(state, target, now, True)))


def _choose(desk: Desk, state: TrainState, typed: str | None, now: datetime) -> Choice:
    channel = channel_of(state)
    planned = planned_target(channel)
    if typed is None and planned is not None:
        if channel.plan is not None and channel.plan.channel is not channel.channel:
            # It was chosen for another channel, which may take what this one does not.
            return checked(desk, state, planned, now)
        return Choice(lambda newer: planned_target(channel_of(newer)) or planned)
    return choose(desk, state, typed, now)


def _applied(state: TrainState, target: Target, now: datetime, dry_run: bool) -> Channel:
    return apply(
        channel_of(state),
        target,
        quarantine=state.quarantine,
        policy=policy_of(state),
        at=now,
        dry_run=dry_run,
    )


def _refuse_what_is_newer(state: TrainState, asked_at: datetime | None, *, is_rerun: bool) -> None:
    """Raises RefusedError when a version would be applied that nobody meant when this was asked."""
    channel = channel_of(state)
    plan, last, target = channel.plan, channel.apply, planned_target(channel)
    if asked_at is not None and plan is not None and plan.planned_at > asked_at:
        why = f"{plan.target_version or 'nothing'} was planned after this was asked"
    elif asked_at is not None and last is not None and last.planned_at > asked_at and _moved(last, target):
        why = f"{last.target_version} was applied after this was asked"
    elif is_rerun and target is None:
        why = "nothing is planned, and the newest version may be another one than when this was asked"
    else:
        return
    hint = "name the version to apply with --target, or dispatch it anew"
    raise RefusedError(f"{state.train}: {why}", hint=hint)


def _moved(last: ChannelApply, target: Target | None) -> bool:
    """Returns whether it made another version than the planned one the current one."""
    is_other = target is None or last.target_version != target.version
    return last.status is ApplyStatus.APPLIED_METADATA and is_other


def _apply_of(channel: Channel) -> ChannelApply:
    assert channel.apply is not None
    return channel.apply


def _refuse_while_busy(state: TrainState) -> None:
    stays = channel_of(state).current_version or "without a version"
    refuse_while_busy(state, f"its channel stays at {stays}, which the rollout records itself")


def apply_detail(last: ChannelApply) -> str:
    """Returns `apply v0.1.5: applied_metadata`, `apply v2.0.0: blocked, major_version_jump_blocked`."""
    said = f"apply {last.target_version or 'nothing'}: {last.status}"
    return f"{said}, {last.guard_code}" if last.status is ApplyStatus.BLOCKED else said
