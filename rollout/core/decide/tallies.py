"""Tallies: what each proportion has counted in a phase, over windows that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import floor

from rollout.core.contract import Contract, Query
from rollout.core.observation import Measurement, Sample
from rollout.core.state import Tally
from rollout.core.values import seconds_between

Tallies = Mapping[str, Mapping[str, Tally]]

_TENTHS = 9
"""Of a window, which have to pass before the next look counts: schedules do not keep to the second."""


def fold(
    tallies: Tallies, samples: Mapping[str, Sample], contract: Contract, since: datetime | None
) -> dict[str, dict[str, Tally]]:
    """Returns surface -> proportion -> tally after one more reading of the phase that began at `since`.

    A look less than nine tenths of a window after the last that counted, or after the phase's beginning, adds
    nothing: what it counts was counted before, or is of the phase before.
    """
    folded = {surface: {**of_surface} for surface, of_surface in tallies.items()}
    for surface, sample in samples.items():
        for name, query, measurement in _proportions(surface, sample, contract):
            last = folded.get(surface, {}).get(name)
            window = measurement.window or query.window or contract.sampling.interval
            at = measurement.at or sample.updated_at
            begin = last.at if last is not None else since
            if at is None or (begin is not None and 10 * seconds_between(begin, at) < _TENTHS * window):
                continue
            folded.setdefault(surface, {})[name] = _added(last, measurement, at)
    return folded


def _added(last: Tally | None, measurement: Measurement, at: datetime) -> Tally:
    good, total = measurement.good or 0, measurement.total or 0
    return Tally(good=good + (last.good if last else 0), total=total + (last.total if last else 0), at=at)


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
    for name, measurement in sample.measurements.items():
        query = contract.proportion(surface, name)
        if query is not None and measurement.unknown is None:
            yield name, query, measurement
