"""`burn_rate`: pairs of windows over which a service spends its error budget."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.core.contract import Contract
from rollout.core.observation import Sample
from rollout.core.state import Outcome, Result, Verdict
from tests.core.world import World

PAGE = {"long": "1h", "short": "5m", "factor": 14.4}
TICKET = {"long": "6h", "short": "30m", "factor": 6}
BURN = {"kind": "burn_rate", "good": "ok", "total": "all", "objective": 0.999, "windows": [PAGE, TICKET]}
TRIGGER = {**BURN, "name": "budget", "actions": ["freeze", "rollback"]}
UNKNOWN = "no series"
Windows = dict[str, tuple[float | str, float | str]]
"""Window -> good and total over it, each a number or why it is unknown."""
WELL: Windows = dict.fromkeys(("5m", "30m", "1h", "6h"), (1000, 1000))


def contract(trigger: dict[str, Any] | None = None) -> Contract:
    queries = {name: {"query": f"sum(increase({name}[{{window}}]))"} for name in ("ok", "all")}
    metrics = {"provider": "prometheus", "url": "https://prometheus.example", "queries": queries}
    return Contract.model_validate(
        {
            "schema": 1,
            "train": "shop",
            "surfaces": {"shop": {"metrics": metrics}},
            "phases": [
                {"name": "dark", "canary_percent": 0, "soak": "0s", "gates": [BURN]},
                {"name": "few", "canary_percent": 10, "soak": "10m", "inherit": "dark"},
                {"name": "everybody", "canary_percent": 100, "soak": "1h", "inherit": "dark"},
            ],
            "triggers": [trigger] if trigger else [],
        }
    )


class Shop(World):
    """A release of the shop in its phase `few`."""

    def __init__(self, trigger: dict[str, Any] | None = None) -> None:
        super().__init__(contract(trigger))
        self.windows = WELL
        self.reach("few")

    def sample(self, surface: str, **changes: Any) -> Sample:
        measured = {
            name: {
                "value": 0,
                "at": self.now,
                "windows": {each: _measured(counts[index]) for each, counts in self.windows.items()},
            }
            for index, name in enumerate(("ok", "all"))
        }
        return Sample.model_validate({"updated_at": self.now, "measurements": measured, **changes})

    def see(self, **windows: tuple[float | str, float | str]) -> Shop:
        self.windows = {**WELL, **{name.removeprefix("w"): counts for name, counts in windows.items()}}
        self.wait(minutes=10).observe()
        return self

    def outcome(self) -> Outcome:
        return self.rollout.outcome

    @property
    def leaf(self) -> tuple[Result, str]:
        (found,) = (each for each in self.status.gates if each.gate == "burn_rate.all")
        return found.result, found.seen


def _measured(count: float | str) -> dict[str, object]:
    return {"unknown": count} if isinstance(count, str) else {"value": count}


def test_a_contract_asks_for_the_windows_of_its_gates_and_triggers() -> None:
    other = {**TRIGGER, "good": "ok", "total": "ok", "windows": [{"long": "3d", "short": "6h", "factor": 1}]}
    assert contract(other).windows == {
        "shop": {"ok": (300, 1800, 3600, 21600, 259200), "all": (300, 1800, 3600, 21600)}
    }


@pytest.mark.parametrize(
    ("windows", "result", "seen"),
    [
        ({}, Result.SATISFIED, "burns 0 over 1h and 0 over 5m, 0 over 6h and 0 over 30m"),
        (
            {"w1h": (980, 1000), "w5m": (970, 1000)},
            Result.UNSATISFIED,
            "burns 20 over 1h and 30 over 5m",
        ),
        (
            {"w1h": (980, 1000)},
            Result.SATISFIED,
            "burns 20 over 1h and 0 over 5m, 0 over 6h and 0 over 30m",
        ),
        (
            {"w5m": (500, 1000)},
            Result.SATISFIED,
            "burns 0 over 1h and 500 over 5m, 0 over 6h and 0 over 30m",
        ),
        ({"w6h": (993, 1000), "w30m": (993, 1000)}, Result.UNSATISFIED, "burns 7 over 6h and 7 over 30m"),
        ({"w1h": (9856, 10000), "w5m": (9856, 10000)}, Result.SATISFIED, "burns 14.4 over 1h"),
        ({"w1h": (9855, 10000), "w5m": (9855, 10000)}, Result.UNSATISFIED, "burns 14.5 over 1h"),
        ({"w5m": (UNKNOWN, 1000)}, Result.UNKNOWN, "ok over 5m: no series"),
        ({"w30m": (0, 0)}, Result.UNKNOWN, "all over 30m is 0: nothing to divide by"),
        ({"w30m": (1001, 1000)}, Result.UNKNOWN, "ok over 30m is 1001 of 1000"),
        (
            {"w5m": (UNKNOWN, UNKNOWN), "w6h": (990, 1000), "w30m": (990, 1000)},
            Result.UNSATISFIED,
            "burns 10 over 6h and 10 over 30m",
        ),
        (
            {"w5m": (UNKNOWN, UNKNOWN), "w1h": (0, 1000)},
            Result.UNKNOWN,
            "ok over 5m: no series",
        ),
    ],
)
def test_both_windows_of_a_pair_have_to_burn(windows: Windows, result: Result, seen: str) -> None:
    shop = Shop().see(**windows)
    assert shop.leaf[0] is result
    assert shop.leaf[1].startswith(seen)
    assert shop.not_recomputed == []


def test_a_window_that_was_not_measured_is_unknown() -> None:
    shop = Shop()
    shop.windows = {}
    shop.wait(minutes=10).observe()
    assert shop.leaf == (Result.UNKNOWN, "ok over 1h: not measured")
    (found,) = (each for each in shop.status.gates if each.gate == "burn_rate.all")
    assert found.wanted == "burn <= 14.4 over 1h or 5m, <= 6 over 6h or 30m"


def test_it_reads_health() -> None:
    shop = Shop().see().see()
    assert shop.status.decision.verdict is Verdict.PROMOTE
    shop.see(w1h=(0, 10), w5m=(0, 10))
    assert shop.status.soak.earned_seconds == 0


def test_a_trigger_rolls_back_what_burns() -> None:
    shop = Shop(TRIGGER).see(w1h=(980, 1000))
    assert [(each.state, each.wanted) for each in shop.status.triggers] == [
        ("quiet", "fires at burn > 14.4 over 1h and 5m, > 6 over 6h and 30m")
    ]
    shop.see(w1h=(980, 1000), w5m=(970, 1000))
    assert shop.outcome() is Outcome.ROLLING_BACK
    assert shop.rollout.frozen is not None
    assert shop.rollout.frozen.reason == "budget (shop): burns 20 over 1h and 30 over 5m"
    assert shop.not_recomputed == []


def test_unknown_windows_neither_add_to_a_streak_nor_clear_it() -> None:
    shop = Shop({**TRIGGER, "checks": 2})
    burning: Windows = {"w1h": (980, 1000), "w5m": (970, 1000)}
    shop.see(**burning).see(w5m=(UNKNOWN, UNKNOWN))
    assert shop.outcome() is Outcome.IN_PROGRESS
    assert shop.see(**burning).outcome() is Outcome.ROLLING_BACK
