"""A plain query's unit is in what gates and triggers say of it."""

from __future__ import annotations

from typing import Any

from rollout.core.contract import Contract
from rollout.core.observation import Sample
from tests.core.world import World

GATE = {"kind": "threshold", "field": "p95", "max": 0.3}
TRIGGER = {
    "name": "slow",
    "kind": "threshold",
    "field": "p95",
    "at_least": 2,
    "actions": ["freeze", "rollback"],
}


def contract() -> Contract:
    metrics = {
        "provider": "prometheus",
        "url": "https://prometheus.example",
        "queries": {"p95": {"query": "p95", "unit": "seconds"}},
    }
    phases = [
        {"name": "dark", "canary_percent": 0, "soak": "0s", "gates": [GATE]},
        {"name": "few", "canary_percent": 10, "soak": "30m", "gates": [GATE]},
        {"name": "all", "canary_percent": 100, "soak": "1h", "gates": [GATE]},
    ]
    return Contract.model_validate(
        {
            "schema": 1,
            "train": "shop",
            "surfaces": {"shop": {"metrics": metrics}},
            "phases": phases,
            "triggers": [TRIGGER],
        }
    )


class Shop(World):
    p95 = 0.23

    def sample(self, surface: str, **changes: Any) -> Sample:
        measured = {"p95": {"value": self.p95, "at": self.now}}
        return Sample.model_validate({"updated_at": self.now, "measurements": measured, **changes})


def test_a_figure_and_its_limit_have_the_unit_of_the_query() -> None:
    shop = Shop(contract())
    shop.reach("few").wait(minutes=5).observe()
    (found,) = (each for each in shop.status.gates if each.gate == "p95")
    assert (found.seen, found.wanted) == ("0.23 seconds", "<= 0.3 seconds")
    shop.p95 = 2.5
    shop.wait(minutes=5).observe()
    (fired,) = (each for each in shop.status.triggers if each.fired)
    assert fired.seen == "p95=2.5 seconds"
    assert shop.not_recomputed == []
