"""Placeholders where nothing fills them in: the text would be compared as it is written, and never match."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import CiChecksGate, Contract, EqualsGate, ValidationTrigger
from rollout.core.nearest import did_you_mean
from rollout.core.placeholders import OF_A_RELEASE, named


def placeholder_problems(contract: Contract) -> Iterator[str]:
    """Yields each placeholder that stays text, as `field: message`."""
    for index, phase in enumerate(contract.phases):
        for number, gate in enumerate(phase.gates):
            where = f"phases.{index}.gates.{number}"
            if isinstance(gate, EqualsGate):
                yield from _unknown(f"{where}.value", gate.value)
            if isinstance(gate, CiChecksGate):
                yield from _never_filled(f"{where}.checks", gate.checks)
    for index, trigger in enumerate(contract.triggers):
        if isinstance(trigger, ValidationTrigger) and trigger.checks is not None:
            yield from _never_filled(f"triggers.{index}.checks", trigger.checks)


def _unknown(where: str, text: str) -> Iterator[str]:
    for word in named(text):
        if word not in OF_A_RELEASE:
            yield f"{where}: unknown placeholder {{{word}}}{did_you_mean(word, OF_A_RELEASE)}"


def _never_filled(where: str, text: str) -> Iterator[str]:
    for word in named(text):
        if word in OF_A_RELEASE:
            yield f"{where}: {{{word}}} is not filled in here; match any check with *"
