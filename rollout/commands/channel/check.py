"""`rollout channel check`: look up the newest version, and say what the guards say of it."""

from __future__ import annotations

from rollout.commands.channel.lookup import look_up
from rollout.commands.channel.plan import newest_target, planned
from rollout.commands.channel.record import Desk, Lookup
from rollout.core.state import ChannelPlan


def check(desk: Desk, train: str) -> tuple[ChannelPlan, Lookup]:
    """Returns what a plan would say now; nothing is written. Raises as `look_up`."""
    now, state = desk.clock.now(), desk.load(train)
    lookup = look_up(desk, state, now)
    return planned(state, newest_target(desk, state, lookup), now), lookup
