"""What late and missing schedules cost: 30 hours of steady health, sampled as schedules really come.

A reviewer merges each promotion when it is proposed, people have signed, and nothing ever fails, so
every hour above the shortest is what the schedule costs. docs/runbook.md quotes these figures.
"""

from collections.abc import Iterable

import pytest

from rollout.core.contract import Contract
from rollout.core.state import Outcome, Verdict
from tests.core.world import START, World, contract_of, tau

HOUR = 60
END = 30 * HOUR
EVERY_10_MINUTES = range(10, END + 1, 10)
EVERY_3_HOURS = range(3 * HOUR, END + 1, 3 * HOUR)


def without(minutes: Iterable[int], hole: range) -> list[int]:
    return [minute for minute in minutes if minute not in hole]


def roll_out(sampled: Iterable[int], contract: Contract | None = None) -> World:
    """The rollout after samples at these minutes; it is at its end when there is nothing left to do."""
    world = World(contract)
    for item in world.contract.signoff.items:
        if item.proof is None:
            world.sign(item.id)
    for minute in sampled:
        if world.rollout.outcome is Outcome.COMPLETE:
            break
        world.wait(minutes=minute - minutes_of(world)).observe()
        if world.status.decision.verdict is Verdict.PROMOTE:
            world.merge().offer()
    return world


def minutes_of(world: World) -> float:
    return (world.now - START).total_seconds() / 60


def hours_to_completion(world: World) -> float:
    assert world.rollout.outcome is Outcome.COMPLETE, world.status.decision.reasons
    return round(minutes_of(world) / HOUR, 2)


def test_every_10_minutes_takes_28_hours_and_20_minutes() -> None:
    """27.5 h of soak and one run, and the 10 minutes to the first observation of each of the five phases."""
    assert hours_to_completion(roll_out(EVERY_10_MINUTES)) == 28.33


def test_every_3_hours_never_leaves_the_first_canary() -> None:
    """No two observations are within the 30 minutes that a canary's credit allows."""
    world = roll_out(EVERY_3_HOURS)
    assert (world.rollout.phase, world.status.soak.earned_seconds) == ("canary-1", 0)
    assert world.status.decision.reasons == ("soak: 0s of 30m",)
    assert world.rollout.frozen is None


def test_every_3_hours_is_enough_for_a_contract_that_allows_such_gaps() -> None:
    """Each canary then takes two observations, three hours apart; the last phase nine."""
    phases = [
        {name: value for name, value in phase.items() if name != "max_gap"} for phase in tau()["phases"]
    ]
    contract = contract_of(phases=phases, sampling={"interval": "3h", "max_gap": "3h"})
    world = roll_out(range(3 * HOUR, 60 * HOUR, 3 * HOUR), contract)
    assert hours_to_completion(world) == 48.0


@pytest.mark.parametrize(
    ("begins", "phase"),
    [(30, "canary-1"), (150, "canary-3"), (10 * HOUR, "general-availability")],
    ids=["in-canary-1", "in-canary-3", "in-general-availability"],
)
def test_a_hole_of_12_hours_costs_12_hours_and_no_credit(begins: int, phase: str) -> None:
    """The gap itself earns nothing, what was earned before it is kept, and soak goes on after it."""
    sampled = without(range(10, 60 * HOUR, 10), range(begins + 1, begins + 12 * HOUR))
    assert roll_out([minute for minute in sampled if minute <= begins]).rollout.phase == phase
    assert hours_to_completion(roll_out(sampled)) == 28.33 + 12


def test_30_hours_with_a_12_hour_hole_are_not_enough() -> None:
    world = roll_out(without(EVERY_10_MINUTES, range(10 * HOUR + 1, 22 * HOUR)))
    assert world.rollout.outcome is Outcome.IN_PROGRESS
    assert world.rollout.phase == "general-availability"
    assert world.status.soak.earned_seconds == (30 - 12) * 3600 - (28 * 3600 + 20 * 60 - 24 * 3600)


def test_20_minutes_late_every_time_costs_100_minutes() -> None:
    """Every 30 minutes is the slowest that still earns in a canary."""
    assert hours_to_completion(roll_out(range(30, 60 * HOUR, 30))) == 30.0


def test_21_minutes_late_every_time_never_leaves_the_first_canary() -> None:
    assert roll_out(range(31, 60 * HOUR, 31)).rollout.phase == "canary-1"
