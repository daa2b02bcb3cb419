"""Voice, dashboard and custom command: one object with `health_state`, `rollout_gate` and `health`."""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import Surface
from rollout.core.observation import HEALTH_STATE, TIMELINE, Sample
from rollout.core.surfaces.payload import (
    CYCLE,
    MalformedError,
    an_object,
    decode,
    health_state,
    label,
    moment,
    numeric_fields,
    totals,
)
from rollout.core.values import JsonValue

_UPDATED = "updated_unix_ms"
_COUNTS = "reason_code_counts"
_GATE = "rollout_gate"

LABELS = frozenset({_GATE})
FIELDS = CYCLE | frozenset(
    {
        "command_count",
        "control_audit_count",
        "cycle_reports",
        "events_log_present",
        "interaction_count",
        "invalid_cycle_reports",
        "processed_case_count",
        "total_run_count",
        "utterance_count",
        "widget_count",
    }
)
"""The numbers that one or another of these surfaces prints."""

NO_COUNTER_SOURCE = f"the payload has no {_COUNTS} and the contract names no events log"


def parse_tau_status(surface: Surface, payload: bytes, read_at: datetime) -> Sample:
    """Raises MalformedError. Counters stay None where the events log has to be counted."""
    document = an_object(decode(payload), "the payload")
    health = an_object(document.get("health", {}), "health")
    counters, counters_unknown = _counters(surface, document)
    return Sample(
        updated_at=moment(health[_UPDATED], f"health.{_UPDATED}") if _UPDATED in health else read_at,
        health_state=health_state(document[HEALTH_STATE]) if HEALTH_STATE in document else None,
        fields=_fields(document, health),
        labels={_GATE: gate} if (gate := label(document.get(_GATE))) is not None else {},
        counters=counters,
        counters_unknown=counters_unknown,
        not_applicable=(TIMELINE,),
    )


def _fields(document: dict[str, JsonValue], health: dict[str, JsonValue]) -> dict[str, int | float]:
    for name in CYCLE & document.keys() & health.keys():
        if document[name] != health[name]:
            raise MalformedError(f"contradictory: {name} is not the same inside and outside of health")
    # health comes first: its fields win over others of the same name, and are the last to be cut
    named = {**health, **{name: value for name, value in document.items() if name not in health}}
    named.pop(_UPDATED, None)
    return numeric_fields(named, FIELDS)


def _counters(surface: Surface, document: dict[str, JsonValue]) -> tuple[dict[str, int] | None, str | None]:
    if document.get(_COUNTS) is not None:
        try:
            return totals(document[_COUNTS], _COUNTS), None
        except MalformedError as problem:
            return None, str(problem)
    return None, None if surface.events else NO_COUNTER_SOURCE
