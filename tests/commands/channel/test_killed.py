"""Killed at any write, the next run finishes, and nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from rollout.commands.channel.apply import make_apply
from rollout.commands.channel.cache import clear, refresh
from rollout.commands.channel.plan import make_plan
from rollout.commands.channel.set_ import set_channel
from rollout.core.state import ChannelName
from tests.commands.channel.world import ChannelWorld
from tests.fakes.writes import KilledError
from tests.world import TAU

Command = Callable[[ChannelWorld], object]


def propose_another(world: ChannelWorld) -> object:
    """A wish takes the place of one that is open."""
    return set_channel(world.desk, TAU, ChannelName.DEV)


def apply(world: ChannelWorld) -> object:
    return make_apply(world.desk, TAU, "v0.1.5")


COMMANDS: dict[str, tuple[str, Command]] = {
    "set": ("commit", lambda world: set_channel(world.desk, TAU, ChannelName.BETA)),
    "plan": ("commit", lambda world: make_plan(world.desk, TAU, "v0.1.5")),
    "refresh": ("commit", lambda world: refresh(world.desk, TAU)),
    "clear": ("commit", lambda world: clear(world.desk, TAU)),
    "propose": ("pull_request", apply),
    "propose another": ("pull_request", propose_another),
}


def made(name: str) -> ChannelWorld:
    review, _ = COMMANDS[name]
    world = ChannelWorld("v0.1.5", review=review)
    if name == "clear":
        refresh(world.desk, TAU)
    if name == "propose another":
        apply(world)
    return world


def seen(world: ChannelWorld) -> object:
    pulls = [(pull.head, pull.state, world.forge.statuses(pull.head_sha)) for pull in world.forge.pulls]
    return world.channel, world.cache, pulls, world.forge.comments, sorted(world.forge.branches)


CASES = [
    pytest.param(name, nth, when, id=f"{name}: {when} {nth}")
    for name, writes in {
        "set": 1,
        "plan": 1,
        "refresh": 1,
        "clear": 1,
        "propose": 3,
        "propose another": 4,
    }.items()
    for nth in range(1, writes + 1)
    for when in ("before", "after")
]


@pytest.mark.parametrize(("name", "nth", "when"), CASES)
def test_the_next_run_finishes(name: str, nth: int, when: Literal["before", "after"]) -> None:
    whole, world = made(name), made(name)
    _, command = COMMANDS[name]
    command(whole)
    world.writes.crash(nth, when)
    with pytest.raises(KilledError):
        command(world)
    command(world)
    assert seen(world) == seen(whole)
