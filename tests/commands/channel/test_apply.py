"""`rollout channel apply`."""

from __future__ import annotations

import pytest

from rollout.commands.channel.apply import make_apply
from rollout.commands.channel.plan import make_plan
from rollout.core.state import (
    ApplyStatus,
    ChannelName,
    GuardCode,
    LookupSource,
    Outcome,
    RollbackReason,
)
from rollout.errors import RefusedError
from tests.commands.channel.world import ChannelWorld
from tests.world import OLD_VERSION, TAU


def test_an_upgrade_is_recorded_with_hints_that_lead_back() -> None:
    world = ChannelWorld("v0.1.5")
    done = make_apply(world.desk, TAU, None)
    assert done.apply.status is not ApplyStatus.BLOCKED
    assert done.apply == world.channel.apply
    assert (done.apply.status, done.apply.lookup_source) == (ApplyStatus.APPLIED_METADATA, LookupSource.LIVE)
    channel = world.channel
    assert channel.rollback is not None
    assert (channel.current_version, channel.rollback.version) == ("v0.1.5", OLD_VERSION)
    assert channel.rollback.reason is RollbackReason.APPLY_UPGRADE
    (entry, *_) = world.store.log(TAU)
    assert entry.subject == "rollout(tau): channel: apply v0.1.5: applied_metadata"


def test_to_apply_again_does_nothing_but_count() -> None:
    world = ChannelWorld("v0.1.5")
    make_apply(world.desk, TAU, None)
    before = world.channel
    world.clock.forward(minutes=1)
    again = make_apply(world.desk, TAU, None)
    assert (again.apply.status, again.apply.attempts) == (ApplyStatus.NOOP, 2)
    assert world.channel.model_copy(update={"apply": None}) == before.model_copy(update={"apply": None})


def test_the_last_plan_is_what_is_applied_and_what_is_named_wins() -> None:
    world = ChannelWorld("v0.1.5", "v0.1.6")
    make_plan(world.desk, TAU, "v0.1.5")
    world.releases.asked.clear()
    assert make_apply(world.desk, TAU, None).apply.target_version == "v0.1.5"
    assert world.releases.asked == []
    assert make_apply(world.desk, TAU, "v0.1.6").apply.target_version == "v0.1.6"


def test_a_re_run_applies_what_was_planned_when_it_was_asked() -> None:
    world = ChannelWorld("v0.1.5", "v0.1.6")
    make_plan(world.desk, TAU, "v0.1.5")
    asked = world.clock.now()
    world.clock.forward(hours=1)
    for status in (ApplyStatus.APPLIED_METADATA, ApplyStatus.NOOP):
        assert make_apply(world.desk, TAU, None, asked_at=asked, is_rerun=True).apply.status is status
    make_apply(world.desk, TAU, "v0.1.6")
    with pytest.raises(RefusedError, match=r"v0\.1\.6 was applied after this was asked"):
        make_apply(world.desk, TAU, None, asked_at=asked, is_rerun=True)
    assert world.channel.current_version == "v0.1.6"


def test_a_re_run_without_a_plan_applies_nothing() -> None:
    world = ChannelWorld("v0.1.5")
    with pytest.raises(RefusedError, match="nothing is planned, and the newest version may be another"):
        make_apply(world.desk, TAU, None, asked_at=world.clock.now(), is_rerun=True)
    assert make_apply(world.desk, TAU, None, asked_at=world.clock.now()).apply.target_version == "v0.1.5"


def test_the_guards_are_asked_again_as_the_world_is_now() -> None:
    world = ChannelWorld("v0.1.5")
    assert make_plan(world.desk, TAU, None).plan.guard_code is GuardCode.OK
    world.quarantine("v0.1.5")
    done = make_apply(world.desk, TAU, None)
    assert done.apply.status is ApplyStatus.BLOCKED
    assert (done.apply.status, done.apply.guard_code) == (ApplyStatus.BLOCKED, GuardCode.QUARANTINED_RELEASE)
    assert (world.channel.current_version, world.channel.apply) == (OLD_VERSION, done.apply)


@pytest.mark.parametrize("tag", ["v0.2.0-rc.1", "v0.2.0(pre)"])
def test_a_plan_of_another_channel_is_blocked_on_this_one(tag: str) -> None:
    world = ChannelWorld(tag)
    world.edit_channel(channel=ChannelName.BETA)
    make_plan(world.desk, TAU, None)
    world.edit_channel(channel=ChannelName.STABLE)
    assert make_apply(world.desk, TAU, None).apply.guard_code is GuardCode.STABLE_PRERELEASE_DISALLOWED


@pytest.mark.parametrize("target", ["v0.1.5", "banana", OLD_VERSION, None])
def test_a_dry_run_writes_nothing(target: str | None) -> None:
    world = ChannelWorld("v0.1.5")
    done = make_apply(world.desk, TAU, target, dry_run=True)
    assert world.writes.done == []
    assert done.apply.dry_run
    upgrade = target in ("v0.1.5", None)
    assert ("+current_version: v0.1.5" in done.diff) == upgrade
    assert (done.apply.status is ApplyStatus.DRY_RUN) == upgrade
    assert (done.apply.status is ApplyStatus.BLOCKED) == (target == "banana")


def test_a_contract_can_have_dry_runs_recorded() -> None:
    world = ChannelWorld("v0.1.5", record_dry_runs=True)
    done = make_apply(world.desk, TAU, None, dry_run=True)
    assert "+current_version: v0.1.5" in done.diff
    assert (done.apply.status, world.channel.current_version) == (ApplyStatus.DRY_RUN, OLD_VERSION)
    assert world.channel.apply == done.apply
    real = make_apply(world.desk, TAU, None)
    assert (real.apply.status, real.apply.attempts) == (ApplyStatus.APPLIED_METADATA, 2)


@pytest.mark.parametrize("outcome", [Outcome.IN_PROGRESS, Outcome.ROLLING_BACK])
@pytest.mark.parametrize("dry_run", [False, True])
def test_refused_during_a_rollout(outcome: Outcome, dry_run: bool) -> None:
    world = ChannelWorld("v0.1.5")
    world.start()
    world.edit(outcome=outcome)
    written = list(world.writes.done)
    with pytest.raises(RefusedError, match=f"its channel stays at {OLD_VERSION}"):
        make_apply(world.desk, TAU, "v0.1.5", dry_run=dry_run)
    assert world.writes.done == written


def test_a_rollout_that_starts_meanwhile_wins() -> None:
    world = ChannelWorld("v0.1.5")
    world.writes.step_in(1, "before", world.start)
    with pytest.raises(RefusedError, match="is in progress"):
        make_apply(world.desk, TAU, "v0.1.5")
    assert world.channel.current_version == OLD_VERSION


def test_where_the_contract_asks_for_review_an_upgrade_is_proposed() -> None:
    world = ChannelWorld("v0.1.5", review="pull_request")
    done = make_apply(world.desk, TAU, None)
    assert (done.commit, done.pull_request) == (None, 1)
    assert world.open_channel_pulls() == ["rollout-channel/tau/apply-v0.1.5"]
    (pull,) = world.forge.open_pulls()
    assert pull.body == f"{OLD_VERSION} -> v0.1.5"
    assert world.channel.current_version == OLD_VERSION
    world.forge.merge(pull.number, at=world.now)
    assert (world.channel.current_version, world.channel.apply) == ("v0.1.5", done.apply)


@pytest.mark.parametrize("target", ["banana", OLD_VERSION])
def test_a_mere_record_needs_no_review(target: str) -> None:
    world = ChannelWorld("v0.1.5", review="pull_request")
    assert make_apply(world.desk, TAU, target).commit is not None
    assert world.open_channel_pulls() == []
