"""Collecting many metrics of one provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from urllib.parse import urlencode

import urllib3

from benchmarks.table import Ratio
from benchmarks.timing import timed
from fakehub.clock import NOON
from rollout.adapters.clock import FixedClock
from rollout.adapters.metrics.servers import HttpMetricsServers
from rollout.commands.measuring import Measuring
from rollout.core.contract import Contract
from tests.fakes.metrics_server import MetricsServer, vector

QUERIES = 50
CONNECTIONS = 8
QUICK, SLOW = 0.02, 1.0
"""Seconds of a query, and of the slowest one, which comes last."""
SHARE, REST = 1.5, 0.2
"""The budget: so many times the slowest query, and seconds."""


def fifty_queries() -> Ratio:
    """Compares a surface's reading with the budget of the slowest query, as a bare client measures it."""
    names = [f"q{number}" for number in range(QUERIES)]
    with MetricsServer().serving() as server:
        server.otherwise = replace(vector("1"), delay=QUICK)
        server.pages[names[-1]] = replace(vector("1"), delay=SLOW)
        slowest = _bare(server, names)
        before, contract = server.connections, _contract(server, names)
        measuring = Measuring(HttpMetricsServers({}, FixedClock(NOON)), contract, {}, FixedClock(NOON))
        took = timed(lambda: measuring.read("shop", contract.surfaces["shop"]))
        used = server.connections - before
    assert used <= CONNECTIONS, f"{used} connections"
    budget = SHARE * slowest + REST
    return Ratio(took / budget, f"{took:.2f} s on {used} connections over {budget:.2f} s")


def _bare(server: MetricsServer, names: list[str]) -> float:
    """Returns the seconds of the slowest query of a client that does nothing else."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", server.port, maxsize=CONNECTIONS, block=True)

    def ask(name: str) -> float:
        begin = perf_counter()
        assert pool.request("GET", f"/api/v1/query?{urlencode({'query': name})}").data
        return perf_counter() - begin

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return max(threads.map(ask, names))


def _contract(server: MetricsServer, names: list[str]) -> Contract:
    queries = {name: {"query": name} for name in names}
    metrics = {"provider": "prometheus", "url": server.url, "queries": queries}
    gates = [{"kind": "threshold", "field": names[0], "max": 1}]
    return Contract.model_validate(
        {
            "schema": 1,
            "train": "shop",
            "surfaces": {"shop": {"metrics": metrics}},
            "phases": [
                {"name": "before", "canary_percent": 0, "soak": "0s", "gates": gates},
                {"name": "all", "canary_percent": 100, "soak": "1h", "inherit": "before"},
            ],
        }
    )
