"""A decision by fifty gates on measurements, beside one by fifty thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.table import Ratio
from benchmarks.timing import compare, timed
from rollout.core.contract import Contract
from rollout.core.decide.advance import advance, begin
from rollout.core.observation import Observation
from rollout.core.state import Facts, Outcome, Release, Rollout, TrainState
from rollout.core.state.changes import applied

GATES = 50
BATCH = 20
BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TICK = timedelta(minutes=10)
COMMIT = "1" * 40
Document = Mapping[str, Any]


def fifty_gates() -> Ratio:
    """Compares `advance` by fifty metric gates of every kind with `advance` by fifty thresholds."""
    return compare(partial(_advance, *_metered()), partial(_advance, *_plain()), rounds=30)


def _advance(state: TrainState, observations: list[Observation]) -> float:
    def fold() -> None:
        folded = state
        for observation in observations:
            step = advance(folded, observation, Facts(), observation.finished_at)
            assert step is not None
            folded = applied(folded, step.change, folded.head)

    return timed(fold) / BATCH


def _plain() -> tuple[TrainState, list[Observation]]:
    names = [f"field_{number}" for number in range(GATES)]
    surface = {
        "adapter": "json",
        "command": ["health"],
        "revision": "any",
        "map": {"fields": {name: name for name in names}},
    }
    gates = [{"kind": "threshold", "field": name, "max": 1} for name in names]
    return _begun(surface, gates, lambda number: {"fields": dict.fromkeys(names, number / 1000)})


def _metered() -> tuple[TrainState, list[Observation]]:
    """Returns a train with 30 thresholds of plain queries, 8 of proportions, 8 ratios and 4 burn rates."""
    plain, pairs = [f"latency_{number}" for number in range(30)], range(4)
    shares = [f"errors_{number}" for number in range(8)]
    counts = [f"{what}_{number}" for number in pairs for what in ("good", "total")]
    queries = {
        **{name: {"good": "sum(ok)", "total": "sum(total)", "min_samples": 300} for name in shares},
        **{name: {"query": "sum(increase(x[{window}]))"} for name in counts},
        **{name: {"query": "latency"} for name in plain},
    }
    surface = {"metrics": {"provider": "prometheus", "url": "https://prometheus.example", "queries": queries}}
    windows = [{"long": "1h", "short": "5m", "factor": 14.4}]
    gates = [
        *({"kind": "threshold", "field": name, "max": 1} for name in plain),
        *({"kind": "threshold", "field": name, "max": 0.05} for name in shares),
        *({"kind": "ratio", "field": plain[number], "over": plain[-1], "max": 2} for number in range(8)),
        *(
            {
                "kind": "burn_rate",
                "good": f"good_{number}",
                "total": f"total_{number}",
                "objective": 0.999,
                "windows": windows,
            }
            for number in pairs
        ),
    ]
    return _begun(surface, gates, partial(_measured, plain, shares, counts))


def _measured(plain: list[str], shares: list[str], counts: list[str], number: int) -> Document:
    at = BEGIN + (number + 1) * TICK
    figure = {"value": (number + 1) / 1000, "at": at}
    count = {"value": 1000, "at": at, "windows": {each: {"value": 1000, "at": at} for each in ("1h", "5m")}}
    return {
        "measurements": {
            **dict.fromkeys(plain, figure),
            **{name: _share(at, 1000 - (number + index) % 4) for index, name in enumerate(shares)},
            **dict.fromkeys(counts, count),
        }
    }


def _share(at: datetime, good: int) -> Document:
    return {"value": 1 - good / 1000, "at": at, "good": good, "total": 1000, "samples": 1000, "window": 600}


def _begun(
    surface: Document, gates: Sequence[Document], sample: Callable[[int], Document]
) -> tuple[TrainState, list[Observation]]:
    contract = Contract.model_validate(
        {
            "schema": 1,
            "train": "shop",
            "surfaces": {"shop": surface},
            "phases": [
                {"name": "few", "canary_percent": 5, "soak": "24h", "gates": gates},
                {"name": "all", "canary_percent": 100, "soak": "24h", "inherit": "few"},
            ],
        }
    )
    rollout = Rollout(
        train="shop",
        release=Release(version="v1.4.0", commit=COMMIT, started_at=BEGIN),
        phase="few",
        canary_percent=5,
        outcome=Outcome.IN_PROGRESS,
    )
    state = TrainState("shop", COMMIT, contract, "a" * 64, rollout, begin(contract, "a" * 64, rollout, BEGIN))
    return state, [_observation(number, sample(number)) for number in range(BATCH)]


def _observation(number: int, sample: Document) -> Observation:
    at = BEGIN + (number + 1) * TICK
    return Observation.model_validate(
        {
            "train": "shop",
            "release": "v1.4.0",
            "commit": COMMIT,
            "phase": "few",
            "contract_digest": "a" * 64,
            "round": str(number),
            "started_at": at,
            "finished_at": at,
            "tool_version": "0.1.0",
            "samples": {"shop": {"updated_at": at, **sample}},
        }
    )
