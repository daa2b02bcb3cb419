"""While a file cannot be read nothing is promoted, nothing else of it is written, and fixing it goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.core.decide.advance import advance
from rollout.core.files import CHANNEL, QUARANTINE, REHEARSAL, SIGNOFF
from rollout.core.state import Event, TrainState, UnusableFile, Verdict
from tests.world import World

FILES = (CHANNEL, QUARANTINE, REHEARSAL, SIGNOFF)


@pytest.fixture
def promoting() -> World:
    world = World().play_to("canary-1")
    world.soak()
    assert world.verdict is Verdict.PROMOTE
    return world


def broken(state: TrainState, *names: str) -> TrainState:
    return replace(state, broken=tuple(UnusableFile(f"{name}: no", "fix it", name) for name in names))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_promoted_until_it_is_mended(promoting: World, name: str) -> None:
    state, now = promoting.state, promoting.now
    assert state.status is not None
    held = advance(broken(state, name), None, state.status.facts, now)
    assert held is not None
    status = held.change.status
    assert status is not None
    assert (held.event, status.unreadable) == (Event.DECIDE, (name,))
    assert status.decision.verdict is Verdict.HOLD
    assert status.decision.reasons == (
        f"{name} cannot be read; its last readable version decides, and nothing is promoted",
    )
    # Looked at again, there is nothing to record; fixed, what was earned still counts.
    assert advance(broken(replace(state, status=status), name), None, status.facts, now) is None
    fixed = advance(replace(state, status=status), None, status.facts, now)
    assert fixed is not None
    assert fixed.change.status == state.status


def test_a_merged_step_waits_for_the_file(promoting: World) -> None:
    promoting.merge()
    state = broken(promoting.state, SIGNOFF)
    assert state.status is not None
    step = advance(state, None, state.status.facts, promoting.now)
    assert step is not None
    assert step.event is Event.WAIT
    assert step.detail.startswith("canary-2 is merged and waits for signoff.yaml, which cannot be read")
    waiting = replace(state, status=step.change.status)
    assert advance(waiting, None, state.status.facts, promoting.now) is None
    entered = advance(replace(waiting, broken=()), None, state.status.facts, promoting.now)
    assert entered is not None
    assert entered.event is Event.ENTER
