"""The generic adapter: a contract's JMESPath expressions say where a product's own JSON keeps things."""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import JsonMapping, Surface
from rollout.core.observation import COUNTERS, BadStep, HealthState, Sample, Timeline
from rollout.core.surfaces.expressions import find
from rollout.core.surfaces.known import never_reported
from rollout.core.surfaces.payload import (
    CYCLE_FIELDS,
    MalformedError,
    count,
    decode,
    health_state,
    label,
    moment,
    number,
    totals,
)
from rollout.core.surfaces.tau_browser_summary import MAX_EXAMPLES
from rollout.core.text import inert
from rollout.core.values import JsonValue

_FINE = ("ok", "success")


def parse_json(surface: Surface, payload: bytes, read_at: datetime) -> Sample:
    """Parses a payload. What is not mapped is not applicable, what is not found unknown.
    Raises MalformedError.
    """
    mapping = surface.map or JsonMapping()
    document = decode(payload)
    counters, counters_unknown = _counters(mapping, document)
    return Sample(
        updated_at=_updated_at(mapping, document, read_at),
        health_state=_health_state(mapping, document),
        fields=_fields(mapping, document),
        labels=_labels(mapping, document),
        counters=counters,
        counters_unknown=counters_unknown,
        timeline=_timeline(_search(mapping.timeline, document)),
        not_applicable=never_reported(surface),
    )


def _search(expression: str | None, document: JsonValue) -> JsonValue:
    return None if expression is None else find(expression, document)


def _updated_at(mapping: JsonMapping, document: JsonValue, read_at: datetime) -> datetime:
    if mapping.updated_unix_ms is None:
        return read_at
    return moment(_search(mapping.updated_unix_ms, document), "updated_unix_ms")


def _health_state(mapping: JsonMapping, document: JsonValue) -> HealthState | None:
    word = _search(mapping.health_state, document)
    return health_state(mapping.health_states.get(word, word)) if isinstance(word, str) else None


def _fields(mapping: JsonMapping, document: JsonValue) -> dict[str, int | float]:
    found = {name: _search(expression, document) for name, expression in mapping.fields.items()}
    numbers = {name: count(value) if name in CYCLE_FIELDS else number(value) for name, value in found.items()}
    return {name: value for name, value in numbers.items() if value is not None}


def _labels(mapping: JsonMapping, document: JsonValue) -> dict[str, str]:
    found = {name: label(_search(expression, document)) for name, expression in mapping.labels.items()}
    return {name: value for name, value in found.items() if value is not None}


def _counters(mapping: JsonMapping, document: JsonValue) -> tuple[dict[str, int] | None, str | None]:
    if mapping.counters is None:
        return None, None
    try:
        return totals(_search(mapping.counters, document), COUNTERS), None
    except MalformedError as problem:
        return None, str(problem)


def _timeline(steps: JsonValue) -> Timeline | None:
    """Returns the timeline; None, unknown, without any step or with one that is no object with a status."""
    if not isinstance(steps, list) or not steps:
        return None
    if not all(isinstance(step, dict) and isinstance(step.get("status"), str) for step in steps):
        return None
    bad = [step for step in steps if step["status"] not in _FINE or step.get("error")]
    examples = tuple(_example(step) for step in bad[:MAX_EXAMPLES])
    return Timeline(steps=len(steps), bad=len(bad), examples=examples)


def _example(step: dict[str, JsonValue]) -> BadStep:
    name, error = step.get("id", "?"), step.get("error") or ""
    return BadStep(step=_text(name), status=_text(step["status"]), error=_text(error))


def _text(value: JsonValue) -> str:
    return inert(value if isinstance(value, str) else type(value).__name__)
