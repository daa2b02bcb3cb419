"""What a metrics server's answers measure, or why they say nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

from rollout.core.contract import Surface
from rollout.core.contract.metrics import Part, Query, Reducer
from rollout.core.observation import Measured, Measurement, Sample, is_ahead, is_too_early
from rollout.core.surfaces.known import never_reported
from rollout.core.surfaces.metrics.questions import Asked, Question
from rollout.core.surfaces.payload import LARGEST
from rollout.core.text import inert
from rollout.core.values import format_duration, format_instant, from_unix, to_utc_seconds

_SHOWN = 300
"""Characters of a reason."""
_SAME = 1e-9
"""How much two counts that a server added up in another order may differ, as a share."""


@dataclass(frozen=True)
class Point:
    """One series."""

    value: float | int
    """NaN and infinity too, where the server says so."""
    at: datetime | None
    """The datum's time; None where the server states none."""


@dataclass(frozen=True)
class Answer:
    """What a server said to one question."""

    points: tuple[Point, ...] = ()
    why: str = ""
    """Why it is no answer."""
    at: datetime | None = None
    """The server's clock, for an answer without a series."""
    infos: tuple[str, ...] = ()
    """What the server adds, which makes the answer no worse."""


@dataclass(frozen=True)
class QueryReading:
    """One query over one window, as it was sent, and what came."""

    asked: Asked
    measurement: Measurement
    infos: tuple[str, ...] = ()
    """What the server added."""


class _Number(NamedTuple):
    """One part of a measurement."""

    value: float | int
    at: datetime | None
    why: str = ""


def measured(asked: Asked, answers: Mapping[Question, Answer], now: datetime, *, max_age: int) -> Measurement:
    """Returns what was measured; with `unknown` set where the answers do not tell.

    `now`: when they had arrived. `max_age`: seconds; an older datum says nothing.
    """
    if asked.why_not:
        return Measurement(unknown=inert(asked.why_not, _SHOWN))
    numbers = {part: _number(asked.query, answers[each]) for part, each in asked.questions.items()}
    for part, number in numbers.items():
        is_needed = part is not Part.SAMPLES or asked.query.min_samples is not None
        if number.why and is_needed:
            return _unknown(asked, number.why if part is Part.VALUE else f"{part}: {number.why}")
    if why := _why_no_seconds(numbers, now):
        return _unknown(asked, why)
    at = _time(numbers)
    if why := _why_untimely(at, now, max_age):
        return _unknown(asked, why)
    if asked.query.is_proportion:
        return _proportion(asked, numbers[Part.GOOD].value, numbers[Part.TOTAL].value, at)
    samples = numbers.get(Part.SAMPLES)
    return Measurement(
        value=numbers[Part.VALUE].value,
        at=at,
        sha256=asked.digest,
        samples=samples.value if samples is not None and not samples.why and samples.value >= 0 else None,
    )


def _unknown(asked: Asked, why: str) -> Measurement:
    return Measurement(unknown=inert(why, _SHOWN), sha256=asked.digest)


def _proportion(asked: Asked, good: float, total: float, at: datetime | None) -> Measurement:
    if good > total and math.isclose(good, total, rel_tol=_SAME):
        good = total
    over = format_duration(asked.window)
    if min(good, total) < 0:
        return _unknown(asked, f"{min(good, total):g} is no count")
    if total == 0:
        return _unknown(asked, f"total is 0 over {over}: nothing to measure")
    if good > total:
        return _unknown(asked, f"good is more than total: {good:g} of {total:g} over {over}")
    return Measurement(
        value=(total - good) / total,
        at=at,
        sha256=asked.digest,
        samples=total,
        good=good,
        total=total,
        window=asked.window,
    )


def _number(query: Query, answer: Answer) -> _Number:
    """Returns the one number of an answer."""
    if answer.why:
        return _Number(0, None, answer.why)
    if not answer.points:
        if query.on_empty == "zero":
            return _Number(0, answer.at)
        return _Number(0, None, "no series: do its labels match? `on_empty: zero` counts none as 0")
    if len(answer.points) > 1 and query.reduce is None:
        several = f"{len(answer.points)} series; name a reducer, `reduce: sum`, or aggregate in the query"
        return _Number(0, None, several)
    values = [point.value for point in answer.points]
    times = [point.at for point in answer.points if point.at is not None]
    value = _reduced(values, query.reduce)
    if not math.isfinite(value):
        return _Number(0, None, "NaN, as of a division of 0 by 0" if math.isnan(value) else "infinite")
    if abs(value) > LARGEST:
        return _Number(0, None, "too large a number")
    return _Number(value, min(times, default=None))


def _reduced(values: Sequence[float | int], reducer: Reducer | None) -> float | int:
    if any(map(math.isnan, values)):
        return math.nan  # the largest of NaN and 1 depends on their order
    match reducer:
        case None:
            return values[0]
        case Reducer.SUM:
            return sum(values) if all(map(math.isfinite, values)) else math.inf
        case Reducer.MAX:
            return max(values)
        case Reducer.MIN:
            return min(values)
        case Reducer.AVG:
            return sum(values) / len(values) if all(map(math.isfinite, values)) else math.inf
        case _:
            assert_never(reducer)


def _time(numbers: Mapping[Part, _Number]) -> datetime | None:
    """Returns the time of the oldest part, or the one that a query of its own gives."""
    if Part.UPDATED in numbers:
        return to_utc_seconds(from_unix(numbers[Part.UPDATED].value))
    times = [each.at for part, each in numbers.items() if part is not Part.SAMPLES and each.at is not None]
    return to_utc_seconds(min(times)) if times else None


def _why_no_seconds(numbers: Mapping[Part, _Number], now: datetime) -> str:
    """Returns that the time of `updated` is in milliseconds, where only that makes it a time before now."""
    if Part.UPDATED not in numbers:
        return ""
    value = numbers[Part.UPDATED].value
    seconds = from_unix(value / 1000)
    is_likely = is_ahead(from_unix(value), now) and not is_ahead(seconds, now) and not is_too_early(seconds)
    return f"updated: {value:.0f} looks like milliseconds; divide it by 1000" if is_likely else ""


def _why_untimely(at: datetime | None, now: datetime, max_age: int) -> str:
    if at is None:
        return "the answer states no time; name a query for it with `updated`"
    if is_too_early(at):
        return f"says {format_instant(at)}: no clock that was set says so"
    if is_ahead(at, now):
        return f"from the future: the server says {format_instant(at)}"
    age = now - at
    if age > timedelta(seconds=max_age):
        return f"stale: {format_duration(age.total_seconds())} old, at most {format_duration(max_age)}"
    return ""


def sample_of(surface: Surface, asked: Sequence[Asked], found: Sequence[Measurement]) -> Sample:
    """Returns the surface's sample: as old as its oldest measurement, unknown where all are."""
    measurements = {each.name: own for each, own in zip(asked, found, strict=True) if not each.is_further}
    for each, further in zip(asked, found, strict=True):
        if each.is_further:
            own = measurements[each.name]
            windows = {**own.windows, format_duration(each.window): _over_a_window(further)}
            measurements[each.name] = own.model_copy(update={"windows": windows})
    known = [each.at for each in found if each.unknown is None and each.at is not None]
    return Sample(
        unknown=None if known else _all_unknown(found),
        updated_at=min(known, default=None),
        measurements=measurements,
        not_applicable=never_reported(surface),
    )


def _over_a_window(found: Measurement) -> Measured:
    return Measured(unknown=found.unknown, value=found.value, at=found.at, sha256=found.sha256)


def _all_unknown(found: Sequence[Measurement]) -> str:
    reasons = list(dict.fromkeys(each.unknown or "" for each in found))
    more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
    return inert(f"{reasons[0]}{more}", _SHOWN)
