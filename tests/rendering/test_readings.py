"""What metrics surfaces measured, as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.core.contract import Surface
from rollout.core.decide.readings import heads_read
from rollout.core.observation import Measurement, Sample
from rollout.core.state import GateFinding, Result
from rollout.rendering.markdown import holding
from rollout.rendering.readings import figures, measurement_text, observation_view
from rollout.rendering.terminal import status_view
from tests import builders as build

SURFACE = Surface.model_validate(
    {
        "metrics": {
            "provider": "prometheus",
            "url": "https://prometheus.example",
            "queries": {
                "errors": {"good": "good", "total": "total"},
                "p95": {"query": "p95", "unit": "seconds"},
                "crashes": {"query": "crashes"},
            },
        }
    }
)
SHARE = {"value": 0.0004, "good": 99960, "total": 100000, "samples": 100000, "window": 600}
SAMPLE = Sample.model_validate(
    {
        "updated_at": build.NOW - timedelta(seconds=12),
        "measurements": {
            "errors": SHARE,
            "p95": {"value": 0.23},
            "crashes": {"unknown": "timed out after 10s"},
        },
    }
)


@pytest.mark.parametrize(
    ("measured", "unit", "shown"),
    [
        (SHARE, None, "0.04 % (40 of 100,000 in 10m)"),
        ({**SHARE, "good": 12467863.04, "total": 12474600}, None, "0.04 % (6,737 of 12,474,600 in 10m)"),
        ({"value": 0.1882349, "samples": 41}, "seconds", "0.1882 seconds of 41"),
        ({"value": 2901050.5}, None, "2,901,050"),
        ({"value": -1234.5}, "°C", "-1,234 °C"),
        ({"value": 1e300}, None, "1e+300"),
        ({"unknown": "no series"}, "seconds", "unknown - no series"),
    ],
)
def test_a_figure_has_its_unit_and_no_digits_that_say_nothing(
    measured: Mapping[str, Any], unit: str | None, shown: str
) -> None:
    assert measurement_text(Measurement.model_validate(measured), unit) == shown


@pytest.mark.parametrize(
    ("judged", "errors"),
    [
        ({}, "0.04 % (40 of 100,000 in 10m)"),
        ({"errors": "0.04 % (0.02 to 0.07) of 300,000", "p95": "0.23"}, "0.04 % (0.02 to 0.07) of 300,000"),
    ],
)
def test_a_proportion_is_shown_with_the_bounds_that_its_gate_saw(
    judged: Mapping[str, str], errors: str
) -> None:
    assert figures(SURFACE, SAMPLE, judged) == f"errors {errors}, p95 0.23 seconds, crashes unknown"


def test_collect_shows_units() -> None:
    observation = build.observe().model_copy(update={"samples": {"shop": SAMPLE}, "harness": None})
    shown = observation_view(observation, {"shop": SURFACE}, now=build.NOW)
    assert shown.splitlines()[1:] == [
        "  shop  2 of 3 measured, 12s old",
        "    errors: 0.04 % (40 of 100,000 in 10m)",
        "    p95: 0.23 seconds",
        "    crashes: unknown - timed out after 10s",
        "  read at the release's commit, 1111111111",
    ]


def _status(columns: int, section: str = "Surfaces") -> list[str]:
    """The lines of one section."""
    observation = build.observe().model_copy(update={"samples": {"shop": SAMPLE}})
    found = GateFinding(
        gate="errors",
        surface="shop",
        result=Result.SATISFIED,
        seen="0.04 % (0.02 to 0.07) of 300,000",
        wanted="<= 1 %",
        since=build.NOW,
    )
    status = build.status(observation=observation).model_copy(update={"gates": (found,)})
    train = build.train(build.rollout(), status)
    train = replace(train, contract=train.contract.model_copy(update={"surfaces": {"shop": SURFACE}}))
    shown = status_view(train, now=build.NOW, pull_request=None, columns=columns)
    return shown.partition(f"{section}\n")[2].partition("\n\n")[0].splitlines()


def test_status_shows_what_was_measured_in_place_of_health_that_there_is_not() -> None:
    assert _status(200) == [
        "  shop  errors 0.04 % (0.02 to 0.07) of 300,000, p95 0.23 seconds, crashes unknown; 12s old"
    ]
    assert max(len(line) for line in _status(80)) <= 80


def test_metrics_are_read_in_no_checkout() -> None:
    sample = SAMPLE.model_copy(update={"product_head": "a" * 40, "holds_release": True})
    observation = build.observe().model_copy(update={"samples": {"shop": sample}})
    assert heads_read(observation) == {}
    assert heads_read(build.observe()) != {}


@pytest.mark.parametrize(
    ("seen", "wanted", "shown"),
    [
        ("0", "<= 1", "0 of at most 1"),
        ("0.05 %", "<= 1 %", "0.05 %, at most 1 %"),
        ("0.23 seconds", "<= 0.3 seconds", "0.23 seconds, at most 0.3 seconds"),
        ("1 times", "<= 1.2 times p95_before", "1 times, at most 1.2 times p95_before"),
        ("0.2 seconds", ">= 0.1 and <= 0.3 seconds", "0.2 seconds (>= 0.1 and <= 0.3 seconds)"),
    ],
)
def test_a_gate_that_holds_is_shown_with_its_limit(seen: str, wanted: str, shown: str) -> None:
    found = GateFinding(
        gate="g", surface="shop", result=Result.SATISFIED, seen=seen, wanted=wanted, since=build.NOW
    )
    assert [text.replace("\\.", ".") for text in holding([found])] == [f"✓ g: {shown}"]


def test_a_percent_stays_beside_its_sign_and_one_surface_shows_its_figure() -> None:
    widths = range(40, 90)
    shown = [line.strip() for width in widths for line in _status(width, "Gates")]
    assert [line for line in shown if line.startswith("%")] == []
    assert _status(200, "Gates") == ["  ✓ satisfied  errors  0.04 % (0.02 to 0.07) of 300,000"]
