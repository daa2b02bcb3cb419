from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rollout.core.consistency import contradictions
from rollout.core.state import Freeze, Outcome, Rollout, TrainState
from tests.core.world import START, World


def changed(state: TrainState, **parts: Mapping[str, Any]) -> TrainState:
    """The train with keys of some of its files replaced."""
    new = {name: getattr(state, name).model_copy(update=keys) for name, keys in parts.items()}
    return replace(state, **new)


def of_another_release(rollout: Rollout) -> Rollout:
    assert rollout.release is not None
    other = rollout.release.model_copy(update={"version": "v9.0.0"})
    return rollout.model_copy(update={"release": other})


STATE = World().state
ROLLED_BACK = World().reach("canary-1").dispatch().state
COMPLETE = changed(STATE, rollout={"outcome": "complete"})


@pytest.mark.parametrize("state", [STATE, ROLLED_BACK, replace(STATE, channel=None, signoff=None)])
def test_what_the_tool_leaves_is_consistent(state: TrainState) -> None:
    assert list(contradictions(state)) == []


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.ROLLED_BACK, Outcome.WITHDRAWN, Outcome.IDLE])
def test_what_has_ended_names_phases_of_its_time(outcome: Outcome) -> None:
    ended = STATE.rollout.model_copy(update={"phase": "gone", "outcome": outcome})
    assert list(contradictions(changed(replace(STATE, rollout=ended), status={"legal": ended}))) == []


def test_a_phase_that_does_not_exist_is_an_edit_to_be_undone() -> None:
    """Refused when it is read, it would keep freeze, rollback and triggers from acting."""
    assert list(contradictions(changed(STATE, rollout={"phase": "moon"}))) == []


def test_a_train_that_never_had_a_release_is_consistent() -> None:
    idle = changed(STATE, rollout={"release": None, "phase": None, "outcome": "idle"})
    assert list(contradictions(replace(idle, status=None))) == []


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (changed(STATE, channel={"train": "pi"}), ("channel.yaml", "train")),
        (changed(STATE, rollout={"release": None}), ("rollout.yaml", "release")),
        (changed(STATE, rollout={"phase": None}), ("rollout.yaml", "phase")),
        (replace(STATE, status=None), ("status.yaml", "")),
        (replace(ROLLED_BACK, status=None), ("status.yaml", "")),
        (replace(COMPLETE, status=None), ("status.yaml", "")),
        (changed(STATE, status={"release": "v9.0.0"}), ("status.yaml", "release")),
        (changed(STATE, status={"commit": "9" * 40}), ("status.yaml", "commit")),
        (
            changed(STATE, status={"legal": STATE.rollout.model_copy(update={"phase": "moon"})}),
            ("status.yaml", "legal.phase"),
        ),
        (
            changed(STATE, status={"legal": STATE.rollout.model_copy(update={"train": "pi"})}),
            ("status.yaml", "legal.train"),
        ),
        (
            changed(STATE, status={"legal": of_another_release(STATE.rollout)}),
            ("status.yaml", "legal.release"),
        ),
        (
            changed(STATE, rollout={"frozen": Freeze(reason="why", at=START, incident="gone")}),
            ("incidents/gone.yaml", ""),
        ),
        (
            changed(ROLLED_BACK, incident={"train": "pi"}),
            (f"incidents/{ROLLED_BACK.incident and ROLLED_BACK.incident.id}.yaml", "train"),
        ),
        (
            changed(ROLLED_BACK, incident={"id": "another"}),
            (f"incidents/{ROLLED_BACK.incident and ROLLED_BACK.incident.id}.yaml", "id"),
        ),
    ],
)
def test_an_edit_that_no_run_makes_is_named(state: TrainState, found: tuple[str, str]) -> None:
    ((file, field, said),) = contradictions(state)
    assert ((file, field), bool(said)) == (found, True)
