"""What may be meant, and is more often a mistake: shown, and refused nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rollout.core.contract import (
    Adapter,
    Contract,
    NewCounterTrigger,
    RatioGate,
    RatioTrigger,
    RunsSoak,
    ThresholdTrigger,
)
from rollout.core.contract_check.commands import commands_of
from rollout.core.contract_check.dead_ends import WORSE, check_patterns, has_open_bracket
from rollout.core.contract_check.health import health_doubts
from rollout.core.decide.gates import earns_soak
from rollout.core.nearest import near
from rollout.core.placeholders import OF_A_RELEASE
from rollout.core.surfaces.payload import CYCLE_FIELDS
from rollout.core.values import format_duration

_BAD_WORDS = re.compile(
    r"fail|error|down|crit|unhealthy|dead|broken|panic|fatal|degraded|bad"
    r"|unknown|stale|offline|stop|lost|unreach|time.?out",
    re.IGNORECASE,
)
_SET = re.compile(r"\[([^!\[\]][^\[\]]+)\]")


def find_warnings(contract: Contract) -> Iterator[str]:
    """Yields each as `field: message`."""
    yield from _commands(contract)
    yield from _doubled(contract)
    yield from _warm_up(contract)
    yield from _surfaces(contract)
    if any(surface.map is not None for surface in contract.surfaces.values()):
        from rollout.core.surfaces.expressions import constant_doubts

        yield from constant_doubts(contract)
    if contract.measures:
        from rollout.core.contract_check.conditions import condition_doubts
        from rollout.core.contract_check.metrics import metric_doubts

        yield from metric_doubts(contract)
        yield from condition_doubts(contract)
    yield from _triggers(contract)
    yield from _baselines(contract)
    yield from _soak(contract)
    yield from health_doubts(contract)
    for where, pattern in check_patterns(contract):
        found = _SET.search(pattern)
        if found and not has_open_bracket(pattern) and len(found[1]) > 1:
            yield f"{where}: [{found[1]}] is any one of these characters; for brackets write [[]{found[1]}]"


def _commands(contract: Contract) -> Iterator[str]:
    for command in commands_of(contract):
        known = command.filled or OF_A_RELEASE
        for where, name in command.unknown():
            if command.filled and not near(name.casefold(), known):
                yield f"{where}: {{{name}}} is not filled in and reaches the command as it is written"
            elif not command.filled and near(name.casefold(), known):
                yield f"{where}: {{{name}}} is not filled in here and reaches the command as it is written"


def _surfaces(contract: Contract) -> Iterator[str]:
    for name, surface in contract.surfaces.items():
        if surface.map is None:
            continue
        for word, meant in surface.map.health_states.items():
            own = word.casefold()
            if own not in WORSE and meant == "healthy" and _BAD_WORDS.search(word):
                yield f"surfaces.{name}.map.health_states.{word}: is called healthy"
        if surface.adapter is Adapter.JSON and surface.map.health_state is not None:
            from rollout.core.surfaces.expressions import fallback

            said = fallback(surface.map.health_state)
            if said is not None and surface.map.health_states.get(said, said) == "healthy":
                yield f"surfaces.{name}.map.health_state: is healthy too where the product says nothing"


def _doubled(contract: Contract) -> Iterator[str]:
    for command in commands_of(contract):
        for index, word in enumerate(command.words):
            for name in command.filled:
                if f"{{{{{name}}}}}" in word:
                    where, once = f"{command.field}.{index}", f"{{{name}}}"
                    yield f"{where}: {{{once}}} keeps one pair of braces; write {once}"


def _warm_up(contract: Contract) -> Iterator[str]:
    for index, phase in enumerate(contract.phases):
        if isinstance(phase.soak, int) and 0 < phase.soak < phase.warm_up:
            warm_up, soak = format_duration(phase.warm_up), format_duration(phase.soak)
            yield f"phases.{index}.warm_up: {warm_up} is longer than the soak, {soak}"


def _triggers(contract: Contract) -> Iterator[str]:
    for index, trigger in enumerate(contract.triggers):
        if isinstance(trigger, NewCounterTrigger) and not trigger.rolls_back:
            yield (
                f"triggers.{index}.actions: what is new stays so in the phase, so after the freeze only a"
                " rollback or a changed contract goes on"
            )
        if not isinstance(trigger, ThresholdTrigger) or trigger.field in CYCLE_FIELDS:
            continue
        if trigger.at_least is not None and trigger.at_least <= 0:
            yield f"triggers.{index}.at_least: fires at {trigger.at_least:g} already"


def _baselines(contract: Contract) -> Iterator[str]:
    """Yields comparisons with a baseline where there is none."""
    for index, phase in enumerate(contract.phases):
        for gate in contract.gates_of(phase):
            if isinstance(gate, RatioGate) and not phase.has_baseline:
                yield (
                    f"phases.{index}.gates: {gate.title} does not apply in {phase.name}: at"
                    f" {phase.canary_percent} % there is nothing to compare with"
                )
    for index, trigger in enumerate(contract.triggers):
        if isinstance(trigger, RatioTrigger) and not any(
            contract.watches(trigger, phase.name) for phase in contract.phases
        ):
            yield f"triggers.{index}.phases: it watches none in which there is something to compare with"


def _soak(contract: Contract) -> Iterator[str]:
    for index, phase in enumerate(contract.phases):
        if isinstance(phase.soak, RunsSoak) or phase.soak == 0:
            continue
        named = {
            name
            for gate in contract.gates_of(phase)
            if earns_soak(gate, contract, phase)
            for name in contract.surfaces_of(getattr(gate, "surfaces", ()))
        }
        if named and all(contract.surfaces[name].fresh == "phase" for name in named):
            yield (
                f"phases.{index}.soak: only surfaces without a pulse are read, so it is earned as their files"
                " are written anew"
            )
