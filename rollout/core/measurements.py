"""What gates and triggers read of measurements: each query is a field, and a plain one a counter too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollout.core.observation import MAX_TOTAL, Measurement, Sample

if TYPE_CHECKING:
    from rollout.core.contract.metrics import Query


def with_fields(sample: Sample, queries: Mapping[str, Query]) -> Sample:
    """Returns the sample with the fields and counters that its measurements are.

    A measurement of too few samples becomes unknown: the contract says how many are enough, and another
    contract may ask for more of the same evidence. Of a proportion the phase's sum counts, which `tallies`
    knows. A counter is the value rounded down.
    """
    measurements = {**sample.measurements}
    fields: dict[str, float] = {}
    totals: dict[str, int] = {}
    for name, found in sample.measurements.items():
        query = queries.get(name)
        if query is not None and query.min_samples is not None and not query.is_proportion:
            found = measurements[name] = if_enough(found, query)
        if found.unknown is not None or found.value is None:
            continue
        fields[name] = found.value
        if found.total is None and 0 <= found.value <= MAX_TOTAL:
            totals[name] = math.floor(found.value)
    return sample.model_copy(update={"measurements": measurements, "fields": fields, "counters": totals})


def if_enough(measurement: Measurement, query: Query) -> Measurement:
    """Returns the measurement; an unknown one where it rests on fewer samples than the contract asks for."""
    if measurement.unknown is not None or query.min_samples is None:
        return measurement
    found = math.floor(measurement.samples or 0)
    if found >= query.min_samples:
        return measurement
    few = f"too few to tell: {found} of {query.min_samples}"
    return measurement.model_copy(update={"unknown": few, "value": None})


def why_not_measured(sample: Sample, field: str) -> str:
    """Returns why the sample has no value for that field."""
    measurement = sample.measurements.get(field)
    if measurement is None:
        return "not reported"
    if measurement.unknown is not None:
        return measurement.unknown
    return "not reported" if measurement.value is None else f"{measurement.value:g} is no count"
