"""Memory: an array of rows `{transport, target, state_path, health}` without any word for its state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rollout.core.contract import Surface
from rollout.core.observation import TIMELINE, HealthState, Sample
from rollout.core.surfaces.payload import (
    CYCLE,
    CYCLE_FIELDS,
    FAILURE_STREAK,
    LAST_CYCLE_FAILED,
    MalformedError,
    a_list,
    an_object,
    decode,
    moment,
    numeric_fields,
)
from rollout.core.surfaces.tau_status import NO_COUNTER_SOURCE
from rollout.core.values import JsonValue

_UPDATED = "updated_unix_ms"
_FAILING_STREAK = 3

FIELDS = CYCLE
"""The numbers that such a surface prints."""

Fields = dict[str, int | float]


def parse_tau_transport_health(surface: Surface, payload: bytes, read_at: datetime) -> Sample:
    """Reads several rows as their worst: the highest of each cycle field, the oldest time.

    A cycle field that one row lacks is unknown for all. Raises MalformedError.
    """
    rows = [_health_of(row) for row in a_list(decode(payload), "the payload")]
    if not rows:
        raise MalformedError("the payload has no row")
    fields = _worst([_fields(row) for row in rows])
    return Sample(
        updated_at=min(_updated_at(row, read_at) for row in rows),
        health_state=_classify(fields),
        fields=fields,
        counters_unknown=None if surface.events else NO_COUNTER_SOURCE,
        not_applicable=(TIMELINE,),
    )


def _health_of(row: JsonValue) -> dict[str, JsonValue]:
    return an_object(an_object(row, "a row").get("health"), "health")


def _updated_at(health: dict[str, JsonValue], read_at: datetime) -> datetime:
    return moment(health[_UPDATED], f"health.{_UPDATED}") if _UPDATED in health else read_at


def _fields(health: dict[str, JsonValue]) -> Fields:
    return numeric_fields({name: value for name, value in health.items() if name != _UPDATED}, FIELDS)


def _worst(rows: list[Fields]) -> Fields:
    if len(rows) == 1:
        return rows[0]
    # only of the cycle fields is it known that high is bad
    return {name: max(row[name] for row in rows) for name in CYCLE_FIELDS if all(name in row for row in rows)}


def _classify(fields: Mapping[str, int | float]) -> HealthState | None:
    """Returns the product's own rule for its other surfaces; None when a part that it needs is missing."""
    streak, failed = fields.get(FAILURE_STREAK), fields.get(LAST_CYCLE_FAILED)
    if streak is None:
        return None
    if streak >= _FAILING_STREAK:
        return HealthState.FAILING
    if streak > 0 or (failed or 0) > 0:
        return HealthState.DEGRADED
    return HealthState.HEALTHY if failed is not None else None
