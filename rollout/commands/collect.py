"""`rollout collect`: one round of samples, and the harness report, as an observation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

import rollout as tool
from rollout.core.contract import Contract, Harness, Surface
from rollout.core.harness import parse_harness
from rollout.core.observation import COUNTERS, HarnessReport, LogCursor, Observation, Sample
from rollout.core.state import Outcome, Release, Rollout, Status
from rollout.core.surfaces import parse
from rollout.core.surfaces.event_log import HEAD_BYTES, count_log
from rollout.core.surfaces.payload import MAX_PAYLOAD
from rollout.core.text import inert
from rollout.core.values import format_instant
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, Product

Progress = Callable[[str], None]
"""Takes one line for a person."""

_UNDER_WAY = (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK)


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
) -> Observation:
    """Read the named surfaces (all when none is named), at most `workers` at a time.

    A surface that fails, hangs or prints garbage gives an unknown sample. Without a `round_id` the
    round is named after its beginning. Raises RefusedError when no rollout is in progress,
    InputError for a surface that the contract does not have.
    """
    release, phase = _what_is_rolled_out(rollout)
    chosen = _chosen(contract, surfaces)
    started_at = clock.now()
    head = product.head()
    samples = _read_all(chosen, status.cursors if status else {}, product, clock, workers, progress)
    harness = _read_harness(contract.harness, product, progress) if contract.harness else None
    return Observation(
        train=contract.train,
        release=release.version,
        commit=release.commit,
        phase=phase,
        contract_digest=digest,
        round=inert(round_id or "") or format_instant(started_at),
        product_head=head,
        started_at=started_at,
        finished_at=clock.now(),
        tool_version=tool.__version__,
        samples=samples,
        harness=harness,
    )


def _what_is_rolled_out(rollout: Rollout) -> tuple[Release, str]:
    if rollout.outcome not in _UNDER_WAY or rollout.release is None or rollout.phase is None:
        raise RefusedError(
            f"{rollout.train}: no rollout is in progress (outcome {rollout.outcome})",
            hint="Begin one with `rollout start --version V --commit SHA`.",
        )
    return rollout.release, rollout.phase


def _chosen(contract: Contract, named: Sequence[str] | None) -> dict[str, Surface]:
    unknown = [name for name in named or () if name not in contract.surfaces]
    if unknown:
        raise InputError(
            f"unknown surface {', '.join(inert(name, 80) for name in unknown)}",
            hint=f"The contract of {contract.train} has {', '.join(contract.surfaces)}.",
        )
    return {name: surface for name, surface in contract.surfaces.items() if not named or name in named}


def _read_all(
    surfaces: Mapping[str, Surface],
    cursors: Mapping[str, LogCursor],
    product: Product,
    clock: Clock,
    workers: int,
    progress: Progress,
) -> dict[str, Sample]:
    samples: dict[str, Sample] = {}
    pool = ThreadPoolExecutor(max_workers=max(1, workers))
    try:
        started = {
            pool.submit(_read_guarded, surface, cursors.get(name), product, clock): name
            for name, surface in surfaces.items()
        }
        for name, sample in _as_they_end(started):
            samples[name] = sample
            progress(f"{name}: {_in_words(sample)}")
    except BaseException:
        # an interrupted person does not wait for commands that hang
        pool.shutdown(wait=False, cancel_futures=True)
        product.stop()
        raise
    finally:
        pool.shutdown()
    return {name: samples[name] for name in surfaces}


def _as_they_end(started: Mapping[Future[Sample], str]) -> Iterator[tuple[str, Sample]]:
    for future in as_completed(started):
        yield started[future], future.result()


def _read_guarded(surface: Surface, cursor: LogCursor | None, product: Product, clock: Clock) -> Sample:
    try:
        sample = _read(surface, cursor, product)
        return sample if sample.unknown else sample.model_copy(update={"read_at": clock.now()})
    except Exception as error:  # noqa: BLE001 - one surface, even by a bug of ours, never stops the others
        return Sample(unknown=inert(f"a bug in rollout: {type(error).__name__}: {error}"))


def _read(surface: Surface, cursor: LogCursor | None, product: Product) -> Sample:
    reading = product.read(surface)
    if reading.error:
        return Sample(unknown=inert(reading.error, 300))
    sample = parse(surface, reading.payload, reading.updated_at)
    if surface.events is None or not _lacks_counters(sample):
        return sample
    return _with_counted_log(sample, surface.events, cursor, product)


def _lacks_counters(sample: Sample) -> bool:
    said = sample.unknown or sample.counters_unknown or COUNTERS in sample.not_applicable
    return not said and sample.counters is None


def _with_counted_log(sample: Sample, log: str, cursor: LogCursor | None, product: Product) -> Sample:
    try:
        head = product.log_head(log, HEAD_BYTES)
        counted = count_log(lambda offset: product.log_lines(log, offset), cursor, head)
    except OSError as error:
        why = inert(f"events log {log}: {error.strerror or error}")
        return sample.model_copy(update={"counters_unknown": why})
    counters = None if counted.unknown else counted.cursor.totals
    return sample.model_copy(
        update={"counters": counters, "counters_unknown": counted.unknown, "cursor": counted.cursor}
    )


def _in_words(sample: Sample) -> str:
    if sample.unknown:
        return f"unknown - {sample.unknown}"
    state = sample.health_state or "no health state"
    return f"{state}, counters unknown - {sample.counters_unknown}" if sample.counters_unknown else state


def _read_harness(harness: Harness, product: Product, progress: Progress) -> HarnessReport | None:
    """None when the harness has left neither of its files yet."""
    report = product.read_file(harness.report, MAX_PAYLOAD)
    manifest = product.read_file(harness.manifest, MAX_PAYLOAD)
    if report.missing and manifest.missing:
        progress("harness: has not run yet")
        return None
    error = report.error or manifest.error
    found = HarnessReport(unknown=inert(error)) if error else parse_harness(report.payload, manifest.payload)
    progress(f"harness: {f'unknown - {found.unknown}' if found.unknown else found.status}")
    return found
