"""Proportions of a metrics surface: what a phase counts, and what gates and triggers make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.core.contract import Contract
from rollout.core.observation import Sample
from rollout.core.state import Outcome, Result, Tally, Verdict
from tests.core.world import World

ERRORS = {"kind": "threshold", "field": "errors", "max": 0.01}
TRIGGER = {
    "name": "failing",
    "kind": "threshold",
    "field": "errors",
    "at_least": 0.01,
    "actions": ["freeze", "rollback"],
}


def contract(
    gate: dict[str, Any] = ERRORS, trigger: dict[str, Any] | None = None, **query: object
) -> Contract:
    proportion = {"good": "sum(ok)", "total": "sum(all)", "window": "10m", **query}
    metrics = {
        "provider": "prometheus",
        "url": "https://prometheus.example",
        "queries": {"errors": proportion},
    }
    return Contract.model_validate(
        {
            "schema": 1,
            "train": "shop",
            "surfaces": {"shop": {"metrics": metrics}},
            "phases": [
                {
                    "name": "dark",
                    "canary_percent": 0,
                    "soak": "0s",
                    "gates": [{"kind": "threshold", "field": "errors", "max": 1}],
                },
                {"name": "few", "canary_percent": 10, "soak": "30m", "gates": [gate]},
                {"name": "all", "canary_percent": 100, "soak": "1h", "gates": [gate]},
            ],
            "triggers": [trigger] if trigger else [],
        }
    )


class Shop(World):
    """A release of the shop in its phase `few`, whose errors are counted over ten minutes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(contract(*args, **kwargs))
        self.good, self.total = 1000.0, 1000.0
        self.window = 600
        self.ahead = timedelta(0)
        """How far the clock of the metrics server runs ahead."""
        self.reach("few")

    def sample(self, surface: str, **changes: Any) -> Sample:
        measured = {
            "value": 1 - self.good / self.total if self.total else None,
            "unknown": None if self.total else "total is 0",
            "at": self.now + self.ahead,
            "good": self.good,
            "total": self.total,
            "samples": self.total,
            "window": self.window,
        }
        return Sample.model_validate(
            {"updated_at": self.now, "measurements": {"errors": measured}, **changes}
        )

    def count(self, bad: float, total: float, *, minutes: float = 10) -> Shop:
        self.good, self.total = total - bad, total
        self.wait(minutes=minutes).observe()
        return self

    @property
    def tally(self) -> Tally | None:
        return self.status.tallies.get("shop", {}).get("errors")

    def verdict(self) -> Verdict:
        return self.status.decision.verdict

    def outcome(self) -> Outcome:
        return self.rollout.outcome

    @property
    def leaf(self) -> tuple[Result, str]:
        (found,) = (each for each in self.status.gates if each.gate == "errors")
        return found.result, found.seen


def test_what_a_phase_counts_begins_with_it_and_goes_on_window_by_window() -> None:
    shop = Shop().count(1, 1000).count(2, 1000)
    assert shop.tally == Tally(good=1997, total=2000, at=shop.now)
    assert shop.not_recomputed == []


@pytest.mark.parametrize(
    ("minutes", "counted"),
    [((8, 2), 1000), ((9,), 1000), ((10, 8), 1000), ((10, 9), 2000), ((10, 4, 4, 1), 2000), ((10, 60), 2000)],
)
def test_a_look_before_nine_tenths_of_a_window_adds_nothing(minutes: tuple[int, ...], counted: int) -> None:
    shop = Shop()
    for each in minutes:
        shop.count(0, 1000, minutes=each)
    assert shop.tally is not None
    assert shop.tally.total == counted


def test_a_count_of_a_time_ahead_adds_nothing_and_hides_none_after_it() -> None:
    shop = Shop().count(0, 1000)
    shop.ahead = timedelta(days=90)
    assert shop.count(0, 1000).tally == Tally(good=1000, total=1000, at=shop.now - timedelta(minutes=10))
    shop.ahead = timedelta(0)
    assert shop.count(500, 1000).tally == Tally(good=1500, total=2000, at=shop.now)
    assert shop.not_recomputed == []


def test_a_tally_of_a_time_ahead_begins_anew() -> None:
    """Earlier versions recorded one."""
    shop = Shop().count(0, 1000)
    ahead = {"shop": {"errors": Tally(good=1000, total=1000, at=shop.now + timedelta(days=90))}}
    shop.state = replace(shop.state, status=shop.status.model_copy(update={"tallies": ahead}))
    assert shop.count(500, 1000).tally == Tally(good=500, total=1000, at=shop.now)
    assert shop.not_recomputed == []


def test_a_window_that_began_before_the_phase_is_not_the_phases() -> None:
    shop = Shop().count(50, 1000, minutes=5)
    assert shop.tally is None
    assert shop.leaf == (Result.UNKNOWN, "cannot tell yet: no whole window of 10m since the phase began")


@pytest.mark.parametrize(
    ("bad", "total", "result", "seen"),
    [
        (0, 418, Result.UNKNOWN, "cannot tell yet: 0 % (0 to 1.0001) of 418"),
        (0, 419, Result.SATISFIED, "0 % (0 to 1) of 419"),
        (0, 1000, Result.SATISFIED, "0 % (0 to 0.45) of 1,000"),
        (4, 1000, Result.UNKNOWN, "cannot tell yet: 0.4 % (0 to 1.4) of 1,000"),
        (40, 10000, Result.SATISFIED, "0.4 % (0.22 to 0.66) of 10,000"),
        (20, 1000, Result.UNKNOWN, "cannot tell yet: 2 % (0.8 to 3.9) of 1,000"),
        (40, 2000, Result.UNSATISFIED, "2 % (1.1 to 3.3) of 2,000"),
    ],
)
def test_a_proportion_is_judged_by_its_bounds(bad: int, total: int, result: Result, seen: str) -> None:
    assert Shop().count(bad, total).leaf == (result, seen)


def test_while_nobody_can_tell_promotion_waits_and_soak_goes_on() -> None:
    shop = Shop()
    for _ in range(5):
        shop.count(0, 60)
    assert shop.status.soak.earned_seconds == 30 * 60
    assert shop.verdict() is Verdict.HOLD
    assert shop.status.decision.reasons == (
        "errors (shop): cannot tell yet: 0 % (0 to 1.4) of 300, wanted <= 1 %",
    )
    for _ in range(3):
        shop.count(0, 60)
    assert shop.verdict() is Verdict.PROMOTE
    assert shop.not_recomputed == []


def test_what_is_surely_too_much_resets_the_soak() -> None:
    shop = Shop().count(0, 500).count(0, 500).count(40, 500)
    assert shop.leaf == (Result.UNSATISFIED, "2.7 % (1.5 to 4.4) of 1,500")
    assert shop.status.soak.earned_seconds == 0


def test_what_cannot_be_measured_is_unknown_whatever_was_counted() -> None:
    shop = Shop().count(0, 5000)
    earned = shop.status.soak.earned_seconds
    shop.count(0, 0)
    assert shop.leaf == (Result.UNKNOWN, "total is 0")
    assert shop.tally is not None
    assert (shop.tally.total, shop.status.soak.earned_seconds) == (5000, earned)


def test_a_new_phase_counts_anew() -> None:
    shop = Shop()
    for _ in range(4):
        shop.count(0, 1000)
    shop.merge().offer()
    assert shop.status.phase == "all"
    assert shop.tally is None
    assert shop.count(0, 1000).tally == Tally(good=1000, total=1000, at=shop.now)


def test_other_rules_of_health_count_anew() -> None:
    shop = Shop().count(0, 1000)
    shop.change_contract(contract({**ERRORS, "max": 0.02})).offer()
    assert shop.tally is None


def test_a_reading_that_contradicts_the_last_one_takes_its_counts_back() -> None:
    shop = Shop().count(0, 1000).count(3, 1000)
    shop.good = 900
    shop.observe()
    assert shop.tally is not None
    assert shop.tally.total == 1000


def test_an_effect_too_small_to_matter_passes() -> None:
    assert Shop({**ERRORS, "min_effect": 0.02}).count(40, 2000).leaf[0] is Result.UNKNOWN
    assert Shop({**ERRORS, "min_effect": 0.03}).count(40, 2000).leaf[0] is Result.SATISFIED
    (found,) = (each for each in Shop({**ERRORS, "min_effect": 0.03}).status.gates if each.gate == "errors")
    assert found.wanted == "<= 1 %, give or take 3 %"


def test_a_lower_significance_waits_for_more() -> None:
    assert Shop({**ERRORS, "significance": 0.001}).count(40, 2000).leaf[0] is Result.UNKNOWN


def test_a_lower_bound_of_a_proportion() -> None:
    least = {"kind": "threshold", "field": "errors", "min": 0.01}
    assert Shop(least).count(0, 2000).leaf == (Result.UNSATISFIED, "0 % (0 to 0.24) of 2,000")
    assert Shop(least).count(60, 2000).leaf[0] is Result.SATISFIED
    assert Shop(least).count(20, 2000).leaf[0] is Result.UNKNOWN


# --- too few ----------------------------------------------------------------------------------------------


def test_too_few_samples_are_unknown_and_earn_nothing() -> None:
    shop = Shop(min_samples=300).count(0, 20.5).count(0, 21)
    assert shop.leaf == (Result.UNKNOWN, "too few to tell: 41 of 300")
    assert shop.status.soak.earned_seconds == 0
    assert shop.status.decision.reasons[0] == "errors (shop): too few to tell: 41 of 300, wanted <= 1 %"


def test_enough_samples_are_those_of_the_whole_phase() -> None:
    shop = Shop(min_samples=300)
    for _ in range(3):
        shop.count(0, 100)
    assert shop.leaf == (Result.UNKNOWN, "cannot tell yet: 0 % (0 to 1.4) of 300")


def test_too_few_samples_fire_nothing() -> None:
    shop = Shop(trigger=TRIGGER, min_samples=300).count(100, 200)
    assert shop.outcome() is Outcome.IN_PROGRESS
    assert [(each.state, each.seen) for each in shop.status.triggers] == [
        ("unknown", "errors too few to tell: 200 of 300")
    ]


# --- triggers ---------------------------------------------------------------------------------------------


def test_a_trigger_fires_when_the_lower_bound_is_above() -> None:
    shop = Shop(trigger=TRIGGER).count(20, 1000)
    assert [(each.state, each.wanted) for each in shop.status.triggers] == [
        ("quiet", "fires at errors >= 1 %")
    ]
    shop.count(20, 1000)
    assert shop.outcome() is Outcome.ROLLING_BACK
    assert shop.rollout.frozen is not None
    assert shop.rollout.frozen.reason == "failing (shop): errors 2 % (1.1 to 3.3) of 2,000"
    assert shop.not_recomputed == []


def test_a_trigger_may_want_several_looks() -> None:
    shop = Shop(trigger={**TRIGGER, "checks": 2}).count(40, 2000)
    assert shop.outcome() is Outcome.IN_PROGRESS
    shop.count(40, 2000)
    assert shop.outcome() is Outcome.ROLLING_BACK


def test_a_trigger_at_most_fires_when_the_upper_bound_is_below() -> None:
    quiet = {"name": "idle", "kind": "threshold", "field": "errors", "at_most": 0.01, "actions": ["freeze"]}
    shop = Shop({"kind": "threshold", "field": "errors", "min": 0.001}, trigger=quiet).count(0, 300)
    assert shop.rollout.frozen is None
    shop.count(0, 300)
    assert shop.rollout.frozen is not None


def test_late_evidence_of_the_phase_before_fires_nothing_and_counts_nothing() -> None:
    shop = Shop(trigger=TRIGGER)
    for _ in range(4):
        shop.count(0, 1000)
    shop.good = 500
    late = shop.wait(minutes=10).observation()
    shop.merge().offer()
    assert shop.status.phase == "all"
    shop.offer(late)
    assert shop.tally is None
    assert shop.outcome() is Outcome.IN_PROGRESS


@pytest.mark.parametrize("counts", [{"good": None}, {"total": None}, {"total": 0, "good": 0}, {"good": 1001}])
def test_evidence_without_its_counts_adds_nothing(counts: dict[str, float | None]) -> None:
    shop = Shop()
    measured = {"value": 0, "at": shop.now, "good": 1000, "total": 1000, "window": 600, **counts}
    shop.wait(minutes=10)
    shop.observe({"shop": shop.sample("shop", measurements={"errors": measured})})
    assert shop.tally is None
    assert shop.leaf[0] is Result.UNKNOWN


def test_a_window_is_what_the_evidence_says_it_is() -> None:
    shop = Shop()
    shop.window = 3600
    assert shop.count(0, 1000, minutes=50).tally is None
    assert shop.count(0, 1000, minutes=5).tally is not None
