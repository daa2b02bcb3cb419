"""What a release is made of, where a rollback of it goes, and what is refused: tables/starts.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollout.commands.start import StartOptions, start
from rollout.core.contract import RollbackTargetGate
from rollout.core.files import CHANNEL, QUARANTINE
from rollout.core.state import (
    Channel,
    CompletedRelease,
    Quarantine,
    QuarantinedRelease,
    Release,
    TrainState,
)
from rollout.errors import InputError, RefusedError
from rollout.files.yaml_text import load_yaml
from rollout.rendering.ranges import why_alone
from tests.world import TAU, World

_FILE = Path(__file__).parent / "tables" / "starts.yaml"
CASES: list[dict[str, Any]] = load_yaml(_FILE.read_bytes(), file=_FILE.name)  # type: ignore[assignment]


def sha(letter: str) -> str:
    return letter * 40


def world_of(case: dict[str, Any]) -> World:
    world = World()
    if case.get("gate") == "no":
        phases = tuple(
            phase.model_copy(
                update={"gates": tuple(g for g in phase.gates if not isinstance(g, RollbackTargetGate))}
            )
            for phase in world.state.contract.phases
        )
        world.edit_contract(phases=phases)
    history = world.history
    history.line = [sha(each) for each in "abcde"]
    history.of_state = {sha(each) for each in case.get("state", ())}
    history.beside = {sha(each): sha(at) for each, at in case.get("beside", {}).items()}
    history.tags = {version: sha(each) for version, each in case.get("tags", {}).items()}
    completed = _completed(world, case["completed"]) if "completed" in case else ()
    current = case.get("current", completed[0].release.version if completed else None)
    bad = [
        QuarantinedRelease(commit="9" * 40, version=version, incident="bad", at=world.now)
        for version in case.get("quarantined", ())
    ]
    world.store.edit(
        TAU,
        {
            CHANNEL: Channel(train=TAU, current_version=current, completed=completed),
            QUARANTINE: Quarantine(train=TAU, releases=tuple(bad)),
        },
        at=world.now,
    )
    return world


def _completed(world: World, text: str) -> tuple[CompletedRelease, ...]:
    version, commit = text.split(" at ")
    release = Release(version=version, commit=sha(commit), started_at=world.now)
    return (CompletedRelease(release=release, phase="general-availability", canary_percent=100),)


def begin(world: World, case: dict[str, Any]) -> tuple[TrainState, str]:
    typed = case["start"]
    options = StartOptions(
        **{**typed, **{name: sha(typed[name]) for name in ("commit", "base") if name in typed}}
    )
    released = (*case.get("released", ()), *case.get("tags", ()))
    started = start(world.store, world.history, world.clock, TAU, options, known=lambda _: released)
    return started.state, started.cut.since


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_start(case: dict[str, Any]) -> None:
    world = world_of(case)
    refused, wrong = case.get("refused"), case.get("wrong")
    if refused or wrong:
        with pytest.raises(RefusedError if refused else InputError) as told:
            begin(world, case)
        assert str(refused or wrong) in told.value.message
        assert told.value.hint
        assert world.writes.done == []
        return
    state, since = begin(world, case)
    assert state.status is not None
    assert state.rollout.release is not None
    found, target = state.status.release_range, state.rollout.rollback_target
    assert found is not None
    if "range" in case:
        assert [each.commit[0] for each in found.commits] == case["range"]
        assert state.rollout.release.commit[0] == case["start"].get("commit", case["range"][0])
    if "since" in case:
        assert since == case["since"]
    if "back" in case:
        assert (target.version if target else "nothing") == case["back"]
    assert case.get("alone", "") in why_alone(state, since)
    assert bool(why_alone(state, since)) == (state.rollout.release.base is None)
