"""Tallies: what each proportion has counted in a phase, over windows that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import floor
from typing import TYPE_CHECKING

from rollout.core.contract import Contract
from rollout.core.observation import Measurement, Sample, is_ahead
from rollout.core.state import Tally

if TYPE_CHECKING:
    from rollout.core.contract.metrics import Query

Tallies = Mapping[str, Mapping[str, Tally]]

_TENTHS = 9
"""Of a window, which have to pass before the next look counts: schedules do not keep to the second."""


def fold(
    tallies: Tallies,
    samples: Mapping[str, Sample],
    contract: Contract,
    since: datetime | None,
    read_at: datetime,
) -> dict[str, dict[str, Tally]]:
    """Returns surface -> proportion -> tally after one more reading of the phase that began at `since`.

    A look less than nine tenths of a window after the last that counted, or after the phase's beginning, adds
    nothing: what it counts was counted before, or is of the phase before. A look whose time is ahead of the
    reading, which ended at `read_at`, adds nothing either, and a tally whose time is ahead begins anew.
    """
    folded = {
        surface: {name: each for name, each in of_surface.items() if not is_ahead(each.at, read_at)}
        for surface, of_surface in tallies.items()
    }
    for surface, sample in samples.items():
        counted = folded.get(surface, {})
        for name, query, measurement in _proportions(surface, sample, contract):
            last, at = counted.get(name), measurement.at or sample.updated_at
            begin = last.at if last is not None else since
            window = measurement.window or query.window or contract.sampling.interval
            if at is None or is_ahead(at, read_at):
                continue
            if begin is None or _TENTHS * window <= 10 * (at - begin).total_seconds():
                counted[name] = _added(last, measurement, at)
        if counted:
            folded[surface] = counted
    return folded


def _added(last: Tally | None, measurement: Measurement, at: datetime) -> Tally:
    good, total = measurement.good or 0, measurement.total or 0
    if last is not None:
        good, total = last.good + good, last.total + total
    # Both are checked already: a contract has dozens of these, at every decision.
    return Tally.model_construct(good=good, total=total, at=at)


def enough(samples: Mapping[str, Sample], tallies: Tallies, contract: Contract) -> dict[str, Sample]:
    """Returns the samples; a proportion of which the phase has counted too few becomes unknown."""
    return {
        surface: _known(
            sample,
            {
                name: few
                for name, query, _ in _proportions(surface, sample, contract)
                if (few := why_too_few(query, tallies.get(surface, {}).get(name)))
            },
        )
        for surface, sample in samples.items()
    }


def why_too_few(query: Query, tally: Tally | None) -> str:
    """Returns how many are missing; empty when the contract asks for no more."""
    found = floor(tally.total) if tally is not None else 0
    if query.min_samples is None or found >= query.min_samples:
        return ""
    return f"too few to tell: {found} of {query.min_samples}"


def _known(sample: Sample, few: Mapping[str, str]) -> Sample:
    if not few:
        return sample
    measurements = {
        name: each.model_copy(update={"unknown": few[name], "value": None}) if name in few else each
        for name, each in sample.measurements.items()
    }
    fields = {name: value for name, value in sample.fields.items() if name not in few}
    return sample.model_copy(update={"measurements": measurements, "fields": fields})


def _proportions(
    surface: str, sample: Sample, contract: Contract
) -> Iterator[tuple[str, Query, Measurement]]:
    """Yields the proportions that the sample knows."""
    if sample.unknown is not None:
        return
    for name, query in contract.proportions.get(surface, {}).items():
        measurement = sample.measurements.get(name)
        if measurement is not None and measurement.unknown is None and _counts(measurement):
            yield name, query, measurement


def _counts(measurement: Measurement) -> bool:
    """Returns whether it has both counts; evidence is a file that anybody may have written."""
    good, total = measurement.good, measurement.total
    return good is not None and total is not None and total > 0 and good <= total
