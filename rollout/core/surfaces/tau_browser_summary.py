"""Browser automation: one object for a whole run, whose timeline says more than its `health_state`."""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import Surface
from rollout.core.observation import COUNTERS, HEALTH_STATE, BadStep, Sample, Timeline
from rollout.core.surfaces.payload import CYCLE_FIELDS, an_object, count, decode, health_state, numeric_fields
from rollout.core.text import inert
from rollout.core.values import JsonValue

ARTIFACT_RECORDS = "artifact_records"
FIELDS = frozenset(
    {
        ARTIFACT_RECORDS,
        "denied_action_limit",
        "denied_unsafe_actions",
        "discovered_cases",
        "malformed_cases",
        "retryable_failures",
        "success_cases",
        "timeout_failures",
    }
)
"""The numbers that such a summary holds."""
MAX_EXAMPLES = 5


def parse_tau_browser_summary(_surface: Surface, payload: bytes, read_at: datetime) -> Sample:
    """Returns the summary carries no time of its own, so the file's counts. Raises MalformedError.

    Other counters are by nature not reported here; but without `artifact_records` nothing is known
    of any, so that a gate on it cannot pass as not applicable.
    """
    document = an_object(decode(payload), "the payload")
    artifacts = count(document.get(ARTIFACT_RECORDS))
    return Sample(
        updated_at=read_at,
        health_state=health_state(document[HEALTH_STATE]) if HEALTH_STATE in document else None,
        fields=numeric_fields(document, FIELDS),
        counters=None if artifacts is None else {ARTIFACT_RECORDS: artifacts},
        counters_unknown=f"the payload has no {ARTIFACT_RECORDS}" if artifacts is None else None,
        timeline=_timeline(document.get("timeline")),
        not_applicable=CYCLE_FIELDS if artifacts is None else (*CYCLE_FIELDS, COUNTERS),
    )


def _timeline(steps: JsonValue) -> Timeline | None:
    """Returns the timeline; None, unknown, without any step or with one that cannot be read."""
    if not isinstance(steps, list) or not steps:
        return None
    bad = []
    for step in steps:
        found = _words(step)
        if found is None:
            return None
        name, status, error = found
        if status != "success" or error:
            bad.append(BadStep(step=name, status=inert(status), error=inert(error)))
    return Timeline(steps=len(steps), bad=len(bad), examples=tuple(bad[:MAX_EXAMPLES]))


def _words(step: JsonValue) -> tuple[str, str, str] | None:
    if not isinstance(step, dict):
        return None
    status, error, name = step.get("replay_step"), step.get("error_code"), step.get("case_id")
    if not isinstance(status, str) or not isinstance(error, str):
        return None
    return inert(name) if isinstance(name, str) else "?", status, error
