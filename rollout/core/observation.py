"""What was seen: samples, observations, harness reports, and the results of requested work.

These cross from the side that runs product code to the side that may write, so every field is bounded.
"""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from rollout.core.evidence_index import MAX_CAPTURED, EvidenceEntry
from rollout.core.values import Identifier, Instant, Line, Model, Name, Sha, Version, format_instant

COUNTERS = "counters"
TIMELINE = "timeline"
HEALTH_STATE = "health_state"
"""Names that `not_applicable` may hold beside numeric fields."""

MAX_FUTURE = timedelta(minutes=2)
"""How far ahead of ours a source's clock may be before its word is unknown."""


def is_ahead(moment: datetime | None, now: datetime) -> bool:
    """Returns whether only a clock that ran ahead of `now` can have named that moment."""
    return moment is not None and moment - now > MAX_FUTURE


EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""The first time that evidence may state: an earlier one is in other units, or its clock was never set."""


def is_too_early(moment: datetime | None) -> bool:
    """Returns whether no clock that was ever set can have named that moment."""
    return moment is not None and moment < EARLIEST


MAX_SURFACES = 200
MAX_FIELDS = 200
MAX_COUNTERS = 500
"""The most that one observation and one sample hold."""

MAX_TOTAL = 2**63 - 1
Total = Annotated[int, Field(ge=0, le=MAX_TOTAL)]


class HealthState(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"


class LogCursor(Model):
    """How far an append-only log has been counted, so that the next reading goes on from there."""

    offset: int = Field(ge=0)
    """Bytes of whole lines that are counted."""
    head_bytes: int = Field(ge=0, le=4096)
    head_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Digest of the file's first `head_bytes`: another one means the log was rotated."""
    totals: dict[Identifier, Total] = Field(max_length=MAX_COUNTERS)
    """Every reason code counted so far, over all rotations."""
    inode: int | None = Field(default=None, ge=0, le=2**64 - 1)
    """The file's number on its machine, where its first lines state no time: else these tell the file."""


class BadStep(Model):
    """A timeline step that is not ok."""

    step: Line
    status: Line
    error: Line = ""


class Timeline(Model):
    """A surface's steps; only the bad ones are kept, the first few of them."""

    steps: int = Field(ge=0)
    bad: int = Field(ge=0)
    examples: tuple[BadStep, ...] = Field(default=(), max_length=5)


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[float | int, Field(ge=0)]
MAX_WINDOWS = 20
"""The most windows of one query."""


class Measured(Model):
    """What a metrics server answered over one window."""

    unknown: Line | None = None
    """Why there is no value."""
    value: float | int | None = None
    at: Instant | None = None
    """The server's time, or the datum's own."""
    sha256: Digest | None = None
    """Digest of the query as sent, each part a line: a proportion has two. None where it was not sent."""


class Measurement(Measured):
    """One query of the contract. Of a proportion `value` is that of the errors, 1 - good / total."""

    samples: Count | None = None
    """What the value rests on; of a proportion its total."""
    good: Count | None = None
    total: Count | None = None
    window: int | None = Field(default=None, ge=1)
    """Seconds that the counts of a proportion go back."""
    windows: dict[Identifier, Measured] = Field(default={}, max_length=MAX_WINDOWS)
    """The same query over each window that a gate or trigger names, such as `1h`."""


class Sample(Model):
    """One surface's normalized health at one time. With `unknown` set nothing else says anything."""

    unknown: Line | None = None
    """Why the surface could not be read."""
    product_head: Sha | None = None
    """The commit of the product's checkout in which it was read; the observation's where it is left out."""
    holds_release: bool | None = None
    """Whether that commit is the release's or one after it; None where nobody can tell."""
    modified: Line | None = None
    """Which tracked files of that checkout differ from its commit, or why nobody can tell."""
    read_at: Instant | None = None
    """When it was read; the end of the observation where that is left out."""
    updated_at: Instant | None = None
    """The source's own time."""
    health_state: HealthState | None = None
    fields: dict[Identifier, float | int] = Field(default={}, max_length=MAX_FIELDS)
    labels: dict[Identifier, Line] = Field(default={}, max_length=MAX_FIELDS)
    counters: dict[Identifier, Total] | None = Field(default=None, max_length=MAX_COUNTERS)
    """Absolute totals. `absent` in the contract says what a code is that the map lacks; no map is unknown."""
    counters_unknown: Line | None = None
    """Why there is no map although the surface should have one."""
    cursor: LogCursor | None = None
    timeline: Timeline | None = None
    measurements: dict[Identifier, Measurement] = Field(default={}, max_length=MAX_FIELDS)
    """What a metrics surface measured, by query. Fields and counters of it are derived when it is judged."""
    not_applicable: tuple[Identifier, ...] = Field(default=(), max_length=50)
    """What this surface by nature never reports."""
    observed_at: Instant | None = None
    """When the observation began that read it, where that is an earlier one than the one that holds it."""


class HarnessReport(Model):
    """The newest run of the product's validation harness, whole or stopped at its first failure."""

    unknown: Line | None = None
    """Why report or manifest could not be read."""
    product_head: Sha | None = None
    """The checkout in which it lay, as in a sample."""
    holds_release: bool | None = None
    modified: Line | None = None
    started_at: Instant | None = None
    status: Line = ""
    total: int = 0
    passed: int = 0
    failed: int = 0
    surfaces: dict[Line, Line] = Field(default={}, max_length=100)
    """`surface_status`: the harness's own surface id -> its status."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class Observation(Model):
    """One round of samples, and what they are evidence for."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["observation"] = "observation"
    train: Name
    release: Version
    commit: Sha
    phase: Name
    """What rollout.yaml named when collection began."""
    contract_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    round: Line
    """Files of one round are merged."""
    product_head: Sha | None = None
    started_at: Instant
    finished_at: Instant
    tool_version: Line
    samples: dict[Name, Sample] = Field(max_length=MAX_SURFACES)
    harness: HarnessReport | None = None
    runner: Line | None = None
    """The label of the runner that read it, where others read the rest of the surfaces: what it does not hold
    stays as it was read last. None for a whole round."""


class WorkResult(Model):
    """How one requested piece of product-side work ended."""

    request: Line
    """The request's id."""
    ok: bool
    detail: Line = ""
    started_at: Instant
    finished_at: Instant
    captured: tuple[EvidenceEntry, ...] = Field(default=(), max_length=MAX_CAPTURED)
    """Of `capture_evidence`: the index, sorted by path."""


class Results(Model):
    """What one `perform` did."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["results"] = "results"
    train: Name
    release: Version | None
    """None when the work was the channel's, and no rollout has ever begun."""
    commit: Sha | None
    finished_at: Instant
    results: tuple[WorkResult, ...] = Field(max_length=50)


Evidence = Observation | Results

_Read = TypeVar("_Read", Sample, HarnessReport)


def merge_round(parts: Sequence[Observation]) -> Observation:
    """Returns the observations of one round as one: samples united, the whole span of time.

    Raises ValueError when the parts speak of different things or two hold the same surface.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    samples: dict[str, Sample] = {}
    for part in parts:
        if _speaks_of(part) != _speaks_of(first):
            raise ValueError(
                f"round {first.round}: files speak of different trains, releases, phases or contracts"
            )
        for surface, sample in part.samples.items():
            if surface in samples:
                raise ValueError(f"round {first.round}: two files hold surface {surface}")
            samples[surface] = _of_its_checkout(sample, part)
    return first.model_copy(
        update={
            "samples": samples,
            "started_at": min(part.started_at for part in parts),
            "finished_at": max(part.finished_at for part in parts),
            "product_head": _same_head(parts),
            "harness": _harness_of(parts),
        }
    )


def with_possible_time(sample: Sample) -> Sample:
    """Returns the sample; an unknown one where its source states a time before EARLIEST."""
    updated = sample.updated_at
    if sample.unknown is not None or updated is None or not is_too_early(updated):
        return sample
    return Sample(unknown=_says_too_early(updated))


def with_possible_times(observation: Observation) -> Observation:
    """Returns the observation; each surface, and the harness, is unknown in it that states a time before
    EARLIEST, and each measurement too that states one after its reading.
    """
    harness = observation.harness
    if harness is not None and harness.started_at is not None and is_too_early(harness.started_at):
        harness = HarnessReport(unknown=_says_too_early(harness.started_at))
    samples = {
        surface: _with_possible_measurements(with_possible_time(sample), observation.finished_at)
        for surface, sample in observation.samples.items()
    }
    if (samples, harness) == (observation.samples, observation.harness):
        return observation
    return observation.model_copy(update={"samples": samples, "harness": harness})


def _with_possible_measurements(sample: Sample, ended: datetime) -> Sample:
    """Returns the sample; each measurement is unknown in it whose time is impossible.

    `ended`: when the observation did.
    """
    read_at = min(sample.read_at or ended, ended)
    measurements = {name: _possible(each, read_at) for name, each in sample.measurements.items()}
    if measurements == sample.measurements:
        return sample
    return sample.model_copy(update={"measurements": measurements})


def _possible(measurement: Measurement, read_at: datetime) -> Measurement:
    """Returns the measurement; it, or one of its windows, is unknown where its time is impossible."""
    windows = {
        window: Measured(unknown=why) if (why := _why_impossible(each.at, read_at)) else each
        for window, each in measurement.windows.items()
    }
    if why := _why_impossible(measurement.at, read_at):
        return Measurement(unknown=why, windows=windows)
    return measurement.model_copy(update={"windows": windows})


def _why_impossible(moment: datetime | None, read_at: datetime) -> str:
    if moment is not None and is_too_early(moment):
        return _says_too_early(moment)
    if moment is not None and is_ahead(moment, read_at):
        return f"from the future: says {format_instant(moment)}"
    return ""


def _says_too_early(moment: datetime) -> str:
    return f"says {format_instant(moment)}: no clock that was set says a time before {EARLIEST.year}"


def began_at(observation: Observation, surface: str) -> datetime | None:
    """Returns when the reading of that surface began; None where the observation does not hold it."""
    sample = observation.samples.get(surface)
    return None if sample is None else sample.observed_at or observation.started_at


def united(last: Observation, part: Observation) -> Observation:
    """Returns the newest reading of each surface, of the last observation and of one runner's part.

    Their order does not matter, and a part that comes again changes nothing. Two contents of one instant are
    contradictory, as in `of_one_instant`.
    """
    head = _same_head((last, part))
    if last.product_head != part.product_head:
        last, part = _by_checkout(last), _by_checkout(part)
    started_at = max(last.started_at, part.started_at)
    samples = {
        name: _newest(name, last, part, started_at)
        for name in (*last.samples, *(name for name in part.samples if name not in last.samples))
    }
    return part.model_copy(
        update={
            "product_head": head,
            "started_at": started_at,
            "finished_at": max(last.finished_at, part.finished_at),
            "samples": samples,
            "harness": _newest_run(last.harness, part.harness),
        }
    )


def _newest(name: str, last: Observation, part: Observation, started_at: datetime) -> Sample:
    before, after = began_at(last, name), began_at(part, name)
    began = max(filter(None, (before, after)))
    if before == after:
        newest = _of_both(last.samples[name], part.samples[name], alike=True)
    else:
        newest = (part if after == began else last).samples[name]
    return newest.model_copy(update={"observed_at": None if began == started_at else began})


def _newest_run(last: HarnessReport | None, part: HarnessReport | None) -> HarnessReport | None:
    """Returns the newer report. They lie on one runner: what the others cannot read hides no report."""
    if part is None or (part.unknown is not None and last is not None and last.unknown is None):
        return last
    if last is None or last.started_at is None or part.started_at is None:
        return part
    return last if last.started_at > part.started_at else part


CONTRADICTORY = "contradictory: two observations of one instant differ"


def of_one_instant(one: Observation, other: Observation) -> Observation:
    """Merges two observations of a release that began at the same second: what they differ in is unknown.

    A surface that only one of them read is taken from it. Neither their order nor that one of them comes
    again changes what is read; only the names of round and tool are those of the first.
    """
    subjects = [(each.phase, each.contract_digest) for each in (one, other)]
    alike = subjects[0] == subjects[1]
    head = _same_head((one, other))
    if one.product_head != other.product_head:
        one, other = _by_checkout(one), _by_checkout(other)
    phase, digest = min(subjects)
    samples = {
        name: _of_both(one.samples.get(name), other.samples.get(name), alike=alike)
        for name in (*one.samples, *(name for name in other.samples if name not in one.samples))
    }
    return one.model_copy(
        update={
            "phase": phase,
            "contract_digest": digest,
            "product_head": head,
            "finished_at": max(one.finished_at, other.finished_at),
            "samples": samples,
            "harness": _run_of_both(one.harness, other.harness),
        }
    )


def _by_checkout(part: Observation) -> Observation:
    """Returns the observation with its checkout named at all that was read in it."""
    samples = {name: _of_its_checkout(sample, part) for name, sample in part.samples.items()}
    harness = _of_its_checkout(part.harness, part) if part.harness is not None else None
    return part.model_copy(update={"samples": samples, "harness": harness})


def _of_both(one: Sample | None, other: Sample | None, *, alike: bool) -> Sample:
    """Merges two samples; `alike`: whether both observations are of one phase and contract."""
    first, second = one or other, other or one
    assert first is not None
    assert second is not None
    if alike and said(first) == said(second):
        return min(first, second, key=_head)
    cursors = [cursor for cursor in (first.cursor, second.cursor) if cursor is not None]
    # How far a log was counted is lost to nobody: the next reading goes on from the further one.
    furthest = max(cursors, key=lambda cursor: (cursor.offset, cursor.model_dump_json()), default=None)
    return Sample(unknown=CONTRADICTORY, cursor=furthest)


def said(sample: Sample) -> Sample:
    """Returns the sample without what may differ though it states the same: when and where it was read.

    A branch moves with each state commit; whether the checkout holds the release is stated apart.
    """
    cursor = sample.cursor.model_copy(update={"inode": None}) if sample.cursor else None
    return sample.model_copy(
        update={"product_head": None, "read_at": None, "observed_at": None, "cursor": cursor}
    )


def run_said(run: HarnessReport) -> HarnessReport:
    """Returns the report without where it was read, as `said` does for a sample."""
    return run.model_copy(update={"product_head": None})


def _head(evidence: Sample | HarnessReport) -> str:
    return evidence.product_head or ""


def _run_of_both(one: HarnessReport | None, other: HarnessReport | None) -> HarnessReport | None:
    """Returns the run that both report; that of one where the other has found none."""
    if one is None or other is None:
        return one or other
    return (
        min(one, other, key=_head)
        if run_said(one) == run_said(other)
        else HarnessReport(unknown=CONTRADICTORY)
    )


def _harness_of(parts: Sequence[Observation]) -> HarnessReport | None:
    """Returns the report of the runner that has one: it lies on one runner, and the others cannot find it."""
    reports = [_of_its_checkout(part.harness, part) for part in parts if part.harness is not None]
    return next((report for report in reports if report.unknown is None), reports[0] if reports else None)


def _same_head(parts: Sequence[Observation]) -> str | None:
    """Returns the one commit that every part was read at: what has no checkout must not get that of
    another.
    """
    heads = {part.product_head for part in parts}
    return heads.pop() if len(heads) == 1 else None


def _of_its_checkout(evidence: _Read, part: Observation) -> _Read:
    """Returns the evidence with its own checkout: each runner has one. What could not be read is of none."""
    if evidence.unknown is not None or evidence.product_head is not None or part.product_head is None:
        return evidence
    return evidence.model_copy(update={"product_head": part.product_head})


def _speaks_of(part: Observation) -> tuple[str, ...]:
    return (part.train, part.release, part.commit, part.phase, part.contract_digest, part.round)
