"""Fields and counters that gates read of measurements."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rollout.core.contract import Surface
from rollout.core.contract.metrics import Query
from rollout.core.measurements import why_not_measured, with_fields
from rollout.core.observation import Measurement, Sample

PLAIN = {"query": "q"}
COUNTED = {"query": "q", "samples": "s", "min_samples": 300}
SHARE = {"good": "g", "total": "t", "min_samples": 300}
CASES: list[tuple[Mapping[str, object], Measurement, float | None, int | None, str]] = [
    (PLAIN, Measurement(value=2.5), 2.5, 2, "not reported"),
    (PLAIN, Measurement(value=-1), -1, None, "-1 is no count"),
    (PLAIN, Measurement(value=1e30), 1e30, None, "1e+30 is no count"),
    (PLAIN, Measurement(unknown="NaN"), None, None, "NaN"),
    (PLAIN, Measurement(unknown="NaN", value=1), None, None, "NaN"),
    (PLAIN, Measurement(), None, None, "not reported"),
    (COUNTED, Measurement(value=1, samples=300), 1, 1, "not reported"),
    (COUNTED, Measurement(value=1, samples=299.9), None, None, "too few to tell: 299 of 300"),
    (COUNTED, Measurement(value=1), None, None, "too few to tell: 0 of 300"),
    (COUNTED, Measurement(unknown="NaN", samples=1), None, None, "NaN"),
    (SHARE, Measurement(value=0.5, samples=400, good=200, total=400), 0.5, None, "0.5 is no count"),
    (SHARE, Measurement(value=0, samples=41, good=41, total=41), 0, None, "0 is no count"),
]


def queries(query: Mapping[str, object]) -> dict[str, Query]:
    given = {"provider": "prometheus", "url": "https://a.example", "queries": {"q": query}}
    metrics = Surface.model_validate({"metrics": given}).metrics
    assert metrics is not None
    return dict(metrics.queries)


@pytest.mark.parametrize(("query", "measurement", "field", "counter", "why"), CASES)
def test_a_query_is_a_field_and_a_plain_one_a_counter(
    query: Mapping[str, object], measurement: Measurement, field: float | None, counter: int | None, why: str
) -> None:
    found = with_fields(Sample(measurements={"q": measurement}), queries(query))
    assert (found.fields.get("q"), (found.counters or {}).get("q")) == (field, counter)
    if counter is None:
        assert why_not_measured(found, "q") == why


def test_what_a_file_of_evidence_claims_beside_its_measurements_counts_for_nothing() -> None:
    forged = Sample(
        fields={"q": 0, "other": 1}, counters={"other": 1}, measurements={"q": Measurement(value=9)}
    )
    found = with_fields(forged, queries(PLAIN))
    assert (found.fields, found.counters) == ({"q": 9}, {"q": 9})
    assert why_not_measured(found, "other") == "not reported"
