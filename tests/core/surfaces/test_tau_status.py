from typing import Any

import pytest

from rollout.core.contract import Adapter
from rollout.core.observation import HealthState, Sample
from rollout.core.surfaces import parse
from tests.core.surfaces.surfaces import READ_AT, UPDATED, document, payload, sample_payload, surface

VOICE = surface(Adapter.TAU_STATUS)
DASHBOARD = surface(Adapter.TAU_STATUS, events=".tau/dashboard/runtime-events.jsonl")


def voice(**changes: Any) -> Sample:
    """The healthy voice status with top-level values changed."""
    return parse(VOICE, payload({**document("healthy", "voice-status.json"), **changes}), READ_AT)


def health(**changes: Any) -> Sample:
    """The healthy voice status with values of `health` changed; None takes one away."""
    values = {**document("healthy", "voice-status.json")["health"], **changes}
    return voice(health={name: value for name, value in values.items() if value is not None})


@pytest.mark.parametrize("mood", ["healthy", "degraded", "failing"])
@pytest.mark.parametrize("name", ["voice", "dashboard", "custom-command"])
def test_reads_state_and_time_of_every_sample(mood: str, name: str) -> None:
    sample = parse(DASHBOARD, sample_payload(mood, f"{name}-status.json"), READ_AT)
    assert sample.unknown is None
    assert sample.health_state == mood
    assert sample.updated_at == UPDATED[mood]


def test_reads_fields_labels_and_counters() -> None:
    sample = parse(VOICE, sample_payload("degraded", "voice-status.json"), READ_AT)
    assert sample.fields["failure_streak"] == 1
    assert sample.fields["queue_depth"] == 2
    assert sample.fields["last_cycle_failed"] == 1
    assert sample.fields["utterance_count"] == 2
    assert sample.labels == {"rollout_gate": "hold"}
    assert sample.counters is not None
    assert sample.counters["case_processing_failed"] == 1
    assert sample.not_applicable == ("timeline",)


def test_the_time_is_no_field() -> None:
    assert "updated_unix_ms" not in voice().fields


def test_true_and_false_count_as_one_and_zero() -> None:
    sample = parse(VOICE, sample_payload("healthy", "voice-status.json"), READ_AT)
    assert sample.fields["events_log_present"] == 1
    assert health(last_cycle_failed=False).fields["last_cycle_failed"] == 0


def test_a_count_below_zero_is_unknown() -> None:
    assert voice(utterance_count=-1) == Sample(unknown="utterance_count is a count, and below zero: -1")
    assert voice(drift=-1).fields["drift"] == -1


@pytest.mark.parametrize("name", ["case_processing_failed\u200b", " case_processing_failed", "case\n"])
def test_a_reason_code_that_hides_something_makes_counters_unknown(name: str) -> None:
    found = voice(reason_code_counts={"turns_handled": 1, name: 5})
    assert found.counters is None
    assert "a name that looks like" in (found.counters_unknown or "")


def test_a_cycle_field_with_two_values_is_contradictory() -> None:
    found = voice(failure_streak=0, health={"failure_streak": 2})
    assert found == Sample(
        unknown="contradictory: failure_streak is not the same inside and outside of health"
    )
    assert voice(failure_streak=2, health={"failure_streak": 2}).fields["failure_streak"] == 2


def test_a_missing_cycle_field_is_only_absent() -> None:
    sample = health(failure_streak=None)
    assert sample.unknown is None
    assert "failure_streak" not in sample.fields
    assert sample.fields["queue_depth"] == 0


@pytest.mark.parametrize("value", [-1, "0", 0.5, 10**30, [], {}])
def test_a_cycle_field_that_is_no_count_spoils_the_sample(value: Any) -> None:
    assert (health(queue_depth=value).unknown or "").startswith("queue_depth is not a count: ")


def test_other_values_that_are_no_numbers_are_left_out() -> None:
    fields = voice(total_run_count="3", cycle_reports=10**30, **{"not a name": 1}).fields
    assert not {"total_run_count", "cycle_reports", "not a name"} & set(fields)


def test_more_fields_than_fit_leave_those_of_health() -> None:
    sample = voice(**{f"extra_{number}": number for number in range(500)})
    assert len(sample.fields) == 200
    assert sample.fields["failure_streak"] == 0


def test_a_missing_health_state_is_only_absent() -> None:
    changed = document("healthy", "voice-status.json")
    del changed["health_state"]
    sample = parse(VOICE, payload(changed), READ_AT)
    assert (sample.unknown, sample.health_state) == (None, None)


@pytest.mark.parametrize("word", ["fine", "Healthy", "", None, 1, ["healthy"]])
def test_a_health_state_that_is_none_of_ours_is_unknown(word: Any) -> None:
    assert voice(health_state=word).unknown


def test_without_a_time_the_time_of_reading_counts() -> None:
    sample = health(updated_unix_ms=None)
    assert (sample.updated_at, sample.health_state) == (READ_AT, HealthState.HEALTHY)


@pytest.mark.parametrize("time", [-1, "1771027200000", True, 2**62, 10**30, []])
def test_a_broken_time_is_unknown(time: Any) -> None:
    assert (health(updated_unix_ms=time).unknown or "").startswith("health.updated_unix_ms is not a time")


def test_without_counts_the_events_log_is_to_be_counted() -> None:
    sample = parse(DASHBOARD, sample_payload("healthy", "dashboard-status.json"), READ_AT)
    assert (sample.counters, sample.counters_unknown) == (None, None)


def test_without_counts_and_without_a_log_counters_are_unknown() -> None:
    sample = parse(VOICE, sample_payload("healthy", "dashboard-status.json"), READ_AT)
    assert sample.counters is None
    assert sample.counters_unknown == (
        "the payload has no reason_code_counts and the contract names no events log"
    )


def test_a_present_map_wins_over_the_log() -> None:
    sample = parse(DASHBOARD, payload({"reason_code_counts": {}}), READ_AT)
    assert (sample.counters, sample.counters_unknown) == ({}, None)


@pytest.mark.parametrize("counts", [[], "none", {"a": -1}, {"a": "1"}, {"a": True}, {"a": 1.5}])
def test_a_broken_map_makes_counters_unknown_and_nothing_else(counts: Any) -> None:
    sample = voice(reason_code_counts=counts)
    assert sample.counters is None
    assert (sample.counters_unknown or "").startswith("reason_code_counts")
    assert sample.health_state is HealthState.HEALTHY


def test_codes_that_no_contract_can_name_are_left_out() -> None:
    assert voice(reason_code_counts={"a b": 1, "a": 2}).counters == {"a": 2}


def test_more_counters_than_fit_are_unknown() -> None:
    sample = voice(reason_code_counts={f"code_{number}": 1 for number in range(501)})
    assert (sample.counters, sample.counters_unknown) == (
        None,
        "reason_code_counts has more than 500 counters",
    )


@pytest.mark.parametrize("gate", [1, None, "pa\u200bss", "pass\n"])
def test_a_label_that_would_need_cleaning_is_absent(gate: Any) -> None:
    assert voice(rollout_gate=gate).labels == {}
