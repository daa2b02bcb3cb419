from dataclasses import replace

import pytest

from rollout.core import start
from rollout.core.rollback import quarantine
from rollout.core.state import Outcome, Release
from tests.core.world import START, World

WORLD = World()


def release() -> Release:
    assert WORLD.rollout.release is not None
    return WORLD.rollout.release


def test_a_rollout_begins_in_the_first_phase() -> None:
    begun = start.first_desired(WORLD.contract, release(), WORLD.rollout.rollback_target)
    assert begun == WORLD.rollout


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.IDLE, ""),
        (Outcome.COMPLETE, ""),
        (Outcome.IN_PROGRESS, "a rollout is in progress"),
        (Outcome.ROLLING_BACK, "a rollout is rolling back"),
        (Outcome.ROLLED_BACK, "a rollout is rolled back"),
    ],
)
def test_a_train_has_to_be_at_rest(outcome: Outcome, why: str) -> None:
    state = replace(WORLD.state, rollout=WORLD.rollout.model_copy(update={"outcome": outcome}))
    assert start.why_not(state, release(), WORLD.rollout.rollback_target) == why


def test_what_is_in_quarantine_does_not_begin() -> None:
    idle = replace(WORLD.state, rollout=WORLD.rollout.model_copy(update={"outcome": Outcome.IDLE}))
    bad = replace(idle, quarantine=quarantine.put(None, "tau", release(), "the-incident", START))
    assert (
        start.why_not(bad, release(), WORLD.rollout.rollback_target)
        == "v0.1.5 is in quarantine since incident the-incident"
    )
