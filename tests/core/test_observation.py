from datetime import timedelta
from typing import Any

import pytest

from rollout.core.observation import Observation, Sample, merge_round
from tests.core.world import START, World, run


def part(*surfaces: str, **changes: Any) -> Observation:
    """One file of a round, which holds these surfaces."""
    whole = World().observation(round="r1", harness=None, **changes)
    return whole.model_copy(update={"samples": {name: whole.samples[name] for name in surfaces}})


def test_parts_of_a_round_are_united() -> None:
    early = START - timedelta(minutes=1)
    late = START + timedelta(minutes=3)
    merged = merge_round(
        [part("voice", finished_at=late), part("memory", started_at=early, product_head="a" * 40)]
    )
    assert list(merged.samples) == ["voice", "memory"]
    assert (merged.started_at, merged.finished_at) == (early, late)
    assert merged.product_head == "a" * 40


def test_the_harness_report_of_whichever_part_has_one_counts() -> None:
    report = run(START)
    assert (
        merge_round([part("voice"), part("memory").model_copy(update={"harness": report})]).harness == report
    )


def test_one_part_is_the_round() -> None:
    alone = part("voice")
    assert merge_round([alone]) == alone


def test_parts_that_hold_the_same_surface_are_refused() -> None:
    with pytest.raises(ValueError, match="round r1: two files hold surface voice"):
        merge_round([part("voice"), part("voice", started_at=START - timedelta(seconds=1))])


@pytest.mark.parametrize(
    "changes",
    [
        {"train": "other"},
        {"release": "v0.1.6"},
        {"commit": "2" * 40},
        {"phase": "canary-1"},
        {"contract_digest": "f" * 64},
    ],
)
def test_parts_that_speak_of_different_things_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="files speak of different"):
        merge_round([part("voice"), part("memory", **changes)])


@pytest.mark.parametrize(
    "changes",
    [
        {"counters": {"errors": -1}},
        {"counters": {"errors": 2**63}},
        {"fields": {"x": float("nan")}},
        {"unknown": "x" * 501},
        {"fields": {f"f{n}": 1 for n in range(201)}},
        {"stdout": "anything"},
    ],
)
def test_what_crosses_over_is_bounded(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Sample.model_validate(changes)
