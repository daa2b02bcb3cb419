"""Phases in which nobody looks at the product: they would be left on no evidence, or never."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rollout.core.contract import (
    Contract,
    EqualsGate,
    Gate,
    HarnessGate,
    NoTriggerGate,
    Phase,
    RunsSoak,
    ThresholdGate,
    ThresholdTrigger,
    Trigger,
    ValidationTrigger,
)
from rollout.core.contract.rules import inheritance_holds
from rollout.core.decide.gates import earns_soak
from rollout.core.placeholders import OF_A_RELEASE, named
from rollout.core.surfaces.payload import CYCLE, LARGEST

_ADD = "add one, such as {kind: health_state}"
_HARDLY_REACHED = 10**15
_COUNT = re.compile(
    r"(?:^|[_.-])(?:count|errors|failures|failed|retries|timeouts|crashes|exceptions)$|[a-z]Count$"
)
"""Names of fields that are below zero nowhere."""


def health_problems(contract: Contract) -> Iterator[str]:
    """Yields each as `field: message`."""
    if not inheritance_holds(contract):
        return
    for index, phase in enumerate(contract.phases):
        gates = contract.gates_of(phase)
        reading = [gate for gate in gates if earns_soak(gate, contract, phase)]
        of_surfaces = [gate for gate in reading if not isinstance(gate, HarnessGate)]
        reasons = [_why_no_health(gate, contract, phase) for gate in of_surfaces]
        if gates and all(reasons) and phase.canary_percent > 0:
            where = f"{phase.name} at {phase.canary_percent} %"
            why = f": {', '.join(reasons)}" if reasons else ""
            yield f"phases.{index}.gates: {where} has no gate that reads the health of a surface{why}; {_ADD}"
        elif gates and (never := _why_never_earned(phase, reading)):
            yield f"phases.{index}.soak: can never be earned, because {never}; {_ADD}"


def health_doubts(contract: Contract) -> Iterator[str]:
    """Yields phases with users in which no gate is sure to read health, as `field: message`."""
    for index, phase in enumerate(contract.phases):
        reading = [
            gate
            for gate in contract.gates_of(phase)
            if earns_soak(gate, contract, phase)
            and not isinstance(gate, HarnessGate)
            and not _why_no_health(gate, contract, phase)
        ]
        if phase.canary_percent > 0 and reading and all(map(_may_be_no_health, reading)):
            only = ", ".join(gate.title for gate in reading)
            yield (
                f"phases.{index}.gates: {phase.name} at {phase.canary_percent} % goes by {only} alone;"
                f" if that does not fail when the product does, {_ADD}"
            )


def _why_no_health(gate: Gate, contract: Contract, phase: Phase) -> str:
    """Returns why the gate certainly says nothing about health, though it earns soak;
    nothing where it may.
    """
    match gate:
        case EqualsGate() if set(named(gate.value)) & set(OF_A_RELEASE):
            return f"{gate.title} only tells which release runs"
        case ThresholdGate() if not _can_fail(gate):
            return f"no value fails {gate.title}"
        case NoTriggerGate() if not any(
            contract.watches(trigger, phase.name) and _can_fire(trigger) for trigger in contract.triggers
        ):
            return "no value makes a trigger fire"
        case _:
            return ""


def _can_fail(gate: ThresholdGate) -> bool:
    smallest = 0 if gate.field in CYCLE or _COUNT.search(gate.field) else -LARGEST
    is_capped = gate.max is not None and gate.max < LARGEST
    return is_capped or (gate.min is not None and gate.min > smallest)


def _can_fire(trigger: Trigger) -> bool:
    if isinstance(trigger, ThresholdTrigger):
        return any(trigger.is_reached(value) for value in (-LARGEST, LARGEST))
    return not isinstance(trigger, ValidationTrigger)


def _may_be_no_health(gate: Gate) -> bool:
    """Returns whether the gate may not read health: any text, or a number without a limit that bites."""
    if isinstance(gate, ThresholdGate):
        is_capped = gate.max is not None and gate.max < _HARDLY_REACHED
        return not is_capped and (gate.min is None or gate.min <= 0)
    return isinstance(gate, EqualsGate)


def _why_never_earned(phase: Phase, reading: list[Gate]) -> str:
    if isinstance(phase.soak, RunsSoak):
        return "" if reading else "no gate reads health"
    of_surfaces = [gate for gate in reading if not isinstance(gate, HarnessGate | NoTriggerGate)]
    return "" if phase.soak == 0 or of_surfaces else "no gate reads a surface's health"
