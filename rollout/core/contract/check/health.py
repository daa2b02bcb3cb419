"""Phases in which nobody looks at the product: they would be left on no evidence, or never."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import Contract, Gate, HarnessGate, NoTriggerGate, Phase, RunsSoak
from rollout.core.contract.rules import inheritance_holds
from rollout.core.decide.gates import earns_soak

_ADD = "add one, such as {kind: health_state}"


def health_problems(contract: Contract) -> Iterator[str]:
    """Each as `field: message`."""
    if not inheritance_holds(contract):
        return
    for index, phase in enumerate(contract.phases):
        gates = contract.gates_of(phase)
        reading = [gate for gate in gates if earns_soak(gate, contract, phase)]
        of_surfaces = [gate for gate in reading if not isinstance(gate, HarnessGate)]
        if gates and not of_surfaces and phase.canary_percent > 0:
            where = f"{phase.name} at {phase.canary_percent} %"
            yield f"phases.{index}.gates: {where} has no gate that reads the health of a surface; {_ADD}"
        elif gates and (why := _why_never_earned(phase, reading)):
            yield f"phases.{index}.soak: can never be earned, because {why}; {_ADD}"


def _why_never_earned(phase: Phase, reading: list[Gate]) -> str:
    if isinstance(phase.soak, RunsSoak):
        return "" if reading else "no gate reads health"
    of_surfaces = [gate for gate in reading if not isinstance(gate, HarnessGate | NoTriggerGate)]
    return "" if phase.soak == 0 or of_surfaces else "no gate reads a surface's health"
