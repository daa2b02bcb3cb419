from typing import Any

import pytest

from rollout.core.contract import Adapter, Contract, JsonMapping
from rollout.core.observation import BadStep, HealthState, Sample, Timeline
from rollout.core.surfaces import parse
from rollout.core.surfaces.expressions import expression_problems
from tests.core.surfaces.surfaces import READ_AT, UPDATED, payload, surface


def read(document: Any, *, events: str | None = None, **mapping: Any) -> Sample:
    which = surface(Adapter.JSON, events=events, mapping=JsonMapping.model_validate(mapping))
    return parse(which, payload(document), READ_AT)


def test_reads_everything_that_is_mapped() -> None:
    sample = read(
        {
            "status": {"word": "UP", "at": 1771027200000, "lane": "blue"},
            "queue": [{"n": 1}, {"n": 4}],
            "ready": True,
            "errors": {"timeout": 2},
            "steps": [{"id": "a", "status": "ok"}, {"id": "b", "status": "success", "error": "slow"}],
        },
        health_state="status.word",
        health_states={"UP": "healthy"},
        updated_unix_ms="status.at",
        fields={"queue_depth": "max(queue[].n)", "ready": "ready"},
        labels={"lane": "status.lane"},
        counters="errors",
        timeline="steps",
    )
    assert sample == Sample(
        updated_at=UPDATED["healthy"],
        health_state=HealthState.HEALTHY,
        fields={"queue_depth": 4, "ready": 1},
        labels={"lane": "blue"},
        counters={"timeout": 2},
        timeline=Timeline(steps=2, bad=1, examples=(BadStep(step="b", status="success", error="slow"),)),
        not_applicable=("failure_streak", "last_cycle_failed"),
    )


def test_our_own_words_need_no_translation() -> None:
    assert read({"s": "failing"}, health_state="s").health_state is HealthState.FAILING


def test_a_word_that_nobody_translated_is_unknown() -> None:
    assert read({"s": "UP"}, health_state="s").unknown


def test_what_is_not_mapped_is_not_applicable() -> None:
    sample = read({"a": 1})
    assert sample.unknown is None
    assert sample.updated_at == READ_AT
    assert set(sample.not_applicable) == {
        "failure_streak",
        "queue_depth",
        "last_cycle_failed",
        "health_state",
        "counters",
        "timeline",
    }


def test_counters_come_from_the_log_where_there_is_one() -> None:
    sample = read({"a": 1}, events="events.jsonl")
    assert "counters" not in sample.not_applicable
    assert (sample.counters, sample.counters_unknown) == (None, None)


@pytest.mark.parametrize("value", [None, "3", [], {}, 10**30])
def test_a_mapped_field_that_is_missing_or_no_number_is_unknown(value: Any) -> None:
    sample = read({"n": value}, fields={"n": "n"})
    assert (sample.unknown, sample.fields) == (None, {})
    assert "n" not in sample.not_applicable


def test_a_cycle_field_below_zero_is_unknown() -> None:
    assert read({"n": -1}, fields={"failure_streak": "n", "delta": "n"}).fields == {"delta": -1}


def test_a_mapped_time_that_is_missing_is_unknown() -> None:
    assert read({}, updated_unix_ms="at").unknown == "updated_unix_ms is not a time in milliseconds: None"


@pytest.mark.parametrize("value", [None, 1, [], "a\u202eb"])
def test_mapped_text_that_is_missing_or_not_plain_is_unknown(value: Any) -> None:
    sample = read({"s": value, "h": 3}, health_state="h", labels={"s": "s"})
    assert (sample.unknown, sample.health_state, sample.labels) == (None, None, {})


def test_mapped_counters_that_are_missing_are_unknown() -> None:
    sample = read({}, counters="errors")
    assert (sample.counters, sample.counters_unknown) == (None, "counters is not an object")
    assert "counters" not in sample.not_applicable


@pytest.mark.parametrize("steps", [None, {}, [], [1], [{"id": "a"}]])
def test_a_mapped_timeline_that_cannot_be_read_is_unknown(steps: Any) -> None:
    sample = read({"steps": steps}, timeline="steps")
    assert sample.timeline is None
    assert "timeline" not in sample.not_applicable


def test_words_of_a_bad_step_need_not_be_text() -> None:
    timeline = read({"t": [{"status": "\x1b[1mlate", "error": {"x": 1}}]}, timeline="t").timeline
    assert timeline is not None
    assert timeline.examples == (BadStep(step="?", status="late", error="dict"),)


def test_an_expression_that_fails_on_this_document_finds_nothing() -> None:
    sample = read({"n": "x"}, fields={"n": "length(missing)", "m": "sum(n)"})
    assert (sample.unknown, sample.fields) == (None, {})


def contract(mapping: JsonMapping) -> Contract:
    return Contract.model_validate(
        {
            "schema": 1,
            "train": "shop",
            "surfaces": {
                "api": {"adapter": "json", "file": "health.json", "map": mapping},
                "web": {"adapter": "tau-browser-summary", "file": "summary.json"},
            },
            "phases": [
                {"name": "canary", "canary_percent": 5, "soak": "1h", "gates": [{"kind": "health_state"}]},
                {"name": "all", "canary_percent": 100, "soak": "1h", "inherit": "canary"},
            ],
        }
    )


def test_good_expressions_are_no_problem() -> None:
    good = JsonMapping(health_state="a.b", fields={"n": "length(missing)", "m": "sum(list[].n)"})
    assert expression_problems(contract(good)) == []


def test_every_bad_expression_is_named_in_one_line() -> None:
    problems = expression_problems(
        contract(
            JsonMapping(
                health_state="a..b",
                updated_unix_ms="",
                fields={"n": "nosuch(@)", "deep": "(" * 5000},
                labels={"gate": "length(@, @)"},
                counters="ok",
                timeline="steps[",
            )
        )
    )
    assert [problem.split(": ", 1)[0] for problem in problems] == [
        "surfaces.api.map.health_state",
        "surfaces.api.map.updated_unix_ms",
        "surfaces.api.map.timeline",
        "surfaces.api.map.fields.n",
        "surfaces.api.map.fields.deep",
        "surfaces.api.map.labels.gate",
    ]
    assert all(problem.isprintable() for problem in problems)
