from typing import Any

import pytest

from rollout.core.contract import Adapter
from rollout.core.observation import BadStep, HealthState, Sample, Timeline
from rollout.core.surfaces import parse
from tests.core.surfaces.surfaces import READ_AT, document, payload, sample_payload, surface

BROWSER = surface(Adapter.TAU_BROWSER_SUMMARY)


def summary(**changes: Any) -> Sample:
    """The healthy summary with values changed; None takes one away."""
    values = {**document("healthy", "browser-live-summary.json"), **changes}
    return parse(BROWSER, payload({k: v for k, v in values.items() if v is not None}), READ_AT)


def step(**changes: Any) -> dict[str, Any]:
    return {"case_id": "click", "replay_step": "success", "error_code": "", **changes}


def test_reads_a_healthy_run() -> None:
    sample = summary()
    assert sample.health_state is HealthState.HEALTHY
    assert sample.timeline == Timeline(steps=3, bad=0)
    assert sample.fields["malformed_cases"] == 0
    assert sample.updated_at == READ_AT


def test_the_timeline_shows_what_the_health_state_hides() -> None:
    sample = parse(BROWSER, sample_payload("failing", "browser-live-summary.json"), READ_AT)
    assert sample.health_state is HealthState.HEALTHY
    assert sample.timeline == Timeline(
        steps=2,
        bad=2,
        examples=(
            BadStep(
                step="navigate-demo", status="malformed_input", error="browser_automation_invalid_operation"
            ),
            BadStep(step="action-demo", status="success", error="browser_automation_unsafe_operation"),
        ),
    )


def test_a_degraded_run() -> None:
    sample = parse(BROWSER, sample_payload("degraded", "browser-live-summary.json"), READ_AT)
    assert sample.health_state is HealthState.DEGRADED
    assert sample.timeline is not None
    assert sample.timeline.bad == 1


def test_what_a_browser_never_reports_is_not_applicable() -> None:
    sample = summary()
    assert sample.not_applicable == ("failure_streak", "queue_depth", "last_cycle_failed", "counters")
    assert sample.counters == {"artifact_records": 5}


def test_a_gate_on_missing_artifact_records_cannot_pass_as_not_applicable() -> None:
    sample = summary(artifact_records=None)
    assert sample.counters is None
    assert sample.counters_unknown == "the payload has no artifact_records"
    assert "counters" not in sample.not_applicable


def test_a_missing_health_state_is_only_absent() -> None:
    sample = summary(health_state=None)
    assert (sample.unknown, sample.health_state) == (None, None)


@pytest.mark.parametrize(
    "timeline",
    [None, [], {}, "clean", [1], [step(replay_step=None)], [step(error_code=None)], [step(), "x"]],
)
def test_a_timeline_that_cannot_be_read_is_unknown(timeline: Any) -> None:
    sample = summary(timeline=timeline)
    assert (sample.unknown, sample.timeline) == (None, None)


def test_only_the_first_bad_steps_are_kept() -> None:
    timeline = summary(timeline=[step(replay_step="retryable_failure")] * 9).timeline
    assert timeline is not None
    assert (timeline.steps, timeline.bad, len(timeline.examples)) == (9, 9, 5)


def test_words_of_a_bad_step_are_inert() -> None:
    timeline = summary(timeline=[step(case_id=None, error_code="\x1b[31m<b>@all\n" + "x" * 999)]).timeline
    assert timeline is not None
    (example,) = timeline.examples
    assert example.step == "?"
    assert example.error.startswith("<b>@all xxx")
    assert len(example.error) == 200
