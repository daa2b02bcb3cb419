"""Runners that read a part of the surfaces each: what one does not bring stays as it was read last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from rollout.commands.verify import verify
from rollout.core.observation import HealthState, Observation
from rollout.core.state import Event, Result, Verdict
from rollout.errors import InputError
from tests.world import BROWSER, SURFACES, TAU, World

MAC, HOSTED = (BROWSER,), tuple(name for name in SURFACES if name != BROWSER)
FAILING = {"voice": {"health_state": HealthState.FAILING}}


@pytest.fixture
def world() -> World:
    """In a canary phase, where the browser is read on a runner of its own."""
    world = World()
    surfaces = world.state.contract.surfaces
    browser = surfaces[BROWSER].model_copy(update={"runner": "mac", "fresh": "pulse", "refresh": None})
    world.edit_contract(surfaces={**surfaces, BROWSER: browser})
    return world.play_to("canary-1")


def part(whole: Observation, surfaces: Sequence[str], *, seconds: int = 0) -> Observation:
    """What one runner read of it, begun so much later."""
    later = timedelta(seconds=seconds)
    return whole.model_copy(
        update={
            "samples": {name: whole.samples[name] for name in surfaces},
            "runner": "mac" if surfaces is MAC else "ubuntu-24.04",
            "round": f"{whole.round}-{'-'.join(surfaces)}",
            "started_at": whole.started_at + later,
            "finished_at": whole.finished_at + later,
        }
    )


def leaves(world: World) -> dict[tuple[str, str | None], Result]:
    return {(finding.gate, finding.surface): finding.result for finding in world.status.gates}


def unknown(world: World) -> dict[str, str]:
    """Surface -> why gates cannot tell."""
    found = [finding for finding in world.status.gates if finding.result is Result.UNKNOWN]
    return {finding.surface: finding.seen for finding in found if finding.surface}


@pytest.mark.parametrize("seconds", [0, 15])
@pytest.mark.parametrize("late_first", [False, True])
def test_parts_make_a_whole_in_any_order(world: World, seconds: int, late_first: bool) -> None:
    other = world.copy()
    for each in (world, other):
        each.clock.forward(minutes=10)
    other.reconcile(other.observe())
    whole = world.observe()
    parts = [part(whole, MAC), part(whole, HOSTED, seconds=seconds)]
    for one in reversed(parts) if late_first else parts:
        assert not world.reconcile(one).notes
    assert leaves(world) == leaves(other)
    assert world.status.soak == other.status.soak
    assert world.status.observation is not None
    assert set(world.status.observation.samples) == {*MAC, *HOSTED}
    for one in parts:
        assert "not newer than what was read of its surfaces" in world.reconcile(one).notes[0]
    assert not verify(world.store, TAU, None).findings


def test_a_runner_that_is_away_is_overdue_by_name_and_holds_up_no_trigger(world: World) -> None:
    world.tick()
    read = world.now - timedelta(seconds=20)
    for _ in range(3):
        world.clock.forward(minutes=10)
        world.reconcile(part(world.observe(), HOSTED))
    assert unknown(world) == {
        BROWSER: f"overdue: not read since {read:%Y-%m-%dT%H:%M:%SZ}, waits for runner mac"
    }
    assert world.verdict is Verdict.HOLD
    for _ in range(2):
        world.clock.forward(minutes=10)
        world.reconcile(part(world.observe(FAILING), HOSTED))
    assert world.rollout.outcome == "rolling_back"
    assert "rollback" in world.events()
    assert not verify(world.store, TAU, None).findings


def test_a_phase_waits_for_the_first_reading_of_each_runner(world: World) -> None:
    world.soak()
    world.merge()
    world.clock.forward(minutes=1)
    world.reconcile()
    world.clock.forward(minutes=5)
    world.reconcile(part(world.observe(), HOSTED))
    assert unknown(world) == {BROWSER: "not observed yet, waits for runner mac"}
    world.reconcile(part(world.observe(), MAC))
    assert unknown(world) == {}
    assert not verify(world.store, TAU, None).findings


def test_a_merged_step_that_waits_is_entered_once_every_runner_has_read(world: World) -> None:
    world.soak()
    world.clock.forward(minutes=40)
    world.merge()
    world.reconcile()
    assert world.status.merged_step is not None
    for surfaces in (HOSTED, MAC):
        assert world.status.phase == "canary-1"
        world.clock.forward(minutes=1)
        world.reconcile(part(world.observe(), surfaces))
    assert (world.status.phase, world.events()[-1]) == ("canary-2", Event.ENTER)
    assert not verify(world.store, TAU, None).findings


@pytest.mark.parametrize("is_late", [False, True])
def test_a_part_that_holds_the_harness_alone_makes_a_whole_in_any_order(
    world: World, *, is_late: bool
) -> None:
    """Where all surfaces are metrics, another job reads them than the one that runs the harness."""
    other = world.copy()
    for each in (world, other):
        each.clock.forward(minutes=10)
        each.run_harness()
    other.reconcile(other.observe())
    whole = world.observe()
    surfaces = part(whole, SURFACES, seconds=0 if is_late else 15).model_copy(update={"harness": None})
    harness = part(whole, (), seconds=15 if is_late else 0)
    for one in (surfaces, harness):
        assert not world.reconcile(one).notes
    assert leaves(world) == leaves(other)
    assert world.status.observation is not None
    assert world.status.observation.harness is not None
    assert world.status.observation.harness.started_at == (whole.harness and whole.harness.started_at)
    for one in (surfaces, harness):
        assert "not newer than what was read of its surfaces" in world.reconcile(one).notes[0]
    assert not verify(world.store, TAU, None).findings


def test_a_part_without_any_reading_enters_no_phase(world: World) -> None:
    """The harness has not run yet, and nothing else is read where it runs."""
    world.soak()
    world.merge()
    world.clock.forward(minutes=1)
    world.reconcile()
    world.clock.forward(minutes=5)
    commits = len(world.events())
    nothing = part(world.observe(), ()).model_copy(update={"harness": None})
    assert "without any reading" in world.reconcile(nothing).notes[0]
    assert (len(world.events()), world.status.entered_at) == (commits, None)


def test_one_instant_of_one_runner_with_two_contents_is_unknown(world: World) -> None:
    world.clock.forward(minutes=10)
    one, other = world.observe(), world.observe(FAILING)
    for each in (one, other):
        world.reconcile(part(each, HOSTED))
    samples = world.status.observation.samples if world.status.observation else {}
    assert (samples["voice"].unknown, samples["memory"].unknown) == (
        "contradictory: two observations of one instant differ",
        None,
    )
    assert not verify(world.store, TAU, None).findings


@pytest.mark.parametrize("what", ["health_state", "counters", "queue_depth"])
def test_a_reading_excuses_nothing_that_the_contract_has(world: World, what: str) -> None:
    world.clock.forward(minutes=10)
    whole = world.observe()
    silent = whole.samples["voice"].model_copy(update={"not_applicable": ("timeline", what)})
    read = whole.model_copy(update={"samples": {**whole.samples, "voice": silent}})
    with pytest.raises(InputError, match=f"{what} is not applicable to voice, where the contract has it"):
        world.reconcile(read)


def test_the_release_does_not_lack_itself(world: World) -> None:
    world.clock.forward(minutes=10)
    whole = world.observe()
    foreign = whole.samples["voice"].model_copy(update={"holds_release": False})
    read = whole.model_copy(update={"samples": {**whole.samples, "voice": foreign}})
    with pytest.raises(InputError, match="was read at the release's commit"):
        world.reconcile(read)


def test_no_reading_says_itself_that_it_is_an_earlier_one(world: World) -> None:
    world.clock.forward(minutes=10)
    whole = world.observe()
    old = {
        name: sample.model_copy(update={"observed_at": world.now}) for name, sample in whole.samples.items()
    }
    with pytest.raises(InputError, match="is of another observation"):
        world.reconcile(whole.model_copy(update={"samples": old}))
