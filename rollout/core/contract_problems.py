"""Every mistake of a contract at once: what its types refuse, and what only the whole can show."""

from __future__ import annotations

from pydantic import ValidationError

from rollout.core.contract import Adapter, Contract, find_problems


def examine(data: object) -> tuple[Contract | None, list[str]]:
    """Plain data -> the contract, if its types are right, and every mistake as `field: message`.

    The contract is good when there is no mistake.
    """
    try:
        contract = Contract.model_validate(data)
    except ValidationError as error:
        return None, _explain(error, data)
    return contract, whole_problems(contract)


def _explain(error: ValidationError, data: object) -> list[str]:
    # Imported here because most contracts are right, and every command reads one.
    from rollout.core.contract_mending import Mended
    from rollout.core.problems import find_mistakes

    mistakes = find_mistakes(error, Contract)
    lines = [mistake.line for mistake in mistakes]
    mended = Mended(data, mistakes)
    try:
        contract = Contract.model_validate(mended.data)
    except ValidationError:  # something that has no stand-in
        return lines
    return lines + [problem for problem in whole_problems(contract) if not mended.blurs(problem)]


def whole_problems(contract: Contract) -> list[str]:
    """What types cannot see, as `field: message`: cross-references, and expressions that do not parse."""
    problems = find_problems(contract)
    if any(surface.adapter is Adapter.JSON for surface in contract.surfaces.values()):
        from rollout.core.surfaces.json_mapping import expression_problems

        problems += expression_problems(contract)
    return problems
