"""What the clock alone can never bring about: soak without a surface's news, streaks that always lapse."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import Contract, HealthRegressionTrigger, Phase, Proof
from rollout.core.contract.gates import SurfaceGate
from rollout.core.contract.rules import inheritance_holds
from rollout.core.contract_names import asked_by_gate, reports
from rollout.core.gates import reads_health
from rollout.core.surfaces.known import known
from rollout.core.values import format_duration


def soak_problems(contract: Contract) -> Iterator[str]:
    """Each soak, streak or proof that never comes, as `field: message`."""
    if inheritance_holds(contract):
        yield from _soaks(contract)
        yield from _proofs(contract)
    yield from _streaks(contract)


def _soaks(contract: Contract) -> Iterator[str]:
    for index, phase in enumerate(contract.phases):
        if not isinstance(phase.soak, int) or phase.soak == 0 or not contract.gates_of(phase):
            continue
        judged = _judged(contract, phase)
        why = ""
        if not judged:
            why = "no gate reads a surface's health"
        elif all(contract.surfaces[name].fresh == "phase" for name in judged):
            why = "every surface that its gates read is fresh: phase, without a pulse"
        if why:
            yield f"phases.{index}.soak: can never be earned, because {why}; add a gate, or write {{runs: N}}"


def _judged(contract: Contract, phase: Phase) -> set[str]:
    """The surfaces whose health the phase's gates can read."""
    judged = set()
    for gate in contract.gates_of(phase):
        asked = asked_by_gate(gate)
        if isinstance(gate, SurfaceGate) and asked is not None and reads_health(gate):
            named = contract.surfaces_of(gate.surfaces)
            judged |= {name for name in named if reports(asked, known(contract.surfaces[name]))}
    return judged


def _proofs(contract: Contract) -> Iterator[str]:
    looked_at = {
        name
        for phase in contract.phases
        for gate in phase.gates
        if isinstance(gate, SurfaceGate)
        for name in contract.surfaces_of(gate.surfaces)
    }
    for index, item in enumerate(contract.signoff.items):
        of = item.proof.of if item.proof and item.proof.kind is Proof.SURFACE_HEALTHY else None
        if of is not None and of in contract.surfaces and of not in looked_at:
            yield f"signoff.items.{index}.proof.of: no gate reads {of}, so nothing proves that it is healthy"


def _streaks(contract: Contract) -> Iterator[str]:
    gap = contract.sampling.streak_gap
    for index, trigger in enumerate(contract.triggers):
        if not isinstance(trigger, HealthRegressionTrigger) or trigger.checks == 1:
            continue
        for name in contract.surfaces_of(trigger.surfaces):
            interval = contract.surfaces[name].interval or contract.sampling.interval
            if interval > gap > 0:
                yield (
                    f"triggers.{index}.checks: never come together at {name}, because its interval of"
                    f" {format_duration(interval)} is longer than sampling.streak_gap {format_duration(gap)}"
                )
                break
