from datetime import timedelta

from rollout.core.channel import completed, started, switch, target_for
from rollout.core.state import Channel, ChannelName, RollbackHints, RollbackReason, RollbackTarget
from rollout.core.values import unix_ms
from tests.core.world import START

STABLE = Channel(train="tau", current_version="v0.1.4")
MS = unix_ms(START)


def test_a_switch_leaves_hints_that_lead_back() -> None:
    switched = switch(STABLE, ChannelName.BETA, START)
    assert (switched.channel, switched.current_version) == (ChannelName.BETA, "v0.1.4")
    assert switched.rollback == RollbackHints(
        channel=ChannelName.STABLE,
        version="v0.1.4",
        reason=RollbackReason.CHANNEL_SWITCH,
        reference_unix_ms=MS,
    )


def test_a_switch_to_where_it_is_changes_nothing() -> None:
    assert switch(STABLE, ChannelName.STABLE, START) is STABLE


def test_a_rollout_rolls_back_to_the_current_version() -> None:
    target = target_for(STABLE, None, START)
    assert target == RollbackTarget(version="v0.1.4", channel=ChannelName.STABLE, reference_unix_ms=MS)


def test_a_version_that_is_named_wins() -> None:
    target = target_for(STABLE, "v0.1.2", START)
    assert target is not None
    assert target.version == "v0.1.2"


def test_no_version_known_is_no_target() -> None:
    channel = Channel(train="tau")
    assert target_for(channel, None, START) is None
    assert started(channel, None) is channel


def test_a_start_records_its_target_in_the_hints() -> None:
    hints = started(STABLE, target_for(STABLE, "v0.1.2", START)).rollback
    assert hints == RollbackHints(
        channel=ChannelName.STABLE,
        version="v0.1.2",
        reason=RollbackReason.ROLLOUT_START,
        reference_unix_ms=MS,
    )


def test_completion_makes_the_release_current_and_keeps_the_channel() -> None:
    later = START + timedelta(days=1)
    channel = completed(switch(STABLE, ChannelName.DEV, START), "v0.1.5", later)
    assert (channel.channel, channel.current_version) == (ChannelName.DEV, "v0.1.5")
    assert channel.rollback == RollbackHints(
        channel=ChannelName.DEV,
        version="v0.1.4",
        reason=RollbackReason.COMPLETE,
        reference_unix_ms=unix_ms(later),
    )
