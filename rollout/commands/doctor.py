"""`rollout doctor`: gather facts about a repository, and say what stands in a rollout's way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rollout.commands.contract import missing_branches, refuse_doubts, refuse_unusable
from rollout.core.contract import Contract
from rollout.core.contract_check.notes import find_notes
from rollout.core.doctor import Finding, Severity, examine, examine_laptop
from rollout.core.doctor.facts import Laptop, TrainFacts, World
from rollout.errors import ContractError, InputError, RolloutError
from rollout.ports import Clock, StateStore
from rollout.ports.inspection import Inspector


@dataclass(frozen=True)
class Examination:
    about: str
    """What was looked at, in a few words."""
    findings: Sequence[Finding]

    @property
    def problems(self) -> int:
        return sum(finding.severity is Severity.PROBLEM for finding in self.findings)


def examine_github(
    inspector: Inspector,
    store: StateStore,
    branch: Callable[[], str],
    named: str | None,
    clock: Clock,
    refuse_lost: Callable[[], None],
    told_train: str | None = None,
) -> Examination:
    """Examines the repository; `branch` is the state branch, `named` what was configured, None for the
    default branch.

    `refuse_lost` raises InputError where a commit took the last train away. `told_train`: see World.

    Raises OutsideError when the repository cannot be seen at all.
    """
    trains, trouble, fix = _trains(store, refuse_lost)
    found = _found(branch) or named
    settings = inspector.inspect(found, trains)
    state_branch = found or settings.default_branch
    world = World(settings, state_branch, trouble, trains, fix, told_train)
    about = f"{settings.repository}, state on {state_branch}, asked as {settings.login}"
    return Examination(about, examine(world, clock.now()))


def examine_local(
    store: StateStore,
    branch: str,
    person: Callable[[], str],
    check: Callable[[], object],
    has_branch: Callable[[str], bool],
    refuse_lost: Callable[[], None],
    is_set: Callable[[str], bool],
) -> Examination:
    """Examines the clone; `person` and `check` (of the worktree's contracts) raise InputError for what they
    find wrong.

    `has_branch` says whether the clone knows a branch, `is_set` whether a variable has a value.
    `refuse_lost` as above.
    """
    trains, trouble, fix = _trains(store, refuse_lost, has_branch)
    unset = tuple(name for train in trains for name in train.variables if not is_set(name))
    facts = Laptop(_person(person), branch, trouble, trains, _contract_problems(check), fix, unset)
    return Examination(f"the local forge, state on {branch}", examine_laptop(facts))


def _trains(
    store: StateStore, refuse_lost: Callable[[], None], has_branch: Callable[[str], bool] = lambda _: True
) -> tuple[tuple[TrainFacts, ...], str, str]:
    """Returns every train of the state branch, or why there is none to be read, and the fix."""
    try:
        head = store.head()
        names = store.trains(head)
        if not names:
            refuse_lost()
        return tuple(_train(store, name, head, has_branch) for name in names), "", ""
    except InputError as error:
        return (), error.message, error.hint


def _train(store: StateStore, name: str, head: str, has_branch: Callable[[str], bool]) -> TrainFacts:
    try:
        state = store.load(name, head)
        refuse_unusable(state)
        refuse_doubts(state)
    except InputError as error:
        return TrainFacts(name, problem=error.message)
    contract = state.contract
    return TrainFacts(
        name,
        max_gap=_max_gap(contract),
        intervals=_intervals(contract),
        measures=contract.measures,
        product=contract.product.repository or "",
        branch=contract.product.branch,
        pushes=contract.rollback.revert == "push",
        copies_evidence=bool(contract.rollback.evidence) and contract.rollback.evidence_copies == "always",
        notes=tuple(find_notes(contract)),
        missing=tuple(missing_branches(contract, has_branch)),
        variables=contract.variables,
    )


def _intervals(contract: Contract) -> tuple[int, ...]:
    """Returns, for each job that reads, the shortest interval of its surfaces."""
    shortest: dict[tuple[str | None, bool], int] = {}
    for surface in contract.surfaces.values():
        interval = surface.interval or contract.sampling.interval
        job = (surface.runner, surface.metrics is not None)
        shortest[job] = min(shortest.get(job, interval), interval)
    return tuple(shortest.values())


def _max_gap(contract: Contract) -> int:
    """Returns the shortest of its phases that ask for time."""
    return min(contract.max_gap(phase) for phase in contract.phases)


def _found(branch: Callable[[], str]) -> str | None:
    try:
        return branch()
    except InputError:
        return None


def _person(ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except RolloutError:
        return None


def _contract_problems(check: Callable[[], object]) -> tuple[str, ...]:
    try:
        check()
    except ContractError as error:
        return error.problems
    except InputError:
        return ()  # none at all, which the state branch tells too
    return ()
