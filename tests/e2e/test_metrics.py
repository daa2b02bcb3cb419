"""A release that is judged by a metrics server alone, as a person types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_socket import socket_allow_hosts

from tests.adapters.scratch import Repository
from tests.e2e.shell import Shell
from tests.fakes.metrics_server import MetricsServer, vector

CONTRACT = """\
schema: 1
train: shop
surfaces:
  checkout:
    metrics:
      provider: prometheus
      url: {url}
      queries:
        errors:
          good: 'ok{{v="{{version}}"}}[{{window}}]'
          total: 'all{{v="{{version}}"}}[{{window}}]'
          min_samples: 300
        latency: {{query: 'p95{{v="{{baseline}}"}}', unit: seconds}}
        crashes: {{query: 'crashes', on_empty: zero}}
        served: {{query: 'served{{v="{{version}}"}}'}}
phases:
  - {{name: before, canary_percent: 0, soak: 0s, gates: [{{kind: threshold, field: latency, max: 0.5}}]}}
  - name: canary
    canary_percent: 5
    soak: 20m
    gates:
      - {{kind: threshold, field: errors, max: 0.01}}
      - {{kind: no_new, counter: crashes}}
      - {{kind: advancing, counter: served}}
  - {{name: all, canary_percent: 100, soak: 10m, inherit: canary}}
triggers:
  - {{name: errors, kind: threshold, field: errors, at_least: 0.05, checks: 1, actions: [freeze, rollback]}}
"""


@pytest.fixture
def server(socket_enabled: None) -> Iterator[MetricsServer]:
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    with MetricsServer().serving() as serving:
        yield serving


@pytest.fixture
def shell(server: MetricsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    repository = Repository(tmp_path / "shop")
    shell = Shell(repository.path, capsys)
    shell.ok("init", "--train", "shop", "--current-version", "v1.3.0")
    (repository.path / "state/shop/contract.yaml").write_text(CONTRACT.format(url=server.url))
    repository.commit({}, "Add the contract")
    repository.git("tag", "v1.3.0")
    repository.commit({"shop.txt": "hello\n"}, "Greet")
    return shell


def measures(
    server: MetricsServer, shell: Shell, *, bad: int = 2, total: int = 1000, crashes: int = 0, served: int = 0
) -> None:
    """Lays out what the server measures from now on."""
    now = shell.now
    server.date = now
    for version in ("v1.3.0", "v1.4.0"):
        server.pages[f'ok{{v="{version}"}}[10m]'] = vector(str(total - bad), at=now)
        server.pages[f'all{{v="{version}"}}[10m]'] = vector(str(total), at=now)
        server.pages[f'p95{{v="{version}"}}'] = vector("0.25", at=now)
        server.pages[f'served{{v="{version}"}}'] = vector(str(served), at=now)
    server.pages["crashes"] = vector(str(crashes), at=now) if crashes else vector()


def tick(server: MetricsServer, shell: Shell, **figures: int) -> Any:
    shell.wait(minutes=10)
    measures(server, shell, **figures)
    return shell.json("tick")


def test_a_release_is_promoted_by_measurements_and_verified_without_a_server(
    server: MetricsServer, shell: Shell
) -> None:
    shell.ok("start", "v1.4.0")
    decisions = []
    for minute in range(0, 80, 10):
        shell.wait(minutes=10)
        measures(server, shell, served=minute)
        said = shell.json("tick")
        decisions.append((said["phase"], said["decision"]))
        for pull_request in shell.json("local", "prs"):
            if pull_request["state"] == "open":
                shell.ok("local", "merge", str(pull_request["number"]))
    assert decisions == [
        ("before", "promote"),
        ("canary", "hold"),
        ("canary", "hold"),
        ("canary", "promote"),
        ("all", "hold"),
        ("all", "complete"),
        ("all", "complete"),
        ("all", "complete"),
    ]
    server.pages.clear()
    paths = len(server.paths)
    assert "all as recorded" in shell.ok("verify").out
    assert len(server.paths) == paths


def test_too_many_errors_roll_back(server: MetricsServer, shell: Shell) -> None:
    shell.ok("start", "v1.4.0")
    shell.wait(minutes=1)
    measures(server, shell)
    shell.ok("tick")
    shell.ok("local", "merge", "1")
    tick(server, shell, bad=10)
    said = tick(server, shell, bad=300)
    assert (said["decision"], [row["trigger"] for row in said["triggers"] if row["fired"]]) == (
        "rollback",
        ["errors"],
    )
    assert "all as recorded" in shell.ok("verify").out


UNSURE = [
    ({"total": 20, "bad": 0}, {"total": 21, "bad": 0}, "errors", "too few to tell: 41 of 300"),
    ({"bad": 1}, {"bad": 15}, "errors", "cannot tell yet: 0.8 % (0.3 to 1.7) of 2,000"),
    ({}, {"crashes": 1}, "no_new.crashes", "1 new (total 1)"),
]
"""What is measured first, and then."""


@pytest.mark.parametrize(("first", "figures", "gate", "seen"), UNSURE)
def test_one_gate_that_does_not_hold_stands_alone(
    server: MetricsServer,
    shell: Shell,
    first: dict[str, int],
    figures: dict[str, int],
    gate: str,
    seen: str,
) -> None:
    shell.ok("start", "v1.4.0")
    shell.wait(minutes=1)
    measures(server, shell)
    shell.ok("tick")
    shell.ok("local", "merge", "1")
    tick(server, shell, **first)
    said = tick(server, shell, **figures, served=2)
    waits = [(row["gate"], row["seen"]) for row in said["gates"] if row["result"] != "satisfied"]
    assert (gate, seen) in waits
    assert {name for name, _ in waits} <= {gate, "soak"}


def test_a_server_that_is_away_holds_and_rolls_nothing_back(server: MetricsServer, shell: Shell) -> None:
    shell.ok("start", "v1.4.0")
    shell.wait(minutes=1)
    measures(server, shell)
    shell.ok("tick")
    shell.ok("local", "merge", "1")
    tick(server, shell)
    server.pages.clear()
    shell.wait(minutes=10)
    shell.ok("tick")
    shell.wait(minutes=10)
    said = shell.json("tick")
    assert (said["decision"], any(row["fired"] for row in said["triggers"])) == ("hold", False)


def test_what_is_tried_shows_each_query_as_it_was_sent(server: MetricsServer, shell: Shell) -> None:
    measures(server, shell, total=41, bad=1)
    head = shell.repo / ".git" / "HEAD"
    before = head.read_text()
    rows = shell.json("collect", "--try")
    assert [(row["surface"], row["query"], row["value"], row["samples"], row["unknown"]) for row in rows] == [
        ("checkout", "errors", None, 41, "too few to tell: 41 of 300"),
        ("checkout", "latency", 0.25, None, None),
        ("checkout", "crashes", 0, None, None),
        ("checkout", "served", 0, None, None),
    ]
    assert rows[0]["sent"] == 'good: ok{v="v1.3.0"}[10m]\ntotal: all{v="v1.3.0"}[10m]'
    assert (rows[1]["sent"], rows[1]["at"]) == ('p95{v="v1.3.0"}', "2026-11-23T09:00:00Z")
    said = shell.ok("collect", "--try").out
    assert '    latency: 0.25 seconds\n      sent: p95{v="v1.3.0"}\n' in said
    assert head.read_text() == before


def test_all_unknown_is_no_failure_of_trying(server: MetricsServer, shell: Shell) -> None:
    server.pages.clear()
    rows = shell.json("collect", "--try")
    assert [row["unknown"] for row in rows if row["query"] != "crashes"] == [
        "good: no series: do its labels match? `on_empty: zero` counts none as 0",
        *["no series: do its labels match? `on_empty: zero` counts none as 0"] * 2,
    ]
    assert json.loads(json.dumps(rows)) == rows
