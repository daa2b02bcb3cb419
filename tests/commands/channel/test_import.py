"""`rollout channel import`."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.commands.channel.import_ import import_channel
from rollout.commands.verify import verify
from rollout.core.channel.product_metadata import CHANNEL_FILE, UPDATE_FILE
from rollout.core.state import ChannelName
from rollout.errors import InputError, RefusedError
from tests.commands.channel.world import ChannelWorld
from tests.core.channel.test_product_metadata import UPDATE, VERSION_2
from tests.world import TAU

DOCUMENTS: dict[str, Any] = {CHANNEL_FILE: VERSION_2, UPDATE_FILE: UPDATE}


def test_it_is_taken_over_once_and_told_as_what_it_is() -> None:
    world = ChannelWorld()
    imported = import_channel(world.desk, TAU, DOCUMENTS)
    assert imported.state.channel == world.channel
    assert world.channel.channel is ChannelName.BETA
    assert world.events()[-1] == "channel-import"
    assert imported.commit is not None
    assert import_channel(world.desk, TAU, DOCUMENTS).commit is None
    assert verify(world.store, TAU, None).problems == []


def test_a_dry_run_shows_it_and_writes_nothing() -> None:
    world = ChannelWorld()
    imported = import_channel(world.desk, TAU, DOCUMENTS, dry_run=True)
    assert "+channel: beta" in imported.diff
    assert world.writes.done == []
    import_channel(world.desk, TAU, DOCUMENTS)
    assert import_channel(world.desk, TAU, DOCUMENTS, dry_run=True).diff == ""


def test_what_cannot_be_taken_over_is_told() -> None:
    world = ChannelWorld()
    imported = import_channel(world.desk, TAU, {UPDATE_FILE: {**UPDATE, "action": "explode"}})
    assert len(imported.notes) == 1
    assert world.channel.plan is None


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ({}, "neither release-channel.json nor release-update-state.json"),
        ({CHANNEL_FILE: "text"}, "release-channel.json: "),
    ],
)
def test_bad_files(documents: dict[str, Any], says: str) -> None:
    world = ChannelWorld()
    with pytest.raises(InputError, match=says):
        import_channel(world.desk, TAU, documents)
    assert world.writes.done == []


@pytest.mark.parametrize(
    ("version", "code"), [("banana", "invalid_target_version"), ("v6.6.6", "major_version_jump_blocked")]
)
def test_a_version_that_a_guard_blocks_is_refused(version: str, code: str) -> None:
    world = ChannelWorld()
    with pytest.raises(RefusedError, match=code):
        import_channel(world.desk, TAU, {UPDATE_FILE: {**UPDATE, "current_version": version}})
    assert world.writes.done == []


def test_refused_during_a_rollout() -> None:
    world = ChannelWorld()
    world.start()
    with pytest.raises(RefusedError, match="its channel stays as it is"):
        import_channel(world.desk, TAU, DOCUMENTS)
