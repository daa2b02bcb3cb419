"""Evidence that somebody hands in: put in order, and refused when it cannot be of this rollout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from itertools import groupby
from typing import NamedTuple

from rollout.core.channel.requests import without_answers
from rollout.core.contract import Contract
from rollout.core.decide.readings import head_of
from rollout.core.decide.succession import why_ignored
from rollout.core.observation import (
    EARLIEST,
    Evidence,
    Observation,
    Results,
    WorkResult,
    is_ahead,
    is_too_early,
    merge_round,
    of_one_instant,
    with_possible_times,
)
from rollout.core.state import UNDER_WAY, TrainState
from rollout.core.surfaces.known import never_reported
from rollout.core.surfaces.payload import CYCLE_FIELDS
from rollout.core.values import format_duration, format_instant
from rollout.core.workflow_pin import COLLECT_WORKFLOW, METRICS_WORKFLOW
from rollout.errors import InputError

_HINT_COLLECT = "collect again: rollout collect -o FILE"
_HINT_CLOCK = "set the clock of the machine that wrote it{}, and run that again"
_HINT_WRITTEN = "hand over what collect or perform wrote, unchanged"
_HINT_ROUND = "hand over only what this run's jobs collected, with --round RUN-ATTEMPT"
_HINT_READER = "nothing that this run handed over is taken; find in its log what wrote that sample"


def check_run(evidence: Sequence[Evidence], run: str) -> None:
    """Raises InputError for an observation that another run of the workflow made.

    Results need no such check: they answer a request that names its attempt.
    """
    for item in evidence:
        if isinstance(item, Observation) and item.round.partition("-")[0] != run:
            raise InputError(f"{_name(item)} is of round {item.round}, not of run {run}", hint=_HINT_ROUND)


class Intake(NamedTuple):
    """Evidence as it was handed in, put in order."""

    believed: list[Evidence]
    of_rollout: list[Evidence]
    """The same without what is the channel's, which waits for no rollout."""
    refused: list[InputError]
    """Why evidence was left out that cannot be believed."""


def take_in(evidence: Sequence[Evidence], state: TrainState, now: datetime, *, workflow: str = "") -> Intake:
    """Returns what of the evidence can be believed, in the order in which it is folded.

    `workflow`: the file of the one whose run handed it over; empty for a person.
    Raises InputError where none can, for a torn round, for evidence that is not of this rollout, and for a
    surface that this workflow does not read.
    """
    found, refused = _sorted_out(evidence, now)
    if refused and not found:
        raise refused[0]
    believed = _in_order(found)
    of_rollout = [left for left in map(without_answers, believed) if left is not None]
    for item in of_rollout:
        check_evidence(item, state, now)
        if workflow and isinstance(item, Observation):
            _check_reader(item, state.contract, workflow)
    return Intake(believed, of_rollout, refused)


def _sorted_out(evidence: Sequence[Evidence], now: datetime) -> tuple[list[Evidence], list[InputError]]:
    """Returns what can be believed, and why each other piece is left out.

    A machine whose clock is ahead must not hide what the others show: a trigger may fire on it.
    """
    believed: list[Evidence] = []
    refused: list[InputError] = []
    for item in evidence:
        try:
            believed.append(checked(item, now))
        except InputError as error:
            refused.append(error)
    return believed, refused


def _in_order(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Returns results first, then the observations, oldest first: one a round, and one an instant.

    Raises InputError for a torn round, and for results that contradict each other.
    """
    rounds: dict[str, list[Observation]] = {}
    results: list[Results] = []
    for item in evidence:
        if isinstance(item, Observation):
            rounds.setdefault(item.round, []).append(item)
        else:
            results.append(item)
    _check_together(results)
    try:
        merged = [merge_round(_by_instant(parts)) for parts in rounds.values()]
    except ValueError as error:
        raise InputError(str(error), hint="give the files of one collection only") from error
    results.sort(key=lambda result: result.finished_at)
    merged.sort(key=lambda one: (one.started_at, _subject(one), one.round))
    instants = groupby(merged, lambda one: (one.started_at, _subject(one)))
    return [*results, *(reduce(of_one_instant, alike) for _, alike in instants)]


def _by_instant(parts: Sequence[Observation]) -> list[Observation]:
    """Returns the parts of a round; those of one instant that read the same surface as one, and each part
    once.
    """
    found: list[Observation] = []
    for part in parts:
        if part in found:
            continue
        same = next((one for one in found if _is_read_again(one, part)), None)
        found = [one for one in found if one is not same]
        found.append(of_one_instant(same, part) if same is not None else part)
    return found


def _is_read_again(one: Observation, other: Observation) -> bool:
    is_same = (one.started_at, _subject(one)) == (other.started_at, _subject(other))
    return is_same and not one.samples.keys().isdisjoint(other.samples)


def _subject(observation: Observation) -> tuple[str, ...]:
    """Returns what it is evidence for."""
    return (
        observation.train,
        observation.release,
        observation.commit,
        observation.phase,
        observation.contract_digest,
    )


# --- what no honest run writes ----------------------------------------------------------------------------


def checked(item: Evidence, now: datetime) -> Evidence:
    """Returns the evidence as it is believed: what states an impossible time is unknown.

    Raises InputError as `check_itself`.
    """
    check_itself(item, now)
    return with_possible_times(item) if isinstance(item, Observation) else item


def check_itself(item: Evidence, now: datetime) -> None:
    """Raises InputError for evidence that contradicts itself, lies in the future, or is of an unset clock."""
    if isinstance(item, Observation):
        times = _problem_of_times(item.started_at, item.finished_at, now)
        others = _read_outside(item) or _below_zero(item) or _contradicts_its_checkout(item)
    else:
        times, others = next(filter(None, _times_of(item, now)), ""), _answered_twice(item)
    if times:
        raise InputError(f"{_name(item)} {times}", hint=_HINT_CLOCK.format(_machine(item)))
    if others:
        raise InputError(f"{_name(item)} {others}", hint=_HINT_WRITTEN)


def _answered_twice(results: Results) -> str:
    counts = Counter(result.request for result in results.results)
    twice = (f"answers {request} {count} times" for request, count in counts.items() if count > 1)
    return next(twice, "")


def _times_of(results: Results, now: datetime) -> Iterator[str]:
    yield _impossible(results.finished_at, now)
    for result in results.results:
        found = _problem_of_times(result.started_at, result.finished_at, now)
        if not found and is_ahead(result.finished_at, results.finished_at):
            found = f"ended at {format_instant(result.finished_at)}, after its results were written"
        captured = (_impossible(one.at, now) for one in result.captured)
        found = found or next(filter(None, captured), "")
        yield f"cannot be believed: {result.request} {found}" if found else ""


def _problem_of_times(started_at: datetime, finished_at: datetime, now: datetime) -> str:
    if finished_at < started_at:
        return f"ended at {format_instant(finished_at)}, before it began at {format_instant(started_at)}"
    return _too_early(started_at) or _ahead(finished_at, now)


def _read_outside(observation: Observation) -> str:
    """Returns what is wrong with a sample that was not read while the observation was made."""
    for surface, sample in observation.samples.items():
        if sample.observed_at is not None:
            return f"says {surface} is of another observation"
        read_at = sample.read_at
        if read_at is None:
            continue
        says = f"says {surface} was read at {format_instant(read_at)}"
        if is_ahead(read_at, observation.finished_at):
            return f"{says}, after it ended at {format_instant(observation.finished_at)}"
        if is_ahead(observation.started_at, read_at):
            return f"{says}, before it began at {format_instant(observation.started_at)}"
    return ""


def _below_zero(observation: Observation) -> str:
    """Returns which count is below zero; `collect` writes no such sample."""
    for surface, sample in observation.samples.items():
        for field in CYCLE_FIELDS:
            measured = sample.measurements.get(field)
            if sample.fields.get(field, 0) < 0 or (measured is not None and (measured.value or 0) < 0):
                return f"says {field} of {surface} is below zero"
    return ""


def _contradicts_its_checkout(observation: Observation) -> str:
    """Returns what is wrong with a sample from the release's own commit that lacks the release."""
    for surface, sample in observation.samples.items():
        if sample.holds_release is False and head_of(sample, observation) == observation.commit:
            return f"says {surface} was read at the release's commit, and that this lacks the release"
    return ""


def _impossible(moment: datetime, now: datetime) -> str:
    return _too_early(moment) or _ahead(moment, now)


def _too_early(moment: datetime) -> str:
    return f"names {format_instant(moment)}, a time before {EARLIEST.year}" if is_too_early(moment) else ""


def _ahead(moment: datetime, now: datetime) -> str:
    if not is_ahead(moment, now):
        return ""
    return f"is {format_duration((moment - now).total_seconds())} in the future"


def _check_together(evidence: Sequence[Results]) -> None:
    """Accepts two files with the same answer; raises InputError where the answers differ."""
    known: dict[str, WorkResult] = {}
    for results in evidence:
        for result in results.results:
            if known.setdefault(result.request, result) != result:
                what = f"two results for {result.request}, which differ"
                raise InputError(what, hint="give the one of the run that did the work")


def _machine(item: Evidence) -> str:
    """Returns what identifies a machine: what it reads and runs."""
    surfaces = sorted(item.samples)[:3] if isinstance(item, Observation) else []
    return f" (it reads {', '.join(surfaces)})" if surfaces else ""


def _name(item: Evidence) -> str:
    return f"{item.kind} of {format_instant(item.finished_at)}"


def check_evidence(item: Evidence, state: TrainState, now: datetime) -> None:
    """Raises InputError for evidence of another train, release or contract.

    Whether it can be believed by itself is for `check_itself`.
    """
    what = _name(item)
    if item.train != state.train:
        raise InputError(f"{what} is of train {item.train}, not {state.train}", hint=_HINT_COLLECT)
    status = state.status
    if status is None or state.rollout.outcome not in UNDER_WAY:
        return
    if (item.release, item.commit) != (status.release, status.commit):
        of = f"{item.release} at {item.commit[:12]}" if item.commit else "no release"
        raise InputError(
            f"{what} is of {of}, the rollout is of {status.release} at {status.commit[:12]}",
            hint=_HINT_COLLECT,
        )
    if isinstance(item, Results):
        return
    if item.contract_digest == state.contract_digest:
        strange = [surface for surface in item.samples if surface not in state.contract.surfaces]
        if strange:
            problem = f"holds a sample of {strange[0]}, which the contract of {state.train} does not have"
            raise InputError(f"{what} {problem}", hint=_HINT_COLLECT)
        if excused := next(_excused(item, state.contract), ""):
            raise InputError(f"{what} {excused}", hint=_HINT_WRITTEN)
        return
    if not why_ignored(status, state.contract, item, now):
        raise InputError(f"{what} was made under another contract", hint=_HINT_COLLECT)


def _check_reader(observation: Observation, contract: Contract, workflow: str) -> None:
    """Raises InputError for a surface that another workflow reads: product code states no metrics."""
    for name in observation.samples:
        surface = contract.surfaces.get(name)
        reader = METRICS_WORKFLOW if surface is not None and surface.metrics is not None else COLLECT_WORKFLOW
        if surface is not None and workflow != reader:
            raise InputError(
                f"{_name(observation)}, of a run of {workflow}, holds a sample of {name},"
                f" which {reader} reads",
                hint=_HINT_READER,
            )


def _excused(observation: Observation, contract: Contract) -> Iterator[str]:
    """Yields fields that the contract maps and the sample calls not applicable: no gate would see them."""
    for name, sample in observation.samples.items():
        for what in sample.not_applicable:
            if what not in never_reported(contract.surfaces[name]):
                yield f"says {what} is not applicable to {name}, where the contract has it"
