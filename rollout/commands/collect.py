"""`rollout collect`: one round of samples, and the harness report, as an observation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

import rollout as tool
from rollout.commands.measuring import Measuring
from rollout.commands.preparing import Preparation, Progress, report_failure
from rollout.core.contract import Contract, Harness, Surface
from rollout.core.harness import parse_harness
from rollout.core.nearest import suggest
from rollout.core.observation import COUNTERS, HarnessReport, LogCursor, Observation, Sample
from rollout.core.state import UNDER_WAY, Release, Rollout, Status
from rollout.core.surfaces import parse
from rollout.core.surfaces.event_log import HEAD_BYTES, MOST_ROTATED, LogFile, count_log
from rollout.core.surfaces.metrics.answers import QueryReading
from rollout.core.surfaces.payload import MAX_PAYLOAD
from rollout.core.text import inert
from rollout.core.values import format_instant
from rollout.errors import InputError, RefusedError
from rollout.ports import Checkout, Clock, Failure, Product
from rollout.rendering.advice import next_command

_SHOWN = 8
"""Digits of a commit."""
_Evidence = TypeVar("_Evidence", Sample, HarnessReport)
_WAKE = 0.5
"""Seconds. A signal that arrives just before the main thread begins to wait is seen when the wait ends."""


def collect(
    contract: Contract,
    digest: str,
    rollout: Rollout,
    status: Status | None,
    product: Product,
    clock: Clock,
    *,
    surfaces: Sequence[str] | None,
    round_id: str | None,
    workers: int,
    progress: Progress,
    runner: str | None = None,
    measuring: Measuring | None = None,
) -> Observation:
    """Reads the named surfaces (None is all of them), at most `workers` at a time, and the harness report.

    The contract's `prepare` runs before surfaces that have a command. A surface that fails, hangs or
    prints garbage gives an unknown sample, and so does one that was not prepared. Without a `round_id` the
    round is named after its beginning. `runner`: the label of the machine, where others read the rest; one
    that reads metrics alone has neither checkout nor harness.
    Raises RefusedError when no rollout is in progress, InputError for a surface that the
    contract does not have.
    """
    release, phase = _what_is_rolled_out(rollout)
    chosen = _chosen(contract, surfaces)
    started_at = clock.now()
    has_product = runner is None or not chosen or any(not surface.metrics for surface in chosen.values())
    head = product.head() if has_product else None
    preparation = Preparation(contract.prepare, product, progress)
    unprepared = preparation.problem() if any(surface.command for surface in chosen.values()) else ""
    reader = _Reader(status.cursors if status else {}, unprepared, product, clock, measuring)
    readings = _read_all(chosen, reader, workers, progress)
    checkout, harness = Checkout(None), None
    if has_product:
        harness = _read_harness(contract.harness, product, clock, progress)
        checkout = _checkout(product, head, release, progress)
    is_whole = len(chosen) == len(contract.surfaces) and (has_product or contract.harness is None)
    return Observation(
        train=contract.train,
        release=release.version,
        commit=release.commit,
        phase=phase,
        contract_digest=digest,
        round=inert(round_id or "") or format_instant(started_at),
        product_head=checkout.head,
        started_at=started_at,
        finished_at=clock.now(),
        tool_version=tool.__version__,
        samples=_samples(chosen, readings, checkout),
        harness=_read_in(checkout, harness) if harness else None,
        runner=None if is_whole else runner,
    )


class TrialReading(NamedTuple):
    """What the surfaces of a contract said where nothing is rolled out."""

    samples: Mapping[str, Sample]
    harness: HarnessReport | None
    queries: Mapping[str, tuple[QueryReading, ...]]
    """Surface of metrics -> its queries."""


def try_out(
    contract: Contract,
    product: Product,
    clock: Clock,
    *,
    surfaces: Sequence[str] | None,
    workers: int,
    progress: Progress,
    measuring: Measuring | None = None,
) -> TrialReading:
    """Reads the surfaces as `collect` does, only to look at. Event logs are counted from their start.

    Raises InputError for a surface that the contract does not have.
    """
    chosen = _chosen(contract, surfaces)
    preparation = Preparation(contract.prepare, product, progress)
    unprepared = preparation.problem() if any(surface.command for surface in chosen.values()) else ""
    reader = _Reader({}, unprepared, product, clock, measuring)
    readings = _read_all(chosen, reader, workers, progress)
    harness = _read_harness(contract.harness, product, clock, progress)
    return TrialReading(
        {name: reading.sample for name, reading in readings.items()},
        harness,
        {name: reading.queries for name, reading in readings.items() if reading.queries},
    )


def _checkout(product: Product, before: str | None, release: Release, progress: Progress) -> Checkout:
    """Returns what is checked out once everything was read: commands may change it, and so may anybody
    else.
    """
    found = product.checkout(release.commit)
    if found.head != before:
        found = replace(found, modified=f"it was at {before[:_SHOWN] if before else 'no commit'} before")
    progress(f"product: {_checkout_in_words(found, release)}")
    return found


def _checkout_in_words(checkout: Checkout, release: Release) -> str:
    wanted = f"the release, {release.commit[:_SHOWN]}"
    changed = f", changed: {checkout.modified}" if checkout.modified else ""
    if checkout.head is None:
        return "no git checkout"
    if checkout.head == release.commit:
        return f"at {wanted}{changed}"
    relation = {True: "ahead of", False: "without", None: "with too short a history to tell whether it has"}
    return f"at {checkout.head[:_SHOWN]}, {relation[checkout.holds_release]} {wanted}{changed}"


def _samples(
    surfaces: Mapping[str, Surface], readings: Mapping[str, _SurfaceReading], checkout: Checkout
) -> dict[str, Sample]:
    """Returns each sample with the checkout that it was read in; what a server measures is of none."""
    return {
        name: reading.sample if surfaces[name].metrics else _read_in(checkout, reading.sample)
        for name, reading in readings.items()
    }


def _read_in(checkout: Checkout, evidence: _Evidence) -> _Evidence:
    """Returns the evidence with the checkout that it was read in; what could not be read is of none."""
    if evidence.unknown is not None:
        return evidence
    return evidence.model_copy(
        update={
            "product_head": checkout.head,
            "holds_release": checkout.holds_release,
            "modified": checkout.modified,
        }
    )


def _what_is_rolled_out(rollout: Rollout) -> tuple[Release, str]:
    if rollout.outcome not in UNDER_WAY or rollout.release is None or rollout.phase is None:
        raise RefusedError(
            f"{rollout.train}: no rollout is in progress (outcome {rollout.outcome})",
            hint=next_command(rollout.outcome),
        )
    return rollout.release, rollout.phase


def _chosen(contract: Contract, named: Sequence[str] | None) -> dict[str, Surface]:
    unknown = [name for name in named or () if name not in contract.surfaces]
    if unknown:
        raise InputError(
            f"unknown surface {', '.join(inert(name, 80) for name in unknown)}",
            hint=suggest(unknown[0], contract.surfaces, f"the contract of {contract.train} has "),
        )
    return {name: surface for name, surface in contract.surfaces.items() if named is None or name in named}


class _SurfaceReading(NamedTuple):
    """How one surface was read."""

    sample: Sample
    failure: Failure | None = None
    """What its command printed, where it failed."""
    queries: tuple[QueryReading, ...] = ()
    """Of metrics: what was asked."""


class _Reader:
    """Reads one surface; `unprepared` says why no command can be run, and is empty when they can."""

    def __init__(
        self,
        cursors: Mapping[str, LogCursor],
        unprepared: str,
        product: Product,
        clock: Clock,
        measuring: Measuring | None,
    ) -> None:
        self._cursors = cursors
        self._unprepared = unprepared
        self.product = product
        self._clock = clock
        self._measuring = measuring

    def stop(self) -> None:
        """Ends what is being read: a person interrupted."""
        self.product.stop()
        if self._measuring is not None:
            self._measuring.stop()

    def read(self, name: str, surface: Surface) -> _SurfaceReading:
        """Reads one surface. Any failure, even a bug of ours, makes it unknown and stops no other."""
        if surface.command and self._unprepared:
            return _SurfaceReading(Sample(unknown=inert(self._unprepared, 300)))
        try:
            found = self._measured(name, surface) if surface.metrics else self._read(name, surface)
        except Exception as error:  # noqa: BLE001
            return _SurfaceReading(
                Sample(unknown=inert(f"a bug in rollout: {type(error).__name__}: {error}"))
            )
        if found.sample.unknown:
            return found
        return found._replace(sample=found.sample.model_copy(update={"read_at": self._clock.now()}))

    def _measured(self, name: str, surface: Surface) -> _SurfaceReading:
        assert self._measuring is not None  # whoever reads metrics brings their servers
        sample, queries = self._measuring.read(name, surface)
        return _SurfaceReading(sample, queries=queries)

    def _read(self, name: str, surface: Surface) -> _SurfaceReading:
        reading = self.product.read(surface)
        if reading.error:
            return _SurfaceReading(Sample(unknown=inert(reading.error, 300)), reading.failure)
        sample = parse(surface, reading.payload, reading.updated_at)
        if surface.events is not None and _lacks_counters(sample):
            sample = _with_counted_log(sample, surface.events, self._cursors.get(name), self.product)
        return _SurfaceReading(sample)


def _read_all(
    surfaces: Mapping[str, Surface], reader: _Reader, workers: int, progress: Progress
) -> dict[str, _SurfaceReading]:
    """Returns the readings, and tells of each in the contract's order, whichever answers first."""
    found: dict[str, _SurfaceReading] = {}
    untold = deque(surfaces)
    pool = ThreadPoolExecutor(max_workers=max(1, workers))
    try:
        for name, read in _as_they_end(pool, reader, surfaces):
            found[name] = read
            while untold and untold[0] in found:
                first = untold.popleft()
                progress(f"{first}: {_in_words(found[first].sample)}")
                report_failure(first, found[first].failure, reader.product, progress)
    except BaseException:
        # an interrupted person does not wait for commands that hang
        pool.shutdown(wait=False, cancel_futures=True)
        reader.stop()
        raise
    finally:
        pool.shutdown()
    return {name: found[name] for name in surfaces}


def _as_they_end(
    pool: ThreadPoolExecutor, reader: _Reader, surfaces: Mapping[str, Surface]
) -> Iterator[tuple[str, _SurfaceReading]]:
    """Yields each surface when it was read. The next one of a queue begins when the one before has ended."""
    running: dict[Future[_SurfaceReading], deque[str]] = {}
    waiting = _queues(surfaces)
    while waiting or running:
        for queue in waiting:
            running[pool.submit(reader.read, queue[0], surfaces[queue[0]])] = queue
        waiting = []
        for future in wait(running, timeout=_WAKE, return_when=FIRST_COMPLETED).done:
            queue = running.pop(future)
            yield queue.popleft(), future.result()
            if queue:
                waiting.append(queue)


def _queues(surfaces: Mapping[str, Surface]) -> list[deque[str]]:
    """Returns the queues: one for each `serial` group, and one for each other surface."""
    grouped: dict[tuple[str, str], deque[str]] = {}
    for name, surface in surfaces.items():
        key = ("group", surface.serial) if surface.serial else ("surface", name)
        grouped.setdefault(key, deque()).append(name)
    return list(grouped.values())


def _lacks_counters(sample: Sample) -> bool:
    said = sample.unknown or sample.counters_unknown or COUNTERS in sample.not_applicable
    return not said and sample.counters is None


def _with_counted_log(sample: Sample, log: str, cursor: LogCursor | None, product: Product) -> Sample:
    try:
        file = _log_file(log, product)
        counted = count_log(file, cursor, _rotated(log, product))
        if product.log_inode(log) != file.inode:
            raise OSError("was rotated while it was read")  # the next reading goes on from the old cursor
    except OSError as error:
        why = inert(f"events log {log}: {error.strerror or error}")
        return sample.model_copy(update={"counters_unknown": why})
    counters = None if counted.unknown else counted.cursor.totals
    return sample.model_copy(
        update={"counters": counters, "counters_unknown": counted.unknown, "cursor": counted.cursor}
    )


def _log_file(path: str, product: Product) -> LogFile:
    inode = product.log_inode(path)
    return LogFile(partial(product.log_lines, path), product.log_head(path, HEAD_BYTES), inode)


def _rotated(log: str, product: Product) -> Iterator[LogFile]:
    """Yields `FILE.1`, `FILE.2` and so on, as long as there is one that can be read."""
    with suppress(OSError):
        for number in range(1, MOST_ROTATED + 1):
            yield _log_file(f"{log}.{number}", product)


def _in_words(sample: Sample) -> str:
    if sample.unknown:
        return f"unknown - {sample.unknown}"
    if sample.measurements:
        return _measured_in_words(sample)
    state = sample.health_state or "no health state"
    return f"{state}, counters unknown - {sample.counters_unknown}" if sample.counters_unknown else state


def _measured_in_words(sample: Sample) -> str:
    unknown = {name: each.unknown for name, each in sample.measurements.items() if each.unknown}
    measured = f"{len(sample.measurements) - len(unknown)} of {len(sample.measurements)} queries measured"
    reasons = "".join(f"; {name} unknown - {why}" for name, why in unknown.items())
    return f"{measured}{reasons}"


def _read_harness(
    harness: Harness | None, product: Product, clock: Clock, progress: Progress
) -> HarnessReport | None:
    """Reads the report; None without a harness, and when it has written neither of its files yet."""
    if harness is None:
        return None
    report = product.read_file(harness.report, MAX_PAYLOAD)
    manifest = product.read_file(harness.manifest, MAX_PAYLOAD)
    if report.missing and manifest.missing:
        progress("harness: has not run yet")
        return None
    error = report.error or manifest.error
    if error:
        found = HarnessReport(unknown=inert(error))
    else:
        found = parse_harness(report.payload, manifest.payload, harness.surfaces, clock.now())
    progress(f"harness: {f'unknown - {found.unknown}' if found.unknown else found.status}")
    return found
