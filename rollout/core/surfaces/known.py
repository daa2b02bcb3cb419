"""What a surface can report at all, by its adapter and its map: the names that gates and triggers may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from rollout.core.contract import Adapter, JsonMapping, Surface
from rollout.core.observation import COUNTERS, HEALTH_STATE, TIMELINE
from rollout.core.surfaces import tau_browser_summary, tau_status, tau_transport_health
from rollout.core.surfaces.expressions import counter_names
from rollout.core.surfaces.payload import CYCLE_FIELDS

if TYPE_CHECKING:
    from rollout.core.contract.metrics import Query


@dataclass(frozen=True)
class SurfaceNames:
    """Names that a surface reports."""

    fields: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    counters: frozenset[str] | None = frozenset()
    """None: a free-form map, any name may come."""
    health_state: bool = True
    timeline: bool = False
    lacks: frozenset[str] = frozenset()
    """Fields that it by nature never reports: a gate is not applicable there."""


def known(surface: Surface) -> SurfaceNames:
    """Returns what the surface reports."""
    match surface.adapter:
        case None:
            return _measured(_queries(surface))
        case Adapter.TAU_STATUS:
            return SurfaceNames(fields=tau_status.FIELDS, labels=tau_status.LABELS, counters=None)
        case Adapter.TAU_TRANSPORT_HEALTH:
            counters = None if surface.events else frozenset[str]()
            return SurfaceNames(fields=tau_transport_health.FIELDS, counters=counters)
        case Adapter.TAU_BROWSER_SUMMARY:
            return SurfaceNames(
                fields=tau_browser_summary.FIELDS,
                counters=frozenset({tau_browser_summary.ARTIFACT_RECORDS}),
                timeline=True,
                lacks=frozenset(CYCLE_FIELDS),
            )
        case Adapter.JSON:
            return _mapped(surface, surface.map or JsonMapping())
        case _:
            assert_never(surface.adapter)


def _mapped(surface: Surface, mapping: JsonMapping) -> SurfaceNames:
    counters: frozenset[str] | None = frozenset()
    if mapping.counters is not None:
        counters = counter_names(mapping.counters)
    elif surface.events is not None:
        counters = None
    return SurfaceNames(
        fields=frozenset(mapping.fields),
        labels=frozenset(mapping.labels),
        counters=counters,
        health_state=mapping.health_state is not None,
        timeline=mapping.timeline is not None,
        lacks=frozenset(CYCLE_FIELDS) - frozenset(mapping.fields),
    )


def _queries(surface: Surface) -> Mapping[str, Query]:
    assert surface.metrics is not None  # a surface without an adapter has them
    return surface.metrics.queries


def _measured(queries: Mapping[str, Query]) -> SurfaceNames:
    plain = frozenset(name for name, query in queries.items() if not query.is_proportion)
    lacks = frozenset(CYCLE_FIELDS) - frozenset(queries)
    return SurfaceNames(fields=frozenset(queries), counters=plain, health_state=False, lacks=lacks)


def _not_measured(queries: Mapping[str, Query]) -> Iterator[str]:
    yield from (field for field in CYCLE_FIELDS if field not in queries)
    yield from (HEALTH_STATE, TIMELINE)
    if all(query.is_proportion for query in queries.values()):
        yield COUNTERS


def never_reported(surface: Surface) -> tuple[str, ...]:
    """Returns all that a sample of the surface may call not applicable."""
    match surface.adapter:
        case None:
            return tuple(_not_measured(_queries(surface)))
        case Adapter.TAU_STATUS | Adapter.TAU_TRANSPORT_HEALTH:
            return (TIMELINE,)
        case Adapter.TAU_BROWSER_SUMMARY:
            return (*CYCLE_FIELDS, COUNTERS)
        case Adapter.JSON:
            return tuple(_not_mapped(surface, surface.map or JsonMapping()))
        case _:
            assert_never(surface.adapter)


def _not_mapped(surface: Surface, mapping: JsonMapping) -> Iterator[str]:
    yield from (field for field in CYCLE_FIELDS if field not in mapping.fields)
    if mapping.health_state is None:
        yield HEALTH_STATE
    if mapping.counters is None and surface.events is None:
        yield COUNTERS
    if mapping.timeline is None:
        yield TIMELINE
