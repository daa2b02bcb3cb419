"""No soak without news: no phase earns more than each surface's own clock has advanced in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.observation import Sample
from rollout.core.values import seconds_between
from tests.core.world import World, contract_of
from tests.examples import examples

PHASE = "canary-2"
WANTED = 60 * 60
SLOW, STEADY, RUN = "voice", "memory", "browser-automation"
"""A surface of any clock, one that speaks at each reading, and one that is what a run leaves."""

CLOCK = st.sampled_from(["now", "stands still", "behind", "ahead", "goes back", "unreadable", "unhealthy"])
ROUND = st.tuples(st.sampled_from([1, 4, 10, 20, 29, 31, 90]), CLOCK)
"""Minutes until the round, and what the slow surface's clock says in it."""


def sample(world: World, clock: str, last: datetime) -> Sample:
    if clock == "unreadable":
        return Sample(unknown="exit 1")
    changes: dict[str, Any] = {"updated_at": world.now}
    if clock == "unhealthy":
        changes["health_state"] = "degraded"
    if clock == "stands still":
        changes["updated_at"] = last
    if clock == "behind":
        changes["updated_at"] = world.now - timedelta(minutes=7)
    if clock == "ahead":
        changes["updated_at"] = world.now + timedelta(minutes=2)
    if clock == "goes back":
        changes["updated_at"] = last - timedelta(minutes=3)
    return world.sample(SLOW, **changes)


@settings(max_examples=examples(150), deadline=None)
@given(rounds=st.lists(ROUND, min_size=1, max_size=25))
def test_a_phase_earns_no_more_than_the_clock_of_each_surface(rounds: list[tuple[int, str]]) -> None:
    world = World(contract_of(triggers=[])).reach(PHASE)
    entry = world.now
    told: dict[str, list[datetime]] = {SLOW: [], STEADY: []}
    last = entry
    for minutes, clock in rounds:
        world.wait(minutes=minutes)
        read = sample(world, clock, last)
        world.observe({SLOW: read})
        last = read.updated_at or last
        for surface, updated in ((SLOW, read.updated_at), (STEADY, world.now)):
            if updated is not None and updated >= entry:
                told[surface].append(updated)
        earned = world.status.soak.earned_seconds
        for times in told.values():
            advanced = seconds_between(min(times), max(times)) if times else 0
            assert earned <= min(advanced, WANTED)
        assert earned == min((s.earned_seconds for s in world.status.soak.surfaces.values()), default=0)
        if read.health_state == "degraded":
            assert earned == 0


@settings(max_examples=examples(60), deadline=None)
@given(minutes=st.lists(st.integers(1, 30), min_size=1, max_size=40), speaks=st.integers(1, 20))
def test_a_source_that_goes_on_speaking_finishes(minutes: list[int], speaks: int) -> None:
    """However readings and sources interleave, the phase earns what each source advances."""
    world = World(contract_of(triggers=[])).reach(PHASE)
    entry = world.now
    first: tuple[datetime, datetime] | None = None
    for wait in minutes:
        world.wait(minutes=wait)
        behind = seconds_between(entry, world.now) // 60 % speaks
        updated = world.now - timedelta(minutes=behind)
        world.observe({SLOW: world.sample(SLOW, updated_at=updated)})
        if updated < entry:
            continue
        first = first or (updated, world.now)
        if all(each + speaks <= 30 for each in minutes):
            advanced = (seconds_between(first[0], updated), seconds_between(first[1], world.now), WANTED)
            assert world.status.soak.earned_seconds == min(advanced)
