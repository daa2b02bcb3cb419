"""Names that no surface reports: a gate on one never passes, a trigger on one never fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from rollout.core.contract import (
    AdvancingGate,
    BurnRateGate,
    BurnRateTrigger,
    CiChecksGate,
    Contract,
    EqualsGate,
    FlatGate,
    Gate,
    HarnessGate,
    HealthRegressionTrigger,
    HealthStateGate,
    NewCounterTrigger,
    NoNewGate,
    NoTriggerGate,
    RatioGate,
    RatioTrigger,
    RollbackTargetGate,
    SignoffGate,
    ThresholdGate,
    ThresholdTrigger,
    TimelineGate,
    TimelineTrigger,
    Trigger,
    ValidationTrigger,
)
from rollout.core.nearest import did_you_mean
from rollout.core.observation import HEALTH_STATE
from rollout.core.surfaces.known import SurfaceNames, known


class NameKind(Enum):
    """What is asked of a surface."""

    FIELD = auto()
    LABEL = auto()
    COUNTER = auto()
    HEALTH_STATE = auto()
    TIMELINE = auto()


@dataclass(frozen=True)
class NameUse:
    """One thing that a gate or trigger reads, by the key of the contract that names it."""

    kind: NameKind
    key: str
    """Empty where the kind alone says what is read."""
    name: str


def name_problems(contract: Contract) -> Iterator[str]:
    """Yields each name that cannot be what was meant, as `field: message`."""
    surfaces = {name: known(surface) for name, surface in contract.surfaces.items()}
    for where, asked, named in _everything_asked(contract):
        place = f"{where}.{asked.key}" if asked.key else where
        problem = _problem(asked, named, surfaces)
        if problem:
            yield f"{place}: {problem}"
    yield from _unused_runners(contract)


def _unused_runners(contract: Contract) -> Iterator[str]:
    """Yields runners that nobody names: a misspelt name is taken for a label, which a job awaits all day."""
    named = [surface.runner for surface in contract.surfaces.values()] + [contract.product.runner]
    known = list(dict.fromkeys(name for name in named if name is not None))
    for name in contract.runners:
        if name not in known:
            yield f"runners.{name}: no surface and no product.runner names it{did_you_mean(name, known)}"


def reports(asked: NameUse, surface: SurfaceNames) -> bool:
    """Returns whether the surface reports what is asked of it."""
    match asked.kind:
        case NameKind.FIELD:
            return asked.name in surface.fields
        case NameKind.LABEL:
            return asked.name in surface.labels
        case NameKind.COUNTER:
            return surface.counters is None or asked.name in surface.counters
        case NameKind.HEALTH_STATE:
            return surface.health_state
        case NameKind.TIMELINE:
            return surface.timeline
        case _:
            assert_never(asked.kind)


def _asked_by_gate(gate: Gate) -> list[NameUse]:
    match gate:
        case HealthStateGate():
            return [NameUse(NameKind.HEALTH_STATE, "", HEALTH_STATE)]
        case ThresholdGate():
            return [NameUse(NameKind.FIELD, "field", gate.field)]
        case RatioGate() | BurnRateGate():
            return _both(gate)
        case EqualsGate():
            return [NameUse(NameKind.LABEL, "field", gate.field)]
        case NoNewGate() | FlatGate() | AdvancingGate():
            return [NameUse(NameKind.COUNTER, "counter", gate.counter)]
        case TimelineGate():
            return [NameUse(NameKind.TIMELINE, "", "a timeline")]
        case NoTriggerGate() | HarnessGate() | CiChecksGate() | RollbackTargetGate() | SignoffGate():
            return []
        case _:
            assert_never(gate)


def _both(condition: RatioGate | RatioTrigger | BurnRateGate | BurnRateTrigger) -> list[NameUse]:
    keys = ("field", "over") if isinstance(condition, RatioGate | RatioTrigger) else ("good", "total")
    return [NameUse(NameKind.FIELD, key, getattr(condition, key)) for key in keys]


def _asked_by_trigger(trigger: Trigger) -> list[NameUse]:
    match trigger:
        case HealthRegressionTrigger():
            return [NameUse(NameKind.HEALTH_STATE, "", HEALTH_STATE)]
        case ThresholdTrigger():
            return [NameUse(NameKind.FIELD, "field", trigger.field)]
        case RatioTrigger() | BurnRateTrigger():
            return _both(trigger)
        case NewCounterTrigger():
            return [NameUse(NameKind.COUNTER, "counters", counter) for counter in trigger.counters]
        case TimelineTrigger():
            return [NameUse(NameKind.TIMELINE, "", "a timeline")]
        case ValidationTrigger():
            return []
        case _:
            assert_never(trigger)


def _everything_asked(contract: Contract) -> Iterator[tuple[str, NameUse, tuple[str, ...] | None]]:
    for index, phase in enumerate(contract.phases):
        for number, gate in enumerate(phase.gates):
            for each in _asked_by_gate(gate):
                yield f"phases.{index}.gates.{number}", each, getattr(gate, "surfaces", None)
    for index, trigger in enumerate(contract.triggers):
        for each in _asked_by_trigger(trigger):
            yield f"triggers.{index}", each, trigger.surfaces


def _problem(asked: NameUse, named: tuple[str, ...] | None, surfaces: Mapping[str, SurfaceNames]) -> str:
    looked_at = [name for name in surfaces if named is None or name in named]
    able = [name for name in looked_at if reports(asked, surfaces[name])]
    if not looked_at or able == looked_at:
        return ""
    if not able:
        who = "no surface reports" if named is None else f"{_listed(looked_at, 'or')} does not report"
        everywhere = (word for name in looked_at for word in _words(asked, surfaces[name]))
        return f"{who} {asked.name}{did_you_mean(asked.name, sorted(set(everywhere)))}"
    # At a surface that by nature lacks it the gate is not applicable and holds nothing up; one that is named
    # was meant to answer.
    silent = [
        name
        for name in looked_at
        if name not in able and (named is not None or asked.name not in _lacking(asked, surfaces[name]))
    ]
    if not silent:
        return ""
    verb = "does" if len(silent) == 1 else "do"
    return (
        f"{_listed(silent, 'and')} {verb} not report {asked.name}; name those that do:"
        f" surfaces: [{', '.join(able)}]"
    )


def _lacking(asked: NameUse, surface: SurfaceNames) -> frozenset[str]:
    """Returns what is not applicable at a surface that does not report it, rather than unknown for good."""
    match asked.kind:
        case NameKind.FIELD:
            return surface.lacks
        case NameKind.LABEL:
            return frozenset()
        case NameKind.COUNTER | NameKind.HEALTH_STATE | NameKind.TIMELINE:
            return frozenset({asked.name})
        case _:
            assert_never(asked.kind)


def _words(asked: NameUse, surface: SurfaceNames) -> Iterable[str]:
    match asked.kind:
        case NameKind.FIELD:
            return surface.fields
        case NameKind.LABEL:
            return surface.labels
        case NameKind.COUNTER:
            return surface.counters or ()
        case NameKind.HEALTH_STATE | NameKind.TIMELINE:
            return ()
        case _:
            assert_never(asked.kind)


def _listed(names: list[str], word: str) -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
