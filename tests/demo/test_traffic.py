"""The simulated service: a flag divides its requests, and its counters say so."""

from __future__ import annotations

import pytest

from rollout.demo.service.traffic import REQUESTS_PER_SECOND, Build, Traffic

BUILDS = {"v1": Build(errors=0), "v2": Build(errors=0.04)}


def counters(traffic: Traffic) -> dict[str, int]:
    lines = (line for line in traffic.exposition().splitlines() if not line.startswith("#"))
    return {name: int(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize(("percent", "share"), [(0, 0), (0.1, 0.001), (25, 0.25), (100, 1)])
def test_the_flag_says_how_many_requests_the_canary_gets(percent: float, share: float) -> None:
    traffic = Traffic(BUILDS, stable="v1")
    traffic.canary = "v2"
    traffic.run(10, percent)
    seen, requests = counters(traffic), round(10 * REQUESTS_PER_SECOND * share)
    name = "http_request_duration_seconds"
    assert (
        seen[f'{name}_count{{version="v2"}}'] == requests == seen[f'{name}_bucket{{version="v2",le="+Inf"}}']
    )
    assert seen['http_requests_total{version="v2",code="500"}'] == requests * 0.04
    assert seen['http_requests_total{version="v1",code="200"}'] == 10 * REQUESTS_PER_SECOND - requests


def test_shares_of_a_request_are_not_lost() -> None:
    traffic = Traffic(BUILDS, stable="v1")
    traffic.canary = "v2"
    for _ in range(1000):
        traffic.run(1 / REQUESTS_PER_SECOND, 0.1)
    assert counters(traffic)['http_request_duration_seconds_count{version="v2"}'] in (0, 1)
    traffic.run(1 / REQUESTS_PER_SECOND, 0.1)
    assert counters(traffic)['http_request_duration_seconds_count{version="v2"}'] == 1


def test_without_a_canary_all_requests_go_to_what_everybody_has() -> None:
    traffic = Traffic(BUILDS, stable="v1")
    traffic.run(1, 50)
    assert counters(traffic)['http_requests_total{version="v1",code="200"}'] == REQUESTS_PER_SECOND
