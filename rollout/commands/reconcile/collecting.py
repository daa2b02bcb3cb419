"""Readings by workflow: asking for those that are due, and judging the run that hands one over.

docs/design/collecting.md says why each runner has runs of its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from rollout.commands.plan import Runner, plan
from rollout.core.contract import Contract
from rollout.core.decorations import Decorations
from rollout.core.observation import began_at
from rollout.core.state import Event, Status, TrainState
from rollout.core.workflow_pin import READING_WORKFLOWS, WORKFLOWS
from rollout.errors import InputError
from rollout.ports import ArtifactNames, CollectingRun, Collector, Stage

_ON_ITS_WAY = timedelta(minutes=5)
"""After it has ended, what a run brings is under way for so long."""
_READERS = " or ".join(READING_WORKFLOWS)
_NEW_PHASE = frozenset({Event.ENTER, Event.WAIT})


# --- asking ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DueReading:
    """A reading, or work, that is wanted on a runner."""

    runner: Runner
    since: datetime


def due_readings(
    state: TrainState, usual: str, now: datetime, *, brought: Collection[Event] | None = None
) -> tuple[DueReading, ...]:
    """Returns the readings that are wanted, at most one of each job.

    `usual` is the label for what names none. `brought`: the events that a reading has brought about, which
    was folded in. Only what is new because of them is asked for at once, and the rest by the schedule, so
    that readings and answers never follow each other without a pause.
    """
    moments = (
        (runner, [*_work(state, runner, now, brought), *_readings(state, runner, now, brought)])
        for runner in plan(state, "", usual).runners
    )
    return tuple(DueReading(runner, max(since)) for runner, since in moments if since)


def _work(
    state: TrainState, runner: Runner, now: datetime, brought: Collection[Event] | None
) -> Iterator[datetime]:
    if not runner.performs:
        return
    channel = state.channel.request if state.channel else None
    asked = [request for request in (state.status.requests if state.status else ()) if not request.flag_file]
    for request in (*asked, *([channel] if channel else ())):
        is_new = request.attempt == 1 and request.requested_at >= now
        if request.result is None and (brought is None or is_new):
            yield request.requested_at


def _readings(
    state: TrainState, runner: Runner, now: datetime, brought: Collection[Event] | None
) -> Iterator[datetime]:
    status = state.status
    if status is None or not runner.surfaces:
        return
    if status.merged_step is not None and (brought is None or not _NEW_PHASE.isdisjoint(brought)):
        yield status.merged_step.merged_at
    for surface in runner.surfaces:
        read_at = _read_at(status, surface)
        if read_at is None:
            if brought is None or not _NEW_PHASE.isdisjoint(brought):
                yield status.entry or now
        elif brought is None and now - read_at >= _pause(state.contract, surface):
            yield read_at + timedelta(seconds=1)


def _read_at(status: Status, surface: str) -> datetime | None:
    """Returns when it was read last in the phase; None when it was not."""
    last = status.observation
    if last is None or last.phase != status.phase or status.entered_at is None:
        return None
    return began_at(last, surface)


def _pause(contract: Contract, surface: str) -> timedelta:
    """Returns the time between two readings: a little less than the interval, since schedules are late."""
    sampling = contract.sampling
    interval = contract.surfaces[surface].interval or sampling.interval
    return timedelta(seconds=max(0, interval - sampling.min_interval))


def ask(
    collecting: Collector, decorations: Decorations, due: Sequence[DueReading], now: datetime
) -> tuple[Runner, ...]:
    """Starts a run for each reading that no run under way brings; returns where it did."""
    runs: dict[str, Sequence[CollectingRun]] = {}
    for workflow in dict.fromkeys(each.runner.workflow for each in due):
        decorations.attempt(partial(_list_runs, collecting, workflow, runs))
    asked = []
    for each in due:
        runner = each.runner
        same = (run for run in runs.get(runner.workflow, ()) if run.label == runner.label)
        if any(_will_bring(run, each.since, now) for run in same):
            continue
        if decorations.attempt(partial(collecting.ask, runner.workflow, runner.label, _runs_on(runner))):
            asked.append(runner)
    return tuple(asked)


def _list_runs(collecting: Collector, workflow: str, into: dict[str, Sequence[CollectingRun]]) -> None:
    into[workflow] = collecting.runs(workflow)


def _runs_on(runner: Runner) -> str:
    """Returns what a job there says, as JSON; empty where the label says it."""
    return "" if runner.runs_on == runner.label else json.dumps(runner.runs_on)


def _will_bring(run: CollectingRun, since: datetime, now: datetime) -> bool:
    """Returns whether what is wanted since then comes of that run: one that waits reads state when it
    begins.
    """
    match run.stage:
        case Stage.QUEUED:
            return True
        case Stage.RUNNING:
            return run.asked_at >= since
        case Stage.ENDED:
            return run.asked_at >= since and now - run.changed_at < _ON_ITS_WAY


# --- judging ---------------------------------------------------------------------------------------------


def check_handed_over(run: CollectingRun | None, number: str, collecting: Collector) -> str:
    """Returns the file name of the workflow that the run is of.

    Raises InputError for a run whose artifacts are no evidence.

    Anybody who can start a workflow somewhere could name one of those; only what the default branch's
    workflows read in this repository counts.
    """
    if run is None:
        raise _no_evidence(f"there is no run {number}")
    if run.workflow not in (f"{WORKFLOWS}/{reads}" for reads in READING_WORKFLOWS):
        raise _no_evidence(f"run {number} is of {run.workflow or 'no workflow'}, not of {_READERS}")
    if run.repository.lower() != collecting.home.lower():
        raise _no_evidence(f"run {number} is of {run.repository or 'a fork'}, not of {collecting.home}")
    if run.branch != collecting.branch:
        raise _no_evidence(f"run {number} is of branch {run.branch}, not of {collecting.branch}")
    if run.event != "workflow_dispatch":
        raise _no_evidence(f"run {number} was started by {run.event}, not by a dispatch")
    return run.workflow.removeprefix(f"{WORKFLOWS}/")


def why_empty(run: CollectingRun, number: str, kept: ArtifactNames) -> str:
    """Returns why a run that reads brings no evidence."""
    if kept.names:
        return f"the artifacts of run {number} could not be fetched"
    if kept.expired:
        return f"the evidence of run {number} has expired"
    if run.stage is not Stage.ENDED:
        return f"run {number} is still running, and has handed over nothing yet"
    return f"run {number} ended without evidence: its page says why"


def _no_evidence(why: str) -> InputError:
    return InputError(
        f"{why}: its evidence is not taken",
        hint=f"name a run of {_READERS}, or none to decide by facts",
    )
