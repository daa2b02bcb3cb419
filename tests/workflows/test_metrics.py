"""Metrics on the local GitHub: a job of their own asks the servers, and hands over what they said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakehub.act import ActRun, run_act
from fakehub.entities import JobResult
from fakehub.hub import Hub
from fakehub.played import play
from tests.fakes.metrics_server import MetricsServer, Page, vector
from tests.workflows.adopter import adopt
from tests.workflows.rollback_town import roll_back
from tests.workflows.test_secrets import left_behind
from tests.workflows.town import COLLECTED, CONTRACT, MEASURED, STEADY, Town, build, keys

TOKEN = "s3cr3t-of-the-metrics-server"
QUERY = "sum(rate(slow[5m]))"
GATE = "{kind: threshold, surfaces: [checkout], field: slow, max: 1}"
SURFACE = """\
  checkout:
    metrics:
      provider: prometheus
      url: URL
      auth: {bearer_env: PROM_TOKEN}
      queries:
        slow: {query: "sum(rate(slow[5m]))"}
"""
ALONE = f"""\
schema: 1
train: tau
surfaces:
{SURFACE}sampling: {{interval: 10m, min_interval: 5m, max_age: 20m, max_gap: 30m}}
phases:
  - {{name: preflight, canary_percent: 0, soak: {{runs: 1}}, gates: [{GATE}, {{kind: rollback_target}}]}}
  - {{name: canary, canary_percent: 5, soak: {{runs: 1}}, gates: [{GATE}]}}
  - {{name: everybody, canary_percent: 100, soak: {{runs: 1}}, inherit: canary}}
"""
_, _, SECTION = CONTRACT.partition("harness:\n")
HARNESS = "harness:\n" + SECTION.partition("sampling:")[0]
TESTED = ALONE.replace("sampling:", f"{HARNESS}sampling:").replace(
    f"gates: [{GATE}, ", f"gates: [{GATE}, {{kind: harness, total: 1, passed: 1, failed: 0}}, ", 1
)
"""Metrics alone, and a harness that the product runs."""
BESIDE = CONTRACT.replace("harness:\n", f"{SURFACE}harness:\n", 1).replace(
    "gates: [{kind: health_state, is: healthy}]", f"gates: [{{kind: health_state, is: healthy}}, {GATE}]"
)
"""Surfaces of the product, and one that is metrics."""


class Server(MetricsServer):
    """Measures 0.5 at the hub's time."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.date = None
        self._hub = hub

    def page(self, path: str, headers: dict[str, str]) -> Page:
        super().page(path, headers)
        return vector("0.5", at=self._hub.clock.now())


@pytest.fixture
def server(hub: Hub) -> Iterator[MetricsServer]:
    hub.engine.secrets["PROM_TOKEN"] = TOKEN
    with Server(hub).serving() as server:
        yield server


def test_an_adopters_train_is_promoted_by_metrics_alone(
    hub: Hub, tmp_path: Path, server: MetricsServer
) -> None:
    """By act, with what `init --workflows` wrote: the secret reaches the server, and is left nowhere."""
    hub.engine.run_jobs = by_act
    contract = ALONE.replace("URL", server.url).replace("PROM_TOKEN", "SHOP_TOKEN")
    hub.engine.secrets["SHOP_TOKEN"] = TOKEN
    del hub.engine.secrets["PROM_TOKEN"]
    town = adopt(hub, tmp_path, app=True, contract=contract)
    assert keys(town.start()) == ["start"]
    runs = town.settle()
    assert [keys(run) for run in runs["rollout-metrics"]] == [MEASURED]
    assert "rollout-collect" not in runs, "nothing of the product is read, so no minute is paid for it"
    town.merge()
    town.settle()
    assert town.state("status")["legal"]["phase"] == "canary"
    sample = town.state("status")["observation"]["samples"]["checkout"]
    assert sample["measurements"]["slow"]["value"] == 0.5
    assert {query["Authorization"] for query in server.headers} == {f"Bearer {TOKEN}"}
    assert set(server.asked) == {QUERY}
    left = left_behind(town)
    assert "measurements" in left
    assert TOKEN not in left


def by_act(run: ActRun) -> list[JobResult]:
    """Plays all but the job whose environment holds the secret."""
    return run_act(run) if run.workflow.name == "rollout-metrics.yml" else play(run)


@pytest.fixture
def town(hub: Hub, tmp_path: Path, server: MetricsServer) -> Town:
    """A release in preflight whose product and metrics are read on one label, by two jobs."""
    town = build(hub, tmp_path, app=True, contract=BESIDE.replace("URL", server.url))
    town.start()
    return town


def test_parts_of_both_jobs_make_one_state(town: Town) -> None:
    runs = town.settle()
    assert [keys(run) for run in runs["rollout-collect"]] == [COLLECTED]
    assert [keys(run) for run in runs["rollout-metrics"]] == [MEASURED]
    assert [run.title for run in runs["rollout-metrics"]] == ["rollout-metrics on ubuntu-24.04"]
    observed = town.state("status")["observation"]
    assert sorted(observed["samples"]) == ["checkout", "memory", "voice"]
    assert observed["harness"]["status"] == "passed", "the part of metrics, which has none, loses no report"
    town.merge()
    town.settle()
    assert town.state("status")["legal"]["phase"] == "canary-1"


def test_where_all_surfaces_are_metrics_the_product_runs_its_harness_alone(
    hub: Hub, tmp_path: Path, server: MetricsServer
) -> None:
    town = build(hub, tmp_path, app=True, contract=TESTED.replace("URL", server.url))
    town.start()
    runs = town.settle()
    assert [keys(run) for run in runs["rollout-collect"]] == [COLLECTED]
    observed = town.state("status")["observation"]
    assert (list(observed["samples"]), observed["harness"]["status"]) == (["checkout"], "passed")
    town.merge()
    runs = town.settle()
    assert town.state("status")["legal"]["phase"] == "canary"
    assert [keys(run) for run in runs["rollout-metrics"]] == [MEASURED]
    assert "rollout-collect" not in runs, "nothing is asked of the product in this phase"


def test_a_metrics_runner_that_is_away_holds_up_no_rollback(
    hub: Hub, tmp_path: Path, server: MetricsServer
) -> None:
    hub.engine.labels.append("inside")
    hub.engine.offline.add("inside")
    contract = BESIDE.replace("URL", server.url).replace("  checkout:\n", "  checkout:\n    runner: inside\n")
    town = build(hub, tmp_path, app=True, contract=contract)
    town.start()
    town.settle()
    assert sorted(town.state("status")["observation"]["samples"]) == ["memory", "voice"]
    assert keys(roll_back(town, reason="users complain")) == ["rollback"]
    town.settle()
    for _ in range(2):
        assert keys(town.tick()) == STEADY
    assert town.open_pull().title.startswith("Revert v0.1.5")
    queued = [run for run in town.repo.runs if run.title == "rollout-metrics on inside"]
    assert [run.status for run in queued] == ["queued"], "one waits, and no other is asked for"
    assert server.asked == []


def test_no_job_but_that_of_metrics_is_handed_their_secrets(
    hub: Hub, tmp_path: Path, server: MetricsServer
) -> None:
    """A job has the secrets that its file names; the product's command tells what it sees of them."""
    handed: dict[str, set[str]] = {}

    def noting(run: ActRun) -> list[JobResult]:
        handed[run.workflow.name] = set(re.findall(r"secrets\.(\w+)", run.workflow.read_text()))
        return by_act(run)

    hub.engine.run_jobs = noting
    hub.engine.secrets["SHOP_BEARER"] = TOKEN
    seen = tmp_path / "seen"
    contract = BESIDE.replace("URL", server.url).replace("PROM_TOKEN", "SHOP_BEARER")
    told = contract.replace("[sh, probe.sh, voice]", f"[sh, -c, 'env >{seen}; sh probe.sh voice']")
    town = adopt(hub, tmp_path, app=True, contract=told)
    town.start()
    town.settle()
    assert town.state("status")["observation"]["samples"]["checkout"]["measurements"]["slow"]["value"] == 0.5
    assert "PATH=" in seen.read_text()
    assert TOKEN not in seen.read_text()
    assert [name for name, secrets in handed.items() if "SHOP_BEARER" in secrets] == ["rollout-metrics.yml"]
    assert handed["rollout-metrics.yml"] == {"SHOP_BEARER"}
    assert "rollout-collect.yml" in handed
