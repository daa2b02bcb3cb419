"""`rollout channel set`."""

from __future__ import annotations

import pytest

from rollout.commands.channel.set_ import set_channel
from rollout.core.files import CONTRACT, ROLLOUT
from rollout.core.forge import StatusState
from rollout.core.state import ChannelName, Outcome, RollbackHints, RollbackReason, Rollout
from rollout.core.values import unix_ms
from rollout.errors import RefusedError
from tests.commands.channel.world import ChannelWorld
from tests.world import OLD_VERSION, TAU, contract


def switch(world: ChannelWorld, to: ChannelName = ChannelName.BETA) -> str | None:
    return set_channel(world.desk, TAU, to).commit


def test_a_switch_leaves_hints_that_lead_back() -> None:
    world = ChannelWorld()
    switch(world)
    channel = world.state.channel
    assert channel is not None
    assert (channel.channel, channel.current_version) == (ChannelName.BETA, OLD_VERSION)
    assert channel.rollback == RollbackHints(
        channel=ChannelName.STABLE,
        version=OLD_VERSION,
        reason=RollbackReason.CHANNEL_SWITCH,
        reference_unix_ms=unix_ms(world.now),
    )
    (entry, *_) = world.store.log(TAU)
    assert (entry.trailers["Rollout-Event"], entry.paths) == ("channel", ("channel.yaml",))
    assert "stable -> beta" in entry.subject


def test_the_same_channel_changes_nothing() -> None:
    world = ChannelWorld()
    assert switch(world, ChannelName.STABLE) is None


def test_a_train_that_has_no_channel_file_yet() -> None:
    world = ChannelWorld()
    world.store.edit("new", {CONTRACT: contract().model_copy(update={"train": "new"})}, at=world.now)
    world.store.edit("new", {ROLLOUT: Rollout(train="new")}, at=world.now)
    set_channel(world.desk, "new", ChannelName.DEV)
    channel = world.store.load("new", world.store.head()).channel
    assert channel is not None
    assert (channel.channel, channel.current_version) == (ChannelName.DEV, None)


@pytest.mark.parametrize("outcome", [Outcome.IN_PROGRESS, Outcome.ROLLING_BACK])
def test_refused_during_a_rollout(outcome: Outcome) -> None:
    world = ChannelWorld()
    world.start()
    world.edit(outcome=outcome)
    with pytest.raises(RefusedError, match="its channel stays stable"):
        switch(world)
    assert switch(world, ChannelName.STABLE) is None


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.ROLLED_BACK])
def test_allowed_after_it(outcome: Outcome) -> None:
    world = ChannelWorld()
    world.start()
    world.edit(outcome=outcome)
    assert switch(world) is not None


def test_a_dry_run_shows_the_difference_and_writes_nothing() -> None:
    world = ChannelWorld()
    shown = set_channel(world.desk, TAU, ChannelName.BETA, dry_run=True)
    assert "-channel: stable\n+channel: beta" in shown.diff
    assert (shown.commit, world.writes.done) == (None, [])
    assert set_channel(world.desk, TAU, ChannelName.STABLE, dry_run=True).diff == ""


def test_where_the_contract_asks_for_review_a_switch_is_proposed() -> None:
    world = ChannelWorld(review="pull_request")
    proposed = set_channel(world.desk, TAU, ChannelName.BETA)
    assert (proposed.commit, proposed.pull_request) == (None, 1)
    assert world.open_channel_pulls() == ["rollout-channel/tau/set-beta"]
    (pull,) = world.forge.open_pulls()
    assert world.forge.statuses(pull.head_sha) == {"rollout/tau": (StatusState.SUCCESS, "stable -> beta")}
    before = world.channel
    world.forge.merge(pull.number, at=world.now)
    merged = world.channel
    assert (before.rollback, merged.channel) == (None, ChannelName.BETA)
    assert merged.rollback is not None
    assert merged.rollback.channel is ChannelName.STABLE


def test_to_propose_again_changes_nothing_and_another_wish_takes_its_place() -> None:
    world = ChannelWorld(review="pull_request")
    set_channel(world.desk, TAU, ChannelName.BETA)
    written = list(world.writes.done)
    assert set_channel(world.desk, TAU, ChannelName.BETA).pull_request == 1
    assert world.writes.done == written
    assert set_channel(world.desk, TAU, ChannelName.DEV).pull_request == 2
    assert world.open_channel_pulls() == ["rollout-channel/tau/set-dev"]
    assert [number for number, _ in world.forge.comments] == [1]
