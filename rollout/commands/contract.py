"""`rollout contract check`: every mistake of the contracts in the worktree, before they are committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rollout.commands.contract_schema import schema_text
from rollout.core.contract import Contract
from rollout.core.contract_check.examine import doubts
from rollout.core.contract_check.notes import find_notes
from rollout.core.files import SCHEMA
from rollout.core.state import TrainState
from rollout.errors import ContractError, InputError
from rollout.files.flag_text import number_in
from rollout.ports import Worktree

ReadContract = Callable[[bytes, str], tuple[Contract, str]]
"""Bytes, file's path -> contract and digest. Raises InputError, or ContractError with all problems."""


ReadFlags = Callable[[Contract, str], bytes | None]
"""Contract and a path that the worktree lacks -> the file on a branch; None where a branch that may have it
cannot be seen. Raises InputError where each of them lacks it."""

WhyUncommittable = Callable[[str], str]
"""A path of the worktree -> why git does not commit it as a file; empty where it does."""


def check_contracts(
    worktree: Worktree,
    read_contract: ReadContract,
    train: str | None = None,
    read_flags: ReadFlags = lambda *_: None,
    why_uncommittable: WhyUncommittable = lambda _: "",
) -> tuple[str, ...]:
    """Checks every contract of the worktree, or that of one train; returns the files that are good.

    A flag file is checked too, in the worktree, else by `read_flags`.

    Raises ContractError with every mistake of every file, each as `file: field: message`, and InputError
    when there is no contract.
    """
    files = worktree.contracts() if train is None else (contract_file(train),)
    if not files:
        raise InputError("there is no contract, no state/*/contract.yaml", hint="make one: rollout init")
    problems = tuple(
        problem
        for file in files
        for problem in _problems(worktree, read_contract, file, read_flags, why_uncommittable)
    )
    if problems:
        only_file = files[0] if len(files) == 1 else ""
        hint = f"your editor finds them too, by {SCHEMA}: rollout contract schema > {SCHEMA}"
        raise ContractError(problems, hint=hint, file=only_file)
    return files


def refuse_doubts(state: TrainState) -> None:
    """Raises ContractError for mistakes that a train may live with, and that no train should begin with."""
    file = contract_file(state.train)
    problems = tuple(f"{file}: {problem}" for problem in doubts(state.contract))
    if problems:
        hint = "fix the contract, commit it and look again: rollout contract check"
        raise ContractError(problems, hint=hint, file=file)


def refuse_unusable(state: TrainState) -> None:
    """Raises ContractError where an earlier contract stands in: nothing begins by a contract that is gone."""
    if state.unusable is not None:
        problems = tuple(state.unusable.problem.splitlines())
        raise ContractError(problems, hint=state.unusable.hint, file=contract_file(state.train))


def contract_notes(
    worktree: Worktree,
    read_contract: ReadContract,
    files: Sequence[str],
    has_branch: Callable[[str], bool] = lambda _: True,
) -> tuple[str, ...]:
    """Returns what these contracts, which are good, leave to people, each as `file: field: message`.

    `has_branch` says whether the clone knows a branch.
    """
    contracts = [(file, read_contract(worktree.read(file), file)[0]) for file in files]
    return tuple(
        f"{file}: {note}"
        for file, contract in contracts
        for note in (*find_notes(contract), *missing_branches(contract, has_branch))
    )


def schema_notes(worktree: Worktree) -> tuple[str, ...]:
    """Returns whether the schema that editors check contracts by is of another version of rollout."""
    if not worktree.exists(SCHEMA) or worktree.read(SCHEMA).decode(errors="replace") == schema_text():
        return ()
    return (f"{SCHEMA}: is of another version; renew it: rollout contract schema > {SCHEMA}",)


def missing_branches(contract: Contract, has_branch: Callable[[str], bool]) -> Iterator[str]:
    """Yields branches that the contract names and the clone lacks, each as `field: message`."""
    product, state = contract.product, contract.state.branch
    if product.repository is None and not has_branch(product.branch):
        there_is_none = f"there is no branch {product.branch} here"
        yield f"product.branch: {there_is_none}: name the one that releases are cut from"
    if state is not None and not has_branch(state):
        yield f"state.branch: there is no branch {state} here: git branch {state}, or name another"


def contract_file(train: str) -> str:
    """Returns where a train's contract lies in the repository."""
    return f"state/{train}/contract.yaml"


def _problems(
    worktree: Worktree,
    read_contract: ReadContract,
    file: str,
    read_flags: ReadFlags,
    why_uncommittable: WhyUncommittable,
) -> Iterator[str]:
    try:
        contract, _ = read_contract(worktree.read(file), file)
    except ContractError as error:
        yield from error.problems
        return
    except InputError as error:
        yield error.message
        return
    if file != contract_file(contract.train):
        yield f"{file}: train: is {contract.train}, but the folder says {file.split('/')[1]}"
    flag_problems = _flag_problems(worktree, contract, read_flags, why_uncommittable)
    yield from (f"{file}: {problem}" for problem in flag_problems)


def _flag_problems(
    worktree: Worktree, contract: Contract, read_flags: ReadFlags, why_uncommittable: WhyUncommittable
) -> Iterator[str]:
    flag = contract.flag_file
    if flag is None:
        return
    try:
        is_here = worktree.exists(flag.path)
        if is_here and (why := why_uncommittable(flag.path)):
            yield f"apply.flag_file: {flag.path}: {why}"
            return
        content = worktree.read(flag.path) if is_here else read_flags(contract, flag.path)
        if content is not None:
            number_in(content, flag)
    except InputError as error:
        yield f"apply.flag_file: {error.message}"
