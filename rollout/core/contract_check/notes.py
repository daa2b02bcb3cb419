"""What a good contract leaves to people: no mistake, but they have to know it."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import CiChecksGate, Contract, HarnessGate
from rollout.core.contract_check.warnings import find_warnings


def find_notes(contract: Contract) -> list[str]:
    """Returns each as `field: message`; empty when there is none."""
    return list(_notes(contract))


def _notes(contract: Contract) -> Iterator[str]:
    if contract.apply is None:
        percents = [phase.canary_percent for phase in contract.phases if phase.canary_percent]
        listed = ", ".join(f"{percent} %" for percent in percents)
        yield f"apply: there is no command, so a person has to bring each percent to the product ({listed})"
    yield from _weights(contract)
    if contract.rollback.apply is None:
        yield (
            "rollback.apply: there is no command, so a rollback only records the version to go back to,"
            " and a person has to bring it to where the product runs"
        )
    gates = [gate for phase in contract.phases for gate in phase.gates]
    if not any(isinstance(gate, HarnessGate | CiChecksGate) for gate in gates):
        yield "phases: no gate is harness or ci_checks, so nothing validates the product after a rollback"
    yield from find_warnings(contract)


def _weights(contract: Contract) -> Iterator[str]:
    """Yields what rollout cannot keep true: it changes one number, and others stand beside it."""
    flag = contract.flag_file
    if flag is None:
        return
    is_weight = {"flagd": "fractional" in flag.tokens, "gofeatureflag": "percentage" in flag.tokens[-2:-1]}
    if is_weight.get(flag.format):
        yield (
            f"apply.flag_file.pointer: {flag.format} divides such a number by the sum of those beside it, and"
            " rollout changes none of these: users get the percent only while the sum is 100"
        )
