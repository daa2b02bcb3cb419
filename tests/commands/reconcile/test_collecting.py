"""Which readings are asked for, and when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from rollout.commands.plan import Runner
from rollout.commands.reconcile.collecting import DueReading, ask, due_readings
from rollout.core.decorations import Decorations
from rollout.core.state import Event
from rollout.core.workflow_pin import COLLECT_WORKFLOW, METRICS_WORKFLOW
from rollout.errors import OutsideError
from rollout.ports import ArtifactNames, CollectingRun, Stage
from tests.world import BROWSER, SURFACES, World

USUAL = "ubuntu-24.04"
RUNNERS = {
    "mac": Runner("mac", ("self-hosted", "mac"), ("browser",), performs=False),
    USUAL: Runner(USUAL, USUAL, ("voice",), performs=True),
    "metrics": Runner(USUAL, USUAL, ("checkout",), performs=False, measures=True),
}
RUNS_ON = {"mac": '["self-hosted", "mac"]', USUAL: ""}
NOW = datetime.fromisoformat("2026-11-23T10:00:00+00:00")


@dataclass
class FakeCollecting:
    """Runs that a test tells of, and what was asked for."""

    listed: dict[str, list[CollectingRun]] = field(default_factory=dict)
    is_away: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Workflow and label."""
    home: str = "acme/tau"
    branch: str = "main"

    def runs(self, workflow: str) -> list[CollectingRun]:
        if self.is_away:
            raise OutsideError("listing failed")
        return self.listed.get(workflow, [])

    def run(self, number: str) -> CollectingRun | None:
        raise NotImplementedError

    def kept(self, number: str) -> ArtifactNames:
        raise NotImplementedError

    def ask(self, workflow: str, label: str, runs_on: str) -> None:
        assert runs_on == RUNS_ON[label]
        self.asked.append((workflow, label))


@pytest.fixture
def world() -> World:
    """Just started; the browser is read on a runner of its own."""
    world = World()
    surfaces = world.state.contract.surfaces
    browser = surfaces[BROWSER].model_copy(update={"runner": "mac"})
    world.edit_contract(surfaces={**surfaces, BROWSER: browser})
    world.start()
    world.clock.forward(minutes=1)
    return world


def due(world: World, brought: Collection[Event] | None = None) -> list[str]:
    return sorted(each.runner.label for each in due_readings(world.state, USUAL, world.now, brought=brought))


def test_an_idle_train_wants_nothing() -> None:
    assert due(World()) == []


def test_each_runner_is_wanted_until_it_has_read(world: World) -> None:
    world.reconcile()
    assert due(world) == ["mac", USUAL]
    world.do_what_is_asked_for()
    world.run_harness()
    whole = world.observe()
    hosted = {name: whole.samples[name] for name in SURFACES if name != BROWSER}
    world.reconcile(whole.model_copy(update={"samples": hosted, "runner": USUAL}))
    assert due(world) == ["mac"]
    world.clock.forward(minutes=5)
    assert due(world) == ["mac", USUAL], "the interval is nearly over"


def test_a_longer_interval_saves_readings(world: World) -> None:
    sampling = world.state.contract.sampling.model_copy(update={"interval": 3600, "max_age": 7200})
    world.edit_contract(sampling=sampling)
    world.reconcile()
    world.do_what_is_asked_for()
    world.run_harness()
    world.tick()
    for minutes in (10, 20, 15):
        assert due(world) == []
        world.clock.forward(minutes=minutes)
    world.clock.forward(minutes=10)
    assert due(world) == ["mac", USUAL]


def test_a_merge_asks_at_once(world: World) -> None:
    world.run_harness()
    world.soak()
    world.do_what_is_asked_for()
    assert due(world) == []
    world.merge()
    world.clock.forward(minutes=1)
    report = world.reconcile()
    assert due(world) == ["mac", USUAL]
    events = {taken.step.event for taken in report.steps}
    assert due(world, events) == ["mac", USUAL], "also where a reading has let the phase be entered"
    world.clock.forward(minutes=1)
    assert due(world, set()) == [], "nothing of it is new any more"


def test_what_fails_again_waits_for_the_schedule(world: World) -> None:
    world.reconcile()
    assert due(world, set()) == []
    world.clock.forward(minutes=1)
    world.reconcile(world.perform(ok=False))
    world.tick()
    assert world.status.requests[0].attempt == 2
    assert (due(world, {Event.OBSERVE}), due(world)) == ([], [USUAL])


def test_a_rollbacks_work_is_asked_for_at_once(world: World) -> None:
    world.run_harness()
    world.play_on("canary-1")
    world.tick({"voice": {"fields": {"failure_streak": 3}}})
    assert world.rollout.outcome == "rolling_back"
    pending = [request.work for request in world.status.requests if request.result is None]
    assert pending
    assert due(world, {Event.ROLLBACK}) == [USUAL]


@pytest.mark.parametrize(
    ("stage", "minutes", "changed", "is_asked"),
    [
        (Stage.QUEUED, -60, -60, False),
        (Stage.RUNNING, 1, 1, False),
        (Stage.RUNNING, -1, -1, True),
        (Stage.ENDED, 1, 4, False),
        (Stage.ENDED, -1, 4, True),
        (Stage.ENDED, 1, 0, True),
    ],
)
def test_a_run_that_will_bring_it_is_waited_for(
    stage: Stage, minutes: int, changed: int, is_asked: bool
) -> None:
    """Asked for so many minutes after the reading became due, five minutes ago."""
    since = NOW - timedelta(minutes=5)
    asked_at, changed_at = since + timedelta(minutes=minutes), since + timedelta(minutes=changed)
    run = CollectingRun("mac", asked_at, stage, changed_at, "", "", "", "")
    collecting = FakeCollecting({COLLECT_WORKFLOW: [run]})
    due = [DueReading(RUNNERS[label], since) for label in ("mac", USUAL)]
    asked = ask(collecting, Decorations(), due, NOW)
    assert [runner.label for runner in asked] == [*(["mac"] if is_asked else []), USUAL]
    assert collecting.asked == [(COLLECT_WORKFLOW, runner.label) for runner in asked]


def test_without_a_list_of_runs_everything_is_asked_for() -> None:
    collecting, decorations = FakeCollecting(is_away=True), Decorations()
    assert ask(collecting, decorations, [DueReading(RUNNERS["mac"], NOW)], NOW) == (RUNNERS["mac"],)
    assert decorations.told() == ["listing failed"]
    assert ask(collecting, Decorations(), [], NOW) == ()


@pytest.mark.parametrize("queued", [COLLECT_WORKFLOW, METRICS_WORKFLOW])
def test_a_run_brings_what_its_own_workflow_reads(queued: str) -> None:
    """Product and metrics are read on one label, by two jobs; one of them waits for a runner."""
    run = CollectingRun(USUAL, NOW, Stage.QUEUED, NOW, "", "", "", "")
    collecting = FakeCollecting({queued: [run]})
    due = [DueReading(RUNNERS[name], NOW) for name in (USUAL, "metrics")]
    (runner,) = ask(collecting, Decorations(), due, NOW)
    assert collecting.asked == [(runner.workflow, USUAL)]
    assert runner.workflow != queued
