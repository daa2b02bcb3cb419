"""Every mistake of a contract at once: what its types refuse, and what only the whole can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from rollout.core.contract import Adapter, Contract, find_problems
from rollout.core.values import Model


def examine(data: object) -> tuple[Contract | None, list[str]]:
    """Returns the contract of plain data, if its types are right, and every mistake as `field: message`.

    The contract is good when there is no mistake.
    """
    contract, problems = read(data)
    if contract is None:
        return None, problems
    return contract, problems + list(_no_numbers(contract, data, "")) + doubts(contract)


def read(data: object) -> tuple[Contract | None, list[str]]:
    """Examines as `examine` does, without `doubts`: enough for a contract that is in use already.

    A release under way must not stop, and history must stay readable, because a newer version of the tool
    finds a mistake that it did not know before.
    """
    try:
        contract = Contract.model_validate(data)
    except ValidationError as error:
        return None, _explain(error, data)
    return contract, whole_problems(contract)


def doubts(contract: Contract) -> list[str]:
    """Returns mistakes of a contract that can be read but does not do what it says, as `field: message`."""
    from rollout.core.contract_check.commands import command_problems
    from rollout.core.contract_check.conditions import condition_problems
    from rollout.core.contract_check.dead_ends import dead_ends
    from rollout.core.contract_check.health import health_problems
    from rollout.core.contract_check.limits import limit_problems
    from rollout.core.contract_check.names import name_problems
    from rollout.core.contract_check.placeholders import placeholder_problems

    constants: list[str] = []
    if any(surface.map is not None for surface in contract.surfaces.values()):
        from rollout.core.surfaces.expressions import constant_problems

        constants = list(constant_problems(contract))
    measured: list[str] = []
    if contract.measures:
        from rollout.core.contract_check.metrics import metric_problems

        measured = list(metric_problems(contract))
    return [
        *limit_problems(contract),
        *health_problems(contract),
        *name_problems(contract),
        *placeholder_problems(contract),
        *command_problems(contract),
        *dead_ends(contract),
        *condition_problems(contract),
        *constants,
        *measured,
    ]


def _no_numbers(model: Model, data: object, above: str) -> Iterator[str]:
    """Yields true, false and text where a number belongs: they would be taken for one."""
    if not isinstance(data, Mapping):
        return
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        yield from _no_numbers_in(getattr(model, name), data.get(key), f"{above}{key}")


def _no_numbers_in(value: object, data: object, where: str) -> Iterator[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(data, bool):
            yield f"{where}: must be a number, not {'true' if data else 'false'}; did you mean {value:g}?"
        elif isinstance(data, str) and not data[-1:].isalpha():  # `30m` is a duration
            yield f"{where}: must be a number, not text; did you mean {value:g}, without quotes?"
    elif isinstance(value, Model):
        yield from _no_numbers(value, data, f"{where}.")
    elif isinstance(value, tuple) and isinstance(data, list):
        for index, (each, raw) in enumerate(zip(value, data, strict=False)):
            yield from _no_numbers_in(each, raw, f"{where}.{index}")
    elif isinstance(value, Mapping) and isinstance(data, Mapping):
        for key, each in value.items():
            yield from _no_numbers_in(each, data.get(key), f"{where}.{key}")


def _explain(error: ValidationError, data: object) -> list[str]:
    # Imported here because most contracts are right, and every command reads one.
    from rollout.core.contract_check.mistakes import find_mistakes
    from rollout.core.contract_check.repair import Repair

    mistakes = find_mistakes(error, Contract)
    lines = [mistake.line for mistake in mistakes]
    fixed = Repair(data, mistakes)
    try:
        contract = Contract.model_validate(fixed.data)
    except ValidationError:  # something that has no stand-in
        return lines
    found = whole_problems(contract) + doubts(contract)
    return lines + [problem for problem in found if not fixed.blurs(problem)]


def whole_problems(contract: Contract) -> list[str]:
    """Returns what types cannot see, as `field: message`: cross-references, and expressions that do not
    parse.
    """
    problems = find_problems(contract)
    if any(surface.adapter is Adapter.JSON for surface in contract.surfaces.values()):
        from rollout.core.surfaces.expressions import expression_problems

        problems += expression_problems(contract)
    return problems
