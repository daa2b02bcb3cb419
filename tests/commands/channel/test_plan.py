"""`rollout channel check` and `plan`."""

from __future__ import annotations

import pytest

from rollout.commands import quarantine as quarantines
from rollout.commands.channel.apply import make_apply
from rollout.commands.channel.check import check
from rollout.commands.channel.plan import make_plan
from rollout.commands.channel.set_ import set_channel
from rollout.commands.quarantine import ProductLookup
from rollout.commands.verify import verify
from rollout.core.state import (
    ApplyStatus,
    ChannelAction,
    ChannelName,
    GuardCode,
    LookupSource,
)
from rollout.errors import OutsideError
from tests.commands.channel.world import ChannelWorld
from tests.world import OLD_VERSION, TAU

BAD, AFTER, MENDED = "4" * 40, "5" * 40, "6" * 40
"""A commit in quarantine, one that holds it, and one that holds its revert."""


def in_quarantine_by_commit() -> ChannelWorld:
    """v0.1.5-rc.1 is tagged on the bad commit, v0.1.6 holds it, and v0.1.5 lacks it."""
    world = ChannelWorld(OLD_VERSION, "v0.1.5-rc.1", "v0.1.5", "v0.1.6")
    world.history.tags = {"v0.1.5-rc.1": BAD, "v0.1.5": MENDED, "v0.1.6": AFTER}
    world.reverter.frees(MENDED)
    put_there(world)
    return world


def put_there(world: ChannelWorld) -> None:
    product = ProductLookup(lambda _: None, lambda _: (), lambda _: True, lambda *_: False)
    quarantines.add(world.store, world.clock, TAU, BAD, "it loses data", "ada", product)


def test_the_newest_is_chosen_passing_over_what_holds_a_quarantined_commit() -> None:
    world = in_quarantine_by_commit()
    assert check(world.desk, TAU)[0].target_version == "v0.1.5"
    assert make_plan(world.desk, TAU, None).plan.target_version == "v0.1.5"
    assert verify(world.store, TAU, None).findings == ()


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("v0.1.6", "v0.1.6 holds 4444444444, put in quarantine by ada: it loses data, without its revert"),
        ("0.1.6", "0.1.6 holds 4444444444, put in quarantine by ada: it loses data, without its revert"),
        ("v0.1.5-rc.1", "v0.1.5-rc.1 is 4444444444, put in quarantine by ada: it loses data"),
    ],
)
def test_what_holds_a_quarantined_commit_is_blocked(named: str, why: str) -> None:
    world = in_quarantine_by_commit()
    set_channel(world.desk, TAU, ChannelName.BETA)
    before = world.channel.current_version
    planned = make_plan(world.desk, TAU, named).plan
    assert (planned.guard_code, planned.guard_reason) == (GuardCode.QUARANTINED_RELEASE, why)
    applied = make_apply(world.desk, TAU, named)
    assert (applied.apply.status is ApplyStatus.BLOCKED, applied.apply.guard_reason) == (True, why)
    assert world.channel.current_version == before
    assert verify(world.store, TAU, None).findings == ()


def test_what_was_planned_before_the_quarantine_is_not_applied_after_it() -> None:
    world = in_quarantine_by_commit()
    quarantines.lift(world.store, world.clock, TAU, BAD, "it was the disk", "ada")
    assert make_plan(world.desk, TAU, None).plan.target_version == "v0.1.6"
    world.clock.forward(minutes=1)
    put_there(world)
    applied = make_apply(world.desk, TAU, None)
    assert applied.apply.guard_code is GuardCode.QUARANTINED_RELEASE
    assert applied.apply.guard_reason.startswith("v0.1.6 holds 4444444444, put in quarantine by ada")
    assert verify(world.store, TAU, None).findings == ()


def test_check_tells_what_is_newer_and_touches_nothing() -> None:
    world = ChannelWorld(OLD_VERSION, "v0.1.5", "v0.2.0-rc.1")
    found, looked = check(world.desk, TAU)
    assert (found.target_version, found.action, found.lookup_source) == (
        "v0.1.5",
        ChannelAction.UPGRADE,
        LookupSource.LIVE,
    )
    assert looked.fetched_at == world.now
    assert world.writes.done == []
    assert world.cache is None


def test_a_plan_is_recorded_with_the_list_it_was_made_of() -> None:
    world = ChannelWorld(OLD_VERSION, "v0.1.5")
    planned = make_plan(world.desk, TAU, None)
    assert planned.plan == world.channel.plan
    assert (planned.plan.target_version, planned.plan.guard_code) == ("v0.1.5", GuardCode.OK)
    assert world.channel.current_version == OLD_VERSION
    (entry, *_) = world.store.log(TAU)
    assert entry.subject == "rollout(tau): channel: plan v0.1.5: upgrade"
    assert entry.paths == ("channel.yaml", "release-cache.yaml")
    assert world.cache is not None
    assert planned.commit == entry.commit


def test_a_version_that_a_guard_blocks_needs_no_list() -> None:
    world = ChannelWorld()
    world.releases.is_down = True
    planned = make_plan(world.desk, TAU, "v2.0.0")
    assert (planned.plan.lookup_source, planned.lookup) == (LookupSource.OVERRIDE, None)
    assert planned.plan.guard_code is GuardCode.MAJOR_VERSION_JUMP_BLOCKED
    assert world.channel.plan == planned.plan
    (entry, *_) = world.store.log(TAU)
    assert entry.subject == "rollout(tau): channel: plan v2.0.0: blocked, major_version_jump_blocked"


@pytest.mark.parametrize(
    ("listed", "named", "code", "reason"),
    [
        ("v0.1.5", "v0.1.5", GuardCode.OK, "v0.1.5 is newer than v0.1.4"),
        ("0.1.5", "v0.1.5", GuardCode.OK, "v0.1.5 is newer than v0.1.4"),
        ("v0.1.5", "v0.1.9", GuardCode.NO_RELEASE_RECORDS, "v0.1.9 is no release of the product"),
        ("v0.1.9(draft)", "v0.1.9", GuardCode.NO_RELEASE_RECORDS, "v0.1.9 is no release of the product"),
        (
            "v0.2.0(pre)",
            "v0.2.0",
            GuardCode.STABLE_PRERELEASE_DISALLOWED,
            "v0.2.0 is a prerelease, and the channel is stable",
        ),
        ("", OLD_VERSION, GuardCode.OK, "v0.1.4 is the current version"),
    ],
)
def test_a_version_that_is_named_has_to_be_a_release_that_the_channel_takes(
    listed: str, named: str, code: GuardCode, reason: str
) -> None:
    world = ChannelWorld(*listed.split())
    planned = make_plan(world.desk, TAU, named).plan
    assert (planned.guard_code, planned.guard_reason) == (code, reason)
    assert planned.lookup_source is LookupSource.OVERRIDE
    world.clock.forward(minutes=1)
    applied = make_apply(world.desk, TAU, named)
    assert (applied.apply.guard_code, applied.apply.status is ApplyStatus.BLOCKED) == (
        code,
        code is not GuardCode.OK,
    )
    assert verify(world.store, TAU, None).problems == []


def test_a_version_that_was_released_a_minute_ago_is_found() -> None:
    world = ChannelWorld("v0.1.5")
    make_plan(world.desk, TAU, None)
    world.releases.tags.append("v0.1.6")
    world.clock.forward(minutes=1)
    assert make_plan(world.desk, TAU, "v0.1.6").plan.guard_code is GuardCode.OK


def test_a_version_that_an_old_list_lacks_waits_for_a_new_one() -> None:
    world = ChannelWorld("v0.1.5")
    make_plan(world.desk, TAU, None)
    world.releases.is_down = True
    world.clock.forward(minutes=60)
    assert make_plan(world.desk, TAU, "v0.1.5").plan.guard_code is GuardCode.OK
    head = world.store.head()
    with pytest.raises(OutsideError, match="the list is down"):
        make_plan(world.desk, TAU, "v0.1.6")
    assert world.store.head() == head


@pytest.mark.parametrize(
    ("channel", "target"),
    [(ChannelName.STABLE, "v0.1.5"), (ChannelName.BETA, "v0.2.0-rc.2"), (ChannelName.DEV, "v0.2.0-rc.2")],
)
def test_the_newest_of_the_channel_is_chosen_passing_over_what_is_in_quarantine(
    channel: ChannelName, target: str
) -> None:
    world = ChannelWorld("v0.1.6", "v0.2.0-rc.2", "v0.1.5", "v0.2.0-rc.3")
    world.edit_channel(channel=channel)
    world.quarantine("v0.1.6", "v0.2.0-rc.3")
    assert make_plan(world.desk, TAU, None).plan.target_version == target


def test_nothing_to_look_up_is_a_blocked_plan() -> None:
    world = ChannelWorld()
    planned = make_plan(world.desk, TAU, None).plan
    assert (planned.target_version, planned.guard_code) == (None, GuardCode.NO_RELEASE_RECORDS)


def test_no_answer_and_no_cache_is_nothing_to_decide_of() -> None:
    world = ChannelWorld("v0.1.5")
    world.releases.is_down = True
    for command in (lambda: check(world.desk, TAU), lambda: make_plan(world.desk, TAU, None)):
        with pytest.raises(OutsideError, match="the list is down; no list is cached") as caught:
            command()
        assert caught.value.hint == "wait for it"
    assert world.writes.done == []


def test_a_dry_run_shows_the_difference_and_writes_nothing() -> None:
    world = ChannelWorld("v0.1.5")
    planned = make_plan(world.desk, TAU, None, dry_run=True)
    assert (planned.plan.dry_run, planned.plan.action) == (True, ChannelAction.UPGRADE)
    assert "+  target_version: v0.1.5" in planned.diff
    assert "+++ b/state/tau/release-cache.yaml" in planned.diff
    assert world.writes.done == []


def test_a_contract_can_have_dry_runs_recorded() -> None:
    world = ChannelWorld("v0.1.5", record_dry_runs=True)
    planned = make_plan(world.desk, TAU, None, dry_run=True)
    assert world.channel.plan == planned.plan
    assert planned.plan.dry_run
    assert "+  dry_run: false" in planned.diff
    (entry, *_) = world.store.log(TAU)
    assert entry.subject == "rollout(tau): channel: dry run: plan v0.1.5: upgrade"


def test_a_plan_may_be_made_during_a_rollout() -> None:
    world = ChannelWorld("v0.1.6")
    world.start()
    make_plan(world.desk, TAU, None)
    assert world.events()[-2:] == ["start", "channel"]
    assert verify(world.store, TAU, None).problems == []


def test_what_moved_meanwhile_is_judged_as_it_is_then() -> None:
    world = ChannelWorld("v0.1.5")
    world.writes.step_in(1, "before", lambda: world.quarantine("v0.1.5"))
    planned = make_plan(world.desk, TAU, "v0.1.5").plan
    assert planned.guard_code is GuardCode.QUARANTINED_RELEASE
    assert planned == world.channel.plan
