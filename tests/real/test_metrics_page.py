"""docs/metrics.md leads from a Prometheus to the first promotion: each step is typed, with a real one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

import pytest

from rollout.adapters.clock import SystemClock
from rollout.demo.service.exporter import serving
from rollout.demo.service.prometheus import prometheus
from rollout.demo.service.story import FLAG
from rollout.demo.service.traffic import Build, Traffic
from rollout.errors import InputError
from rollout.files.flag_text import number_in
from tests import pages
from tests.real.test_prometheus import BETWEEN_LOOKS, ask

pytestmark = pytest.mark.enable_socket

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
ADDRESS = "http://127.0.0.1:9090"
"""What the page calls the reader's Prometheus."""

LOOKS = 300


def percent(flags: Path) -> float:
    """What the service reads in its flag file."""
    try:
        return number_in(flags.read_bytes(), FLAG).value
    except (OSError, InputError):
        return 0  # not there yet, or just being written


@pytest.fixture
def flags(tmp_path: Path) -> Path:
    return tmp_path / "typed" / "shop" / "flags.json"


def _prometheus(target: str) -> AbstractContextManager[str]:
    """Scrapes seldom: a scrape between the queries of a proportion makes more good requests than requests."""
    return prometheus(target, SystemClock(), every="5s")


@pytest.fixture
def url(flags: Path) -> Iterator[str]:
    """A Prometheus that has seen v1.3.0 run; v1.4.0 is deployed and gets what the flag file says."""
    traffic, clock = Traffic({"v1.3.0": Build(0.005), "v1.4.0": Build(0.0004)}, "v1.3.0"), SystemClock()
    traffic.canary = "v1.4.0"
    with serving(traffic, lambda: percent(flags), clock) as target, _prometheus(target) as address:
        for _ in range(LOOKS):
            if ask(address, 'sum(increase(http_requests_total{code="500"}[1m])) > 0').points:
                yield address
                return
            Event().wait(BETWEEN_LOOKS)
        raise AssertionError("Prometheus has no two scrapes")


FIGURE = re.compile(
    r"\b\d+(,\d{3})+\b|\b\d+\.\d{3,}\b"  # a count, a latency
    r"|(?<=errors: )[\d.]+|(?<=failing_before: )[\d.]+|(?<=failing_before )[\d.]+|(?<=\()[\d.]+(?= of )"
)


def steady(text: str) -> str:
    """What was measured differs from run to run."""
    return FIGURE.sub("FIGURE", pages.steady(text))


def test_ten_steps_lead_to_the_first_promotion(url: str, flags: Path, tmp_path: Path) -> None:
    pages.check_page(PAGE, tmp_path, pace=pages.at_the_clocks_pace, steady=steady, given=(ADDRESS, url))
    assert percent(flags) == 0.1
    steps = re.findall(r"^\d+\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert 5 < len(steps) <= 10
