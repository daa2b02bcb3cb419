"""What can never work although its types are right and its names exist, each with the nearest right value.

Where it may be meant anyway, `contract_warnings` says so instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import (
    CiChecksGate,
    Contract,
    HarnessGate,
    RatioGate,
    RatioTrigger,
    Surface,
    ThresholdTrigger,
    ValidationTrigger,
)
from rollout.core.contract_check.commands import commands_of
from rollout.core.evidence_index import path_matches
from rollout.core.nearest import did_you_mean
from rollout.core.surfaces.payload import CYCLE_FIELDS
from rollout.core.values import format_duration

WORSE = {"healthy": 0, "degraded": 1, "failing": 2}
"""Our own words of health, by how bad they are."""
_WILD = "*?["


def dead_ends(contract: Contract) -> Iterator[str]:
    """Yields each as `field: message`."""
    yield from _phases(contract)
    yield from _times(contract)
    yield from _triggers(contract)
    yield from _ratios(contract)
    yield from _harness(contract)
    for name, surface in contract.surfaces.items():
        yield from _states(f"surfaces.{name}.map.health_states", surface)
        if surface.file == ".":
            yield f"surfaces.{name}.file: . is a folder; name the file in it"
    for where, pattern in check_patterns(contract):
        yield from _pattern(where, pattern)
    yield from _evidence(contract)


def _ratios(contract: Contract) -> Iterator[str]:
    """Yields comparisons of a field with itself."""
    for index, phase in enumerate(contract.phases):
        for number, gate in enumerate(phase.gates):
            if isinstance(gate, RatioGate) and gate.field == gate.over:
                yield f"phases.{index}.gates.{number}.over: is the field itself; name another one"
    for index, trigger in enumerate(contract.triggers):
        if isinstance(trigger, RatioTrigger) and trigger.field == trigger.over:
            yield f"triggers.{index}.over: is the field itself; name another one"


def _phases(contract: Contract) -> Iterator[str]:
    first = contract.phases[0]
    if first.canary_percent > 0:
        yield (
            f"phases.0.canary_percent: {first.name} gives a release to {first.canary_percent} % before"
            " anything was checked; begin with a phase at 0"
        )
    for index, phase in enumerate(contract.phases):
        for number, gate in enumerate(phase.gates):
            if isinstance(gate, HarnessGate) and gate.passed + gate.failed < gate.total:
                where, count = f"phases.{index}.gates.{number}.total", gate.passed + gate.failed
                yield f"{where}: {gate.total} is more than passed and failed together; did you mean {count}?"


def _harness(contract: Contract) -> Iterator[str]:
    harness = contract.harness
    if harness is None:
        return
    if harness.manifest == harness.report:
        yield f"harness.manifest: is the report, {harness.report}; a run writes two files"
    for index, surface in enumerate(harness.surfaces):
        if surface in harness.surfaces[:index]:
            yield f"harness.surfaces.{index}: {surface} is named twice"
    ids = len({*harness.surfaces})
    for index, phase in enumerate(contract.phases):
        for number, gate in enumerate(phase.gates):
            if isinstance(gate, HarnessGate) and 0 < ids < gate.total:
                where = f"phases.{index}.gates.{number}.total"
                yield f"{where}: {gate.total} is more than the {ids} of harness.surfaces; did you mean {ids}?"


def _times(contract: Contract) -> Iterator[str]:
    for command in commands_of(contract):
        if command.timeout == 0:
            yield f"{command.section}.timeout: 0s ends the command before it begins; did you mean 10m?"
        if not command.words[0].strip():
            yield f"{command.field}.0: is empty; the first word is the program to run"
    sampling = contract.sampling
    if sampling.min_interval == 0:
        yield "sampling.min_interval: must be longer than nothing, else one reading counts as two checks"
    if 0 < sampling.max_age < sampling.min_interval:
        yield (
            f"sampling.max_age: {format_duration(sampling.max_age)} is shorter than min_interval,"
            f" {format_duration(sampling.min_interval)}: no reading counts until the next check;"
            f" did you mean {format_duration(2 * sampling.interval)}?"
        )


def _triggers(contract: Contract) -> Iterator[str]:
    for index, trigger in enumerate(contract.triggers):
        where = f"triggers.{index}"
        if trigger.phases == ():
            yield f"{where}.phases: names none; leave it out for all but the first"
        if isinstance(trigger, ThresholdTrigger) and trigger.field in CYCLE_FIELDS:
            yield from _of_count(where, trigger)


def _of_count(where: str, trigger: ThresholdTrigger) -> Iterator[str]:
    because = f"because {trigger.field} is a count"
    if trigger.at_least is not None and trigger.at_least <= 0:
        yield f"{where}.at_least: {trigger.at_least:g} fires at once, {because}; did you mean 1?"
    if trigger.at_most is not None:
        when = "fires while nothing is wrong" if trigger.at_most >= 0 else "never fires"
        yield f"{where}.at_most: {trigger.at_most:g} {when}, {because}; did you mean at_least?"


def _states(where: str, surface: Surface) -> Iterator[str]:
    """Yields our own words for bad health that are mapped to something better."""
    states = surface.map.health_states if surface.map else {}
    for word, meant in states.items():
        own = word.casefold()
        if own in WORSE and WORSE[own] > WORSE[meant]:
            yield f"{where}.{word}: is called {meant}; did you mean {own}?"
    if "healthy" in states and "healthy" not in states.values():
        yield f"{where}: calls nothing healthy, so no gate on health would ever hold"


def check_patterns(contract: Contract) -> Iterator[tuple[str, str]]:
    """Yields each glob over names of checks, with its field."""
    for index, phase in enumerate(contract.phases):
        for number, gate in enumerate(phase.gates):
            if isinstance(gate, CiChecksGate):
                yield f"phases.{index}.gates.{number}.checks", gate.checks
    for index, trigger in enumerate(contract.triggers):
        if isinstance(trigger, ValidationTrigger) and trigger.checks is not None:
            yield f"triggers.{index}.checks", trigger.checks


def _pattern(where: str, pattern: str) -> Iterator[str]:
    if not pattern.strip():
        yield f'{where}: is empty and matches no check; did you mean "*"?'
    elif has_open_bracket(pattern):
        yield f"{where}: a [ is not closed; write [[] for the character itself"


def has_open_bracket(pattern: str) -> bool:
    """Returns whether a `[` of the glob begins no set of characters."""
    at = pattern.find("[")
    while at >= 0:
        # A `]` right after the beginning is one of the characters.
        begin = at + 2 if pattern[at + 1 : at + 2] == "!" else at + 1
        end = pattern.find("]", begin + 1)
        if end < 0:
            return True
        at = pattern.find("[", end)
    return False


def _evidence(contract: Contract) -> Iterator[str]:
    captured = contract.rollback.evidence
    for index, glob in enumerate(contract.rollback.evidence_in_git):
        where = f"rollback.evidence_in_git.{index}"
        if glob in captured or any(_may_meet(glob, each) for each in captured):
            continue
        near = did_you_mean(glob, captured) or "; add it there, or leave it out here"
        yield f"{where}: {glob} is not among rollback.evidence, so it is never captured{near}"


def _may_meet(glob: str, other: str) -> bool:
    """Returns whether one path may match both; where both are wild it cannot be told, and may."""
    if any(sign in glob for sign in _WILD) and any(sign in other for sign in _WILD):
        return True
    return path_matches(glob, other) or path_matches(other, glob)
