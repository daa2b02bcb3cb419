"""The pure decision, and the size of what it leaves."""

from __future__ import annotations

import json
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Ratio
from benchmarks.timing import compare, timed
from benchmarks.world import PHASE, STATUS, TRAIN, World
from rollout.core.decide.advance import advance
from rollout.core.observation import Observation
from rollout.core.state import StateChange, TrainState
from rollout.core.state.changes import applied
from rollout.files.state_files import files_of

BATCH = 100


def advance_once() -> Ratio:
    """Compares `advance`, observation by observation, with parsing the status that each of them leaves."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder) / "world")
        state = world.state()
        assert state.status is not None
        assert state.status.phase == PHASE
        assert state.status.decision.reasons
        document = state.status.model_dump_json(by_alias=True)
        observations = [world.observe() for _ in range(BATCH)]
        return compare(partial(_advance, state, observations), partial(_parse, document), rounds=30)


def _advance(state: TrainState, observations: list[Observation]) -> float:
    assert state.status is not None
    facts = state.status.facts

    def fold() -> None:
        folded = state
        for observation in observations:
            step = advance(folded, observation, facts, observation.finished_at)
            assert step is not None
            folded = applied(folded, step.change, folded.head)

    return timed(fold) / BATCH


def _parse(document: str) -> float:
    return timed(lambda: [json.loads(document) for _ in range(BATCH)]) / BATCH


def status_size() -> Ratio:
    with TemporaryDirectory() as folder:
        states = islice(World(Path(folder) / "world").ahead(), 1000)
        sizes = [_size(state) for number, state in enumerate(states, start=1) if number in (10, 1000)]
        return Ratio(sizes[1] / sizes[0], f"{sizes[1]} bytes over {sizes[0]}")


def _size(state: TrainState) -> int:
    return len(files_of(TRAIN, StateChange(status=state.status))[STATUS] or b"")
