from typing import Any

import pytest

from rollout.core.contract import Adapter
from rollout.core.observation import Sample
from rollout.core.surfaces import parse
from tests.core.surfaces.surfaces import READ_AT, UPDATED, payload, sample_payload, surface

MEMORY = surface(Adapter.TAU_TRANSPORT_HEALTH, events=".tau/memory/runtime-events.jsonl")


def rows(*healths: dict[str, Any]) -> Sample:
    return parse(MEMORY, payload([{"transport": "memory", "health": health} for health in healths]), READ_AT)


@pytest.mark.parametrize("mood", ["healthy", "degraded", "failing"])
def test_classifies_every_sample(mood: str) -> None:
    sample = parse(MEMORY, sample_payload(mood, "memory-transport-health.json"), READ_AT)
    assert sample.health_state == mood
    assert sample.updated_at == UPDATED[mood]


def test_leaves_counters_to_the_log() -> None:
    sample = parse(MEMORY, sample_payload("healthy", "memory-transport-health.json"), READ_AT)
    assert (sample.counters, sample.counters_unknown) == (None, None)
    assert sample.not_applicable == ("timeline",)
    assert sample.fields["last_cycle_duplicates"] == 0


def test_without_a_log_counters_are_unknown() -> None:
    without = surface(Adapter.TAU_TRANSPORT_HEALTH)
    sample = parse(without, sample_payload("healthy", "memory-transport-health.json"), READ_AT)
    assert sample.counters_unknown


@pytest.mark.parametrize(
    ("health", "state"),
    [
        ({"failure_streak": 0, "last_cycle_failed": 0}, "healthy"),
        ({"failure_streak": 0, "last_cycle_failed": 1}, "degraded"),
        ({"failure_streak": 1, "last_cycle_failed": 0}, "degraded"),
        ({"failure_streak": 2, "last_cycle_failed": 9}, "degraded"),
        ({"failure_streak": 3, "last_cycle_failed": 0}, "failing"),
        ({"failure_streak": 3}, "failing"),
        ({"failure_streak": 1}, "degraded"),
        ({"failure_streak": 0}, None),
        ({"last_cycle_failed": 0}, None),
        ({}, None),
    ],
)
def test_classification(health: dict[str, int], state: str | None) -> None:
    sample = rows(health)
    assert (sample.unknown, sample.health_state) == (None, state)


def test_without_a_time_the_time_of_reading_counts() -> None:
    assert rows({"failure_streak": 0}).updated_at == READ_AT


def test_several_rows_are_read_as_the_worst_of_them() -> None:
    sample = rows(
        {"failure_streak": 0, "last_cycle_failed": 2, "queue_depth": 0, "updated_unix_ms": 1771027200000},
        {"failure_streak": 3, "last_cycle_failed": 0, "queue_depth": 7, "updated_unix_ms": 1771028400000},
    )
    assert sample.health_state == "failing"
    assert sample.fields == {"failure_streak": 3, "last_cycle_failed": 2, "queue_depth": 7}
    assert sample.updated_at == UPDATED["healthy"]


def test_a_field_that_one_row_lacks_is_unknown_for_all() -> None:
    sample = rows({"failure_streak": 0, "last_cycle_failed": 0}, {"failure_streak": 0})
    assert sample.fields == {"failure_streak": 0}
    assert sample.health_state is None


def test_of_several_rows_other_fields_are_not_kept() -> None:
    assert "last_cycle_completed" not in rows({"last_cycle_completed": 3}, {"last_cycle_completed": 3}).fields
