"""A canary on a real Prometheus, by the clock on the wall: one that is completed, one that is rolled back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from rollout.adapters.clock import SystemClock
from rollout.adapters.metrics.servers import HttpMetricsServers
from rollout.cli import main
from rollout.core.contract import Surface
from rollout.core.surfaces.metrics.answers import Answer
from rollout.core.surfaces.metrics.questions import plan
from rollout.demo.service.prometheus import prometheus
from tests.adapters.scratch import Repository
from tests.real.exporter import Exporter

pytestmark = pytest.mark.enable_socket

CONTRACT = """\
schema: 1
train: shop
surfaces:
  shop:
    interval: 2s
    timeout: 10s
    metrics:
      provider: prometheus
      url: {url}
      queries:
        errors:
          good: 'sum(increase(good_total{{version="{{version}}"}}[{{window}}]))'
          total: 'sum(increase(requests_total{{version="{{version}}"}}[{{window}}]))'
          min_samples: 300
        errors_before:
          good: 'sum(increase(good_total{{version="{{baseline}}"}}[{{window}}]))'
          total: 'sum(increase(requests_total{{version="{{baseline}}"}}[{{window}}]))'
        good: {{query: 'sum(increase(good_total{{version="{{version}}"}}[{{window}}]))'}}
        requests: {{query: 'sum(increase(requests_total{{version="{{version}}"}}[{{window}}]))'}}
        served: {{query: 'sum(requests_total{{version="{{version}}"}})'}}
sampling: {{interval: 2s, min_interval: 1s, max_age: 30s, max_gap: 1m}}
phases:
  - name: before
    canary_percent: 0
    soak: 0s
    gates: [{{kind: threshold, field: errors_before, max: 0.05}}]
  - name: canary
    canary_percent: 0.1
    soak: 2s
    gates:
      - {{kind: threshold, field: errors, max: 0.05}}
      - {{kind: ratio, field: errors, over: errors_before, max: 2}}
      - {{kind: advancing, counter: served, by: 300}}
  - {{name: half, canary_percent: 50, soak: 2s, inherit: canary}}
  - {{name: all, canary_percent: 100, soak: 2s, inherit: canary}}
triggers:
  - name: budget
    kind: burn_rate
    good: good
    total: requests
    objective: 0.95
    windows: [{{long: 6s, short: 2s, factor: 4}}]
    actions: [freeze, rollback]
"""
ROUNDS = 100
BETWEEN_TICKS = 1.1
"""Seconds: two observations that began in one second would contradict each other."""
BETWEEN_LOOKS = 0.1


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter().serving() as serving:
        yield serving


@pytest.fixture
def url(exporter: Exporter) -> Iterator[str]:
    with prometheus(exporter.target, SystemClock(), every="250ms") as address:
        yield address


class Team:
    """People who merge what is proposed, and a scheduler that ticks."""

    def __init__(self, repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
        self.repository = repository
        self._capsys = capsys

    def run(self, *arguments: str) -> str:
        self._capsys.readouterr()
        code = main([*arguments, "--repo", str(self.repository.path)])
        printed = self._capsys.readouterr()
        assert code == 0, (arguments, printed.err)
        return printed.out

    def until(self, outcome: str) -> list[Any]:
        """What each tick printed, until the rollout has that outcome."""
        ticks, pause = [], Event()
        for _ in range(ROUNDS):
            ticks.append(json.loads(self.run("tick", "--json")))
            for each in json.loads(self.run("local", "prs", "--json")):
                if each["state"] == "open" and each["kind"] == "promotion":
                    self.run("local", "merge", str(each["number"]))
            if json.loads(self.run("status", "--json"))["outcome"] == outcome:
                return ticks
            pause.wait(BETWEEN_TICKS)
        raise AssertionError(ticks[-1])


@pytest.fixture
def team(url: str, exporter: Exporter, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Team:
    exporter.errors["v1.3.0"] = 4
    team = Team(Repository(tmp_path / "shop"), capsys)
    team.run("init", "--train", "shop", "--current-version", "v1.3.0")
    (team.repository.path / "state/shop/contract.yaml").write_text(CONTRACT.format(url=url))
    team.repository.commit({}, "Add the contract")
    team.repository.git("tag", "v1.3.0")
    team.repository.commit({"shop.txt": "hello\n"}, "Greet")
    return team


def test_a_canary_from_a_thousandth_to_all(team: Team, exporter: Exporter) -> None:
    exporter.errors["v1.4.0"] = 4
    team.run("start", "v1.4.0")
    ticks = team.until("complete")
    assert list(dict.fromkeys(each["phase"] for each in ticks)) == ["before", "canary", "half", "all"]
    assert "all as recorded" in team.run("verify")


def test_a_canary_that_burns_its_error_budget_is_rolled_back(team: Team, exporter: Exporter) -> None:
    exporter.errors["v1.4.0"] = 200
    team.run("start", "v1.4.0")
    fired = [row["trigger"] for row in team.until("rolling_back")[-1]["triggers"] if row["fired"]]
    assert fired == ["budget"]
    assert "all as recorded" in team.run("verify")


# --- the language ----------------------------------------------------------------------------------------

VERSIONS = ['v"1', "v'1", "v\\1", "v{1}", "v\n1", "é½🦊", '"} or vector(1) #', "{version}", "\\", "\u202ev"]


def ask(url: str, query: str, **values: str) -> Answer:
    given = {"provider": "prometheus", "url": url, "queries": {"q": {"query": query}}}
    metrics = Surface.model_validate({"metrics": given}).metrics
    assert metrics is not None
    [asked] = plan(metrics, values, interval=600, windows={})
    [question] = asked.questions.values()
    return HttpMetricsServers({}, SystemClock()).ask(metrics, [question], timeout=10)[question]


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_version_of_any_signs_finds_its_own_series_and_no_other(
    url: str, exporter: Exporter, quote: str
) -> None:
    exporter.errors.update(dict.fromkeys(VERSIONS, 0))
    for version in VERSIONS:
        query = f"count(requests_total{{version={quote}{{version}}{quote}}})"
        found, pause = ask(url, query, version=version), Event()
        for _ in range(ROUNDS):
            if found.points:
                break
            pause.wait(BETWEEN_LOOKS)
            found = ask(url, query, version=version)
        assert [point.value for point in found.points] == [1], (version, found)


REJECTED = [
    ("sum(up", 'answered 400: the query is rejected: invalid parameter "query"'),
    ("foo(up)", 'unknown function with name "foo"'),
    ("up[5m]", "gives a matrix, not an instant vector of numbers"),
    ('"text"', "gives a string, not an instant vector of numbers"),
    ("up / on(x) group_left vector(1) bool", "the query is rejected"),
]


@pytest.mark.parametrize(("query", "why"), REJECTED)
def test_what_the_server_rejects_is_told_in_its_words(url: str, query: str, why: str) -> None:
    assert why in ask(url, query).why
