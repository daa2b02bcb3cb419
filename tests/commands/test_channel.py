"""`rollout channel set`."""

from __future__ import annotations

import pytest

from rollout.commands.channel import set_channel
from rollout.core.state import ChannelName, Outcome, RollbackHints, RollbackReason, Rollout
from rollout.core.values import unix_ms
from rollout.errors import RefusedError
from tests.fakes.store import CONTRACT, ROLLOUT
from tests.world import OLD_VERSION, TAU, World, contract


def switch(world: World, to: ChannelName = ChannelName.BETA) -> str | None:
    return set_channel(world.store, world.clock, TAU, to).commit


def test_a_switch_leaves_hints_that_lead_back() -> None:
    world = World()
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
    world = World()
    assert switch(world, ChannelName.STABLE) is None


def test_a_train_that_has_no_channel_file_yet() -> None:
    world = World()
    world.store.edit("new", {CONTRACT: contract().model_copy(update={"train": "new"})}, at=world.now)
    world.store.edit("new", {ROLLOUT: Rollout(train="new")}, at=world.now)
    set_channel(world.store, world.clock, "new", ChannelName.DEV)
    channel = world.store.load("new", world.store.head()).channel
    assert channel is not None
    assert (channel.channel, channel.current_version) == (ChannelName.DEV, None)


@pytest.mark.parametrize("outcome", [Outcome.IN_PROGRESS, Outcome.ROLLING_BACK])
def test_refused_during_a_rollout(outcome: Outcome) -> None:
    world = World()
    world.start()
    world.edit(outcome=outcome)
    with pytest.raises(RefusedError, match="its channel stays stable"):
        switch(world)
    assert switch(world, ChannelName.STABLE) is None


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.ROLLED_BACK])
def test_allowed_after_it(outcome: Outcome) -> None:
    world = World()
    world.start()
    world.edit(outcome=outcome)
    assert switch(world) is not None
