"""What only the whole of a contract can show: cross-references, orders, and what could never hold."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from collections import Counter
from collections.abc import Iterable, Iterator

from rollout.core.contract.gates import (
    RESERVED_GATE_NAMES,
    HarnessGate,
    SignoffGate,
    SurfaceGate,
)
from rollout.core.contract.phases import Phase
from rollout.core.contract.signoff import COMPLETE, Proof, SignoffItem
from rollout.core.contract.triggers import (
    BurnRateTrigger,
    HealthRegressionTrigger,
    RatioTrigger,
    ThresholdTrigger,
    ValidationTrigger,
)
from rollout.core.contract.whole import Contract
from rollout.core.values import format_duration


def find_problems(contract: Contract) -> list[str]:
    """Returns every mistake that types cannot see, each as `field: message`; empty when there is none."""
    return [
        *_phase_problems(contract),
        *_inherit_problems(contract),
        *_gate_problems(contract),
        *_trigger_problems(contract),
        *_sampling_problems(contract),
        *_soak_problems(contract),
        *dict.fromkeys(_surface_problems(contract)),
        *_signoff_problems(contract),
    ]


def _duplicates(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _phase_problems(contract: Contract) -> Iterator[str]:
    names = [phase.name for phase in contract.phases]
    for name in _duplicates(names):
        yield f"phases: duplicate name {name}"
    if COMPLETE in names:
        yield f"phases: {COMPLETE} is what sign-off items name the end of the rollout by; choose another name"
    for index, (before, after) in enumerate(zip(contract.phases, contract.phases[1:], strict=False), 1):
        if after.canary_percent <= before.canary_percent:
            yield (
                f"phases.{index}.canary_percent: must rise, and {after.name} has {after.canary_percent}"
                f" after {before.name}'s {before.canary_percent}"
            )
    last = contract.phases[-1]
    if last.canary_percent != 100:
        where = f"phases.{len(names) - 1}.canary_percent"
        yield f"{where}: the last phase must be 100, {last.name} is {last.canary_percent}"


def _inherit_problems(contract: Contract) -> Iterator[str]:
    parents = {phase.name: phase.inherit for phase in contract.phases}
    for index, phase in enumerate(contract.phases):
        if phase.inherit is not None and phase.inherit not in parents:
            yield f"phases.{index}.inherit: unknown phase {phase.inherit}"
        elif _inherits_itself(phase.name, parents):
            yield f"phases.{index}.inherit: a cycle leads back to {phase.name}"


def inheritance_holds(contract: Contract) -> bool:
    """Returns whether each phase inherits from one that exists, none from itself: else `gates_of` cannot
    answer.
    """
    return not any(_inherit_problems(contract))


def _inherits_itself(name: str, parents: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    parent = parents.get(name)
    while parent is not None and parent not in seen:
        if parent == name:
            return True
        seen.add(parent)
        parent = parents.get(parent)
    return False


def _has_gates(phase: Phase, contract: Contract) -> bool:
    by_name = {each.name: each for each in contract.phases}
    seen: set[str] = set()
    current: Phase | None = phase
    while current is not None and current.name not in seen:
        if current.gates:
            return True
        seen.add(current.name)
        current = by_name.get(current.inherit) if current.inherit else None
    return False


def _gate_problems(contract: Contract) -> Iterator[str]:
    befores = {item.before for item in contract.signoff.items}
    for index, phase in enumerate(contract.phases):
        where = f"phases.{index}.gates"
        if not _has_gates(phase, contract):
            yield f"{where}: {phase.name} has no gate; an empty list would promote anything"
        for name in _duplicates(gate.title for gate in phase.gates):
            yield f"{where}: duplicate name {name}"
        for number, gate in enumerate(phase.gates):
            at = f"{where}.{number}"
            if gate.title in RESERVED_GATE_NAMES:
                yield f"{at}.name: {gate.title} is a gate that every phase has; choose another name"
            if isinstance(gate, SurfaceGate):
                yield from _unknown_surfaces(at, gate.surfaces, contract)
            if isinstance(gate, HarnessGate) and contract.harness is None:
                yield f"{at}: there is no harness section to read a report from"
            if isinstance(gate, SignoffGate) and gate.before not in befores:
                yield f"{at}.before: no sign-off item is before {gate.before}"


def _unknown_surfaces(where: str, named: tuple[str, ...] | None, contract: Contract) -> Iterator[str]:
    if named == ():
        yield f"{where}.surfaces: names none; leave it out for all"
    for surface in named or ():
        if surface not in contract.surfaces:
            yield f"{where}.surfaces: unknown surface {surface}"


def _trigger_problems(contract: Contract) -> Iterator[str]:
    phases = {phase.name for phase in contract.phases}
    for name in _duplicates(trigger.name for trigger in contract.triggers):
        yield f"triggers: duplicate name {name}"
    for index, trigger in enumerate(contract.triggers):
        where = f"triggers.{index}"
        yield from _unknown_surfaces(where, trigger.surfaces, contract)
        for phase in trigger.phases or ():
            if phase not in phases:
                yield f"{where}.phases: unknown phase {phase}"
        if isinstance(trigger, ValidationTrigger):
            if not trigger.harness and trigger.checks is None:
                yield f"{where}: watches neither harness nor checks"
            if trigger.harness and contract.harness is None:
                yield f"{where}.harness: there is no harness section to read a report from"


def _surface_problems(contract: Contract) -> Iterator[str]:
    sampling = contract.sampling
    for name, surface in contract.surfaces.items():
        where = f"surfaces.{name}"
        if surface.refresh == "harness" and (contract.harness is None or contract.harness.command is None):
            yield f"{where}.refresh: there is no harness.command to run"
        speaks = surface.interval or sampling.interval
        if speaks > sampling.streak_gap > 0 and _counts_checks(contract, name):
            said = _shorter("sampling.streak_gap", sampling.streak_gap, name, speaks)
            yield f"{said}, so no two of its checks would be consecutive"
        interval = surface.interval
        if interval is None:
            continue
        if interval > sampling.max_age:
            yield _shorter("sampling.max_age", sampling.max_age, name, interval)
        for index, phase in enumerate(contract.phases):
            is_timed = isinstance(phase.soak, int) and phase.soak > 0
            if is_timed and interval > contract.max_gap(phase) > 0:
                yield _shorter(_gap_field(index, phase), contract.max_gap(phase), name, interval)


def _counts_checks(contract: Contract, surface: str) -> bool:
    """Returns whether a trigger waits for several consecutive checks of that surface."""
    return any(
        isinstance(trigger, HealthRegressionTrigger | ThresholdTrigger | RatioTrigger | BurnRateTrigger)
        and trigger.checks > 1
        and surface in (trigger.surfaces or contract.surfaces)
        for trigger in contract.triggers
    )


def _shorter(field: str, value: int, surface: str, interval: int) -> str:
    return (
        f"{field}: {format_duration(value)} is shorter than the interval of {surface},"
        f" {format_duration(interval)}"
    )


def _gap_field(index: int, phase: Phase) -> str:
    return "sampling.max_gap" if phase.max_gap is None else f"phases.{index}.max_gap"


def _sampling_problems(contract: Contract) -> Iterator[str]:
    sampling = contract.sampling
    for field in ("interval", "max_age", "max_gap", "streak_gap"):
        if getattr(sampling, field) <= 0:
            yield f"sampling.{field}: must be longer than nothing"
    if sampling.min_interval > sampling.interval:
        yield "sampling.min_interval: longer than interval, so no two observations would be two checks"
    for index, phase in enumerate(contract.phases):
        gap = contract.max_gap(phase)
        if phase.max_gap == 0:
            yield f"phases.{index}.max_gap: must be longer than nothing"
        elif isinstance(phase.soak, int) and phase.soak > 0 and sampling.interval > gap > 0:
            yield (
                f"phases.{index}.soak: can never be earned, because sampling.interval"
                f" {format_duration(sampling.interval)} is longer than max_gap {format_duration(gap)}"
            )


def _soak_problems(contract: Contract) -> Iterator[str]:
    for index, phase in enumerate(contract.phases):
        # Before anybody has the release there may be nothing to wait for.
        if phase.soak == 0 and phase.canary_percent > 0:
            yield (
                f"phases.{index}.soak: {phase.name} at {phase.canary_percent} % would be left at its first"
                " observation; give it a time, or {runs: N}"
            )


def _signoff_problems(contract: Contract) -> Iterator[str]:
    phases = [phase.name for phase in contract.phases]
    for item_id in _duplicates(item.id for item in contract.signoff.items):
        yield f"signoff.items: duplicate name {item_id}"
    for index, item in enumerate(contract.signoff.items):
        where = f"signoff.items.{index}"
        if item.before != COMPLETE and item.before not in phases:
            yield f"{where}.before: unknown phase {item.before}"
        elif item.before == phases[0]:
            yield f"{where}.before: nothing comes before {item.before}"
        elif item.before not in _gated_befores(contract):
            yield f"{where}.before: no gate waits for it; add {{kind: signoff, before: {item.before}}}"
        proof = item.proof
        yield from _people_problems(where, item, contract)
        if proof and proof.kind is Proof.PHASE_SOAKED and proof.of not in phases:
            yield f"{where}.proof.of: unknown phase {proof.of}"
        if proof and proof.kind is Proof.SURFACE_HEALTHY and proof.of not in contract.surfaces:
            yield f"{where}.proof.of: unknown surface {proof.of}"


def _people_problems(where: str, item: SignoffItem, contract: Contract) -> Iterator[str]:
    named = len({login.casefold() for login in contract.signoff.roles.named(item.role)})
    if item.proof is not None and item.people > 1:
        yield f"{where}.people: the machine proves it, alone"
    elif item.proof is None and 0 < named < item.people:
        yield f"{where}.people: {item.people} have to sign, and signoff.roles.{item.role} names {named}"


def _gated_befores(contract: Contract) -> set[str]:
    gates = (gate for phase in contract.phases for gate in phase.gates)
    return {gate.before for gate in gates if isinstance(gate, SignoffGate)}
