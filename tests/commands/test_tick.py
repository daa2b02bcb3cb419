"""`tick`: in which order things are done, and how it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from rollout.commands.reconcile.report import Report
from rollout.commands.tick import MOST_ROUNDS, tick, watch
from rollout.core.contract import Apply, FlagFile, RollbackStep
from rollout.core.observation import Evidence, Observation, Results, WorkResult
from rollout.core.state import Outcome, TrainState, Work
from rollout.errors import InputError, OutsideError, RolloutError
from tests import builders as build


def results(*, ok: bool = True) -> Results:
    done = WorkResult(request="r-1", ok=ok, detail="", started_at=build.NOW, finished_at=build.NOW)
    return Results(train="tau", release=None, commit=None, finished_at=build.NOW, results=(done,))


@dataclass
class Machine:
    """Performs what is given, one answer a call, and writes down what was called."""

    answers: list[Results | None]
    told: list[str] = field(default_factory=list)
    apply: Apply | None = None
    phase: str = "canary-2"
    """Which rollout.yaml names; status.yaml is of canary-2."""

    def tick(self, outcome: Outcome = Outcome.IN_PROGRESS) -> int:
        """How many times it reconciled."""
        state = build.train(build.rollout(self.phase, outcome=outcome), build.status())
        state = replace(state, contract=state.contract.model_copy(update={"apply": self.apply}))
        observation = build.observe()

        def perform(_: TrainState) -> Results | None:
            self.told.append("perform")
            return self.answers.pop(0) if self.answers else None

        def collect(_: TrainState) -> Observation:
            self.told.append("collect")
            return observation

        def reconcile(evidence: Sequence[Evidence]) -> Report:
            self.told.append(f"reconcile {' '.join(each.kind for each in evidence)}".strip())
            return Report(state)

        return len(tick(state, perform, collect, reconcile))


def test_work_is_done_before_the_reading_and_what_is_asked_for_then_too() -> None:
    machine = Machine([results(), results()])
    assert machine.tick() == 2
    assert machine.told == [
        "perform",
        "collect",
        "reconcile results observation",
        "perform",
        "reconcile results",
        "perform",
    ]


@pytest.mark.parametrize("outcome", [Outcome.IDLE, Outcome.COMPLETE, Outcome.ROLLED_BACK])
def test_nothing_is_read_where_no_release_is_under_way(outcome: Outcome) -> None:
    machine = Machine([])
    assert machine.tick(outcome) == 1
    assert machine.told == ["perform", "reconcile", "perform"]


def test_work_that_failed_waits_for_the_next_tick() -> None:
    assert Machine([results(ok=False), results()]).tick() == 1
    assert Machine([None, results(ok=False), results()]).tick() == 2


def test_one_tick_ends_though_there_is_always_more_to_do() -> None:
    assert Machine([results()] * 100).tick() == MOST_ROUNDS


FLAG = Apply(flag_file=FlagFile(path="flags.json", format="json_pointer", pointer="/percent"))


@pytest.mark.parametrize(
    ("apply", "phase", "first"),
    [
        (FLAG, "canary-3", "reconcile"),
        (FLAG, "canary-2", "perform"),
        (None, "canary-3", "perform"),
    ],
)
def test_a_number_is_written_before_the_reading_that_counts_from_then_on(
    apply: Apply | None, phase: str, first: str
) -> None:
    machine = Machine([], apply=apply, phase=phase)
    machine.tick()
    assert machine.told[0] == first
    assert machine.told[-3:] == ["collect", "reconcile observation", "perform"]


def test_no_number_is_written_where_no_release_is_under_way() -> None:
    machine = Machine([], apply=FLAG, phase="canary-3")
    assert machine.tick(Outcome.COMPLETE) == 1


@dataclass
class Watched:
    """A clock that only waits move; the wait with that number is interrupted."""

    interrupted: int
    moment: datetime = build.NOW
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) == self.interrupted:
            raise KeyboardInterrupt
        self.moment += timedelta(seconds=seconds)


def run(clock: Watched, ends: list[RolloutError | float]) -> tuple[list[RolloutError], list[datetime]]:
    """Each tick takes a minute; the errors and times that were told."""
    errors: list[RolloutError] = []
    until: list[datetime] = []

    def once() -> float:
        clock.moment += timedelta(minutes=1)
        end = ends.pop(0)
        if isinstance(end, RolloutError):
            raise end
        return end

    watch(clock, once, failed=errors.append, waits=until.append)
    return errors, until


def test_watching_goes_on_at_the_interval_and_ends_when_it_is_interrupted() -> None:
    clock = Watched(interrupted=3)
    errors, until = run(clock, [600, 600, 300])
    assert (errors, clock.waits) == ([], [540, 540, 240])
    assert until[0] == build.NOW + timedelta(minutes=10)


def test_watching_outlives_a_failure_but_not_of_the_first_tick() -> None:
    clock, lost = Watched(interrupted=3), OutsideError("no network")
    assert run(clock, [600, lost, 600])[0] == [lost]
    assert clock.waits == [540, 540, 540]
    with pytest.raises(InputError):
        run(Watched(interrupted=9), [InputError("no train")])


def test_a_tick_that_took_longer_than_the_interval_is_followed_at_once() -> None:
    clock = Watched(interrupted=2)
    run(clock, [30, 30])
    assert clock.waits == [0, 0]


def test_work_of_a_rollback_is_called_as_its_step() -> None:
    steps = {step.label for step in RollbackStep}
    assert {Work.CAPTURE_EVIDENCE.label, Work.APPLY_TARGET.label} <= steps
