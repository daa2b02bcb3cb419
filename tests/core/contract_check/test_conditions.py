"""Conditions on measurements that make no sense: one line each, with the field and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.core.contract import Contract
from rollout.core.contract_check.examine import examine
from rollout.core.contract_check.notes import find_notes

QUERIES: dict[str, Any] = {
    "errors": {"good": "sum(increase(ok[{window}]))", "total": "sum(increase(all[{window}]))"},
    "latency": {"query": "max(latency)"},
    "ok": {"query": "sum(increase(ok[{window}]))"},
    "all": {"query": "sum(increase(all[{window}]))"},
}
PAIR = {"long": "1h", "short": "5m", "factor": 14.4}
BURN = {
    "kind": "burn_rate",
    "good": "ok",
    "total": "all",
    "objective": 0.999,
    "windows": [PAIR],
    "surfaces": ["shop"],
}
STOP = ["freeze", "rollback"]
HEALTHY = {"kind": "health_state", "surfaces": ["api"]}


def threshold(**keys: object) -> dict[str, object]:
    return {"kind": "threshold", "field": "errors", "surfaces": ["shop"], **keys}


def contract(gates: list[dict[str, Any]], triggers: list[dict[str, Any]]) -> dict[str, Any]:
    metrics = {"provider": "prometheus", "url": "https://prometheus.example", "queries": QUERIES}
    return {
        "schema": 1,
        "train": "shop",
        "surfaces": {"api": {"adapter": "tau-status", "command": ["api"]}, "shop": {"metrics": metrics}},
        "phases": [
            {"name": "dark", "canary_percent": 0, "soak": "0s", "gates": [HEALTHY]},
            {"name": "few", "canary_percent": 10, "soak": "1h", "gates": [HEALTHY, *gates]},
            {"name": "all", "canary_percent": 100, "soak": "1h", "gates": [HEALTHY]},
        ],
        "triggers": [{"name": f"t{i}", "actions": STOP, **each} for i, each in enumerate(triggers)],
    }


def problems(gate: dict[str, object] | None = None, trigger: dict[str, object] | None = None) -> list[str]:
    return examine(contract([gate] if gate else [], [trigger] if trigger else []))[1]


GATE = "phases.1.gates.1"


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        (threshold(max=0.01, significance=0.01, min_effect=0.001), []),
        (BURN, []),
        (
            threshold(max=0),
            [f"{GATE}.max: no number of samples shows that errors never happen; did you mean 0.001?"],
        ),
        (threshold(max=0, min_effect=0.001), []),
        *(
            (threshold(**keys), [f"{GATE}.max: no proportion is above 1, so it always holds; 0.01 is 1 %"])
            for keys in ({"max": 1}, {"max": 1.5}, {"max": 1, "min": 0}, {"max": 1, "min_effect": 0.1})
        ),
        *(
            (threshold(**keys), [f"{GATE}.min: no proportion is below 0, so it always holds; 0.99 is 99 %"])
            for keys in ({"min": 0}, {"min": -1})
        ),
        *(
            (
                threshold(**keys),
                [
                    f"{GATE}.min_effect: no proportion is so far beyond the limit, so it always holds;"
                    " 0.001 is 0.1 %"
                ],
            )
            for keys in (
                {"max": 0.05, "min_effect": 0.95},
                {"min": 0.9, "min_effect": 0.9},
                {"min": 0, "max": 0.5, "min_effect": 0.5},
            )
        ),
        (threshold(max=0.05, min_effect=0.94), []),
        (threshold(min=0, max=0.05), []),
        (threshold(min=0.5, max=1), []),
        (threshold(min=0.5, max=1.5), [f"{GATE}.max: no proportion is above 1; 0.01 is 1 %"]),
        (threshold(min=1), [f"{GATE}.min: no number of samples shows that it is always so; 0.99 is 99 %"]),
        (
            threshold(field="latency", max=3, significance=0.05, min_effect=0),
            [
                f"{GATE}.significance: is for proportions, and latency is none",
                f"{GATE}.min_effect: is for proportions, and latency is none",
            ],
        ),
        (threshold(max=0.01, significance=0), [f"{GATE}.significance: must be above 0, not 0"]),
        (threshold(max=0.01, significance=0.6), [f"{GATE}.significance: must be at most 0.5, not 0.6"]),
        ({**BURN, "objective": 99.9}, [f"{GATE}.objective: must be below 1, not 99.9"]),
        (
            {**BURN, "windows": [{**PAIR, "short": "2h"}]},
            [f"{GATE}.windows.0.short: must be shorter than long, and longer than nothing"],
        ),
        (
            {**BURN, "objective": 0.9},
            [
                f"{GATE}.windows.0.factor: where everything fails it burns 10 times as fast, so it never"
                " burns faster than 14.4"
            ],
        ),
        ({**BURN, "good": "all"}, [f"{GATE}.total: is the query of good itself; name another one"]),
        (
            {**BURN, "good": "latency"},
            [f"{GATE}.good: latency has no {{window}} in it, so it counts the same over each"],
        ),
        (
            {**BURN, "total": "errors"},
            [f"{GATE}.total: errors is a proportion; name a query that counts"],
        ),
        ({**BURN, "good": "okay"}, [f"{GATE}.good: shop does not report okay; did you mean ok?"]),
        (
            {**BURN, "surfaces": None},
            [
                f"{GATE}.good: api does not report ok; name those that do: surfaces: [shop]",
                f"{GATE}.total: api does not report all; name those that do: surfaces: [shop]",
                f"{GATE}.surfaces: api has no queries to ask; name those that have metrics",
            ],
        ),
        (
            {**BURN, "windows": [{**PAIR, "long": "4000d"}]},
            [f"{GATE}.windows.0.long: 96000h is longer than ten years"],
        ),
    ],
)
def test_a_gate(gate: dict[str, object], told: list[str]) -> None:
    assert problems(gate) == told


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        (threshold(at_least=0.02, significance=0.01, checks=2), []),
        ({**BURN, "checks": 3}, []),
        (
            threshold(at_least=1),
            ["triggers.0.at_least: no proportion is above 1, so it never fires; 0.01 is 1 %"],
        ),
        (
            threshold(at_most=0),
            ["triggers.0.at_most: no proportion is below 0, so it never fires; 0.01 is 1 %"],
        ),
        (
            threshold(field="latency", at_least=1, significance=0.05),
            ["triggers.0.significance: is for proportions, and latency is none"],
        ),
        ({**BURN, "good": "all"}, ["triggers.0.total: is the query of good itself; name another one"]),
    ],
)
def test_a_trigger(trigger: dict[str, object], told: list[str]) -> None:
    assert problems(trigger=trigger) == told


@pytest.mark.parametrize(
    ("gates", "triggers", "is_told"),
    [
        ([threshold(max=0.01)], [], True),
        ([], [threshold(at_least=0.05)], True),
        ([threshold(max=0.01)], [threshold(at_least=0.05)], True),
        ([threshold(max=0.01)], [BURN], False),
        ([threshold(max=0.01), BURN], [], False),
        ([threshold(max=0.01)], [{**BURN, "phases": ["all"]}], True),
        ([threshold(max=0.01), threshold(field="latency", max=3)], [], False),
        ([threshold(max=0.01)], [threshold(field="latency", at_least=3)], False),
        ([threshold(field="latency", max=3)], [], False),
    ],
)
def test_a_surface_that_is_judged_by_sums_alone_is_told(
    gates: list[dict[str, Any]], triggers: list[dict[str, Any]], is_told: bool
) -> None:
    notes = find_notes(Contract.model_validate(contract(gates, triggers)))
    told = (
        "phases.1.gates: few judges shop by errors alone, a sum over the whole phase that errors late in it"
        " move slowly; add a burn_rate trigger"
    )
    assert [note for note in notes if "judges" in note] == ([told] if is_told else [])


def test_more_windows_of_one_query_than_evidence_holds() -> None:
    pairs = [{"long": f"{number}h", "short": f"{number}m", "factor": 2} for number in range(1, 11)]
    more = [{"long": f"{number}h", "short": f"{number}m", "factor": 2} for number in range(11, 13)]
    told = problems({**BURN, "windows": pairs}, {**BURN, "windows": more})
    assert told == [
        f"surfaces.shop.metrics.queries.{name}: is asked over 24 windows, and 20 are the most"
        for name in ("ok", "all")
    ]
