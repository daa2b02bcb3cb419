from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.observation import (
    EARLIEST,
    HarnessReport,
    HealthState,
    Measured,
    Measurement,
    Observation,
    Sample,
    merge_round,
    of_one_instant,
    with_possible_times,
)
from rollout.core.values import format_instant
from tests.core.world import COMMIT, START, World, run


def part(*surfaces: str, **changes: Any) -> Observation:
    """One file of a round, which holds these surfaces."""
    whole = World().observation(round="r1", harness=None, **changes)
    return whole.model_copy(update={"samples": {name: whole.samples[name] for name in surfaces}})


def test_parts_of_a_round_are_united() -> None:
    early = START - timedelta(minutes=1)
    late = START + timedelta(minutes=3)
    merged = merge_round([part("voice", finished_at=late), part("memory", started_at=early)])
    assert list(merged.samples) == ["voice", "memory"]
    assert (merged.started_at, merged.finished_at) == (early, late)
    assert merged.product_head == COMMIT


def test_each_part_keeps_the_checkout_that_it_was_read_in() -> None:
    """By an older collect, which names it for the whole file only."""
    bare = {"product_head": None, "holds_release": None}
    old = part("voice", product_head="a" * 40)
    old = old.model_copy(update={"samples": {"voice": old.samples["voice"].model_copy(update=bare)}})
    without_git = part("memory", product_head=None)
    read = without_git.samples["memory"].model_copy(update=bare)
    without_git = without_git.model_copy(update={"samples": {"memory": read}})
    merged = merge_round([old, without_git])
    assert merged.product_head is None
    assert {name: sample.product_head for name, sample in merged.samples.items()} == {
        "voice": "a" * 40,
        "memory": None,
    }


def test_the_harness_report_of_whichever_part_has_one_counts() -> None:
    report = run(START, product_head=COMMIT)
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


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), EARLIEST - timedelta(seconds=1)])
def test_a_source_that_states_an_impossible_time_is_unknown_alone(at: datetime) -> None:
    """Go's zero time is of year 1; such a time was recorded, and the record could not be read."""
    said = f"says {format_instant(at)}: no clock that was set says a time before 2000"
    whole = part("voice", "memory")
    stated = whole.samples["voice"].model_copy(update={"updated_at": at})
    observation = whole.model_copy(
        update={
            "samples": {**whole.samples, "voice": stated},
            "harness": HarnessReport(started_at=at, status="passed"),
        }
    )
    found = with_possible_times(observation)
    assert found.samples == {**whole.samples, "voice": Sample(unknown=said)}
    assert found.harness == HarnessReport(unknown=said)
    assert with_possible_times(whole) is whole


AHEAD = START + timedelta(minutes=3)
UNSET = EARLIEST - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (AHEAD, f"from the future: says {format_instant(AHEAD)}"),
        (UNSET, f"says {format_instant(UNSET)}: no clock that was set says a time before 2000"),
    ],
)
def test_a_measurement_of_an_impossible_time_is_unknown_alone(at: datetime, why: str) -> None:
    now, impossible = Measured(value=1, at=START), Measured(value=1, at=at)
    said = Sample(
        updated_at=START,
        measurements={
            "good": Measurement(value=1, at=START + timedelta(minutes=2)),
            "bad": Measurement(value=1, at=at, good=1, total=2, windows={"1h": now}),
            "over": Measurement(value=1, at=START, windows={"1h": impossible, "6h": now}),
        },
    )
    whole = part("voice")
    found = with_possible_times(whole.model_copy(update={"samples": {"voice": said}}))
    assert found.samples["voice"].measurements == {
        "good": said.measurements["good"],
        "bad": Measurement(unknown=why, windows={"1h": now}),
        "over": Measurement(value=1, at=START, windows={"1h": Measured(unknown=why), "6h": now}),
    }
    assert found.samples["voice"].updated_at == START


HEALTHY = Sample(health_state=HealthState.HEALTHY)
FAILING = Sample(health_state=HealthState.FAILING)
UNREAD = Sample(unknown="timed out")
_INSTANT = part("voice")


@given(data=st.data())
def test_what_is_read_at_one_instant_depends_on_no_order(data: st.DataObject) -> None:
    samples = st.dictionaries(
        st.sampled_from(["voice", "memory"]), st.sampled_from([HEALTHY, FAILING, UNREAD])
    )
    heads = st.sampled_from([None, "a" * 40, "b" * 40])
    phases = st.sampled_from(["canary-1", "canary-2"])
    one, two, three = (
        _INSTANT.model_copy(
            update={
                "samples": data.draw(samples),
                "product_head": data.draw(heads),
                "phase": data.draw(phases),
            }
        )
        for _ in range(3)
    )
    both = of_one_instant(one, two)
    assert both == of_one_instant(two, one)
    assert of_one_instant(one, one) == one
    assert of_one_instant(both, two) == of_one_instant(both, one) == both
    if one.phase == two.phase == three.phase:
        assert of_one_instant(both, three) == of_one_instant(one, of_one_instant(two, three))
    for name, sample in both.samples.items():
        read = {str(each.samples[name].health_state) for each in (one, two) if name in each.samples}
        assert sample.health_state is None or read == {str(sample.health_state)}


def test_a_branch_that_moved_on_between_two_readings_of_one_instant_contradicts_nothing() -> None:
    one, two = (
        _INSTANT.model_copy(
            update={
                "product_head": head,
                "samples": {"voice": HEALTHY.model_copy(update={"holds_release": True})},
            }
        )
        for head in ("a" * 40, "b" * 40)
    )
    both = of_one_instant(one, two)
    assert both == of_one_instant(two, one)
    assert both.samples["voice"].health_state is HealthState.HEALTHY
