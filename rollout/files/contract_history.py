"""The contract that decides where the one at a commit cannot be used: one that git still has."""

from __future__ import annotations

from itertools import islice

from rollout.core.contract import Contract
from rollout.core.contract_fit import why_misfit
from rollout.core.files import CONTRACT, state_path
from rollout.core.state import UNDER_WAY, Outcome, Rollout, Status, UnusableFile
from rollout.errors import InputError
from rollout.files.state_files import FileVersion, TrainFiles, contract_at, read_contract
from rollout.files.way_back import MOST_VERSIONS, last_change, undo_hint, who_changed, with_way_back

Found = tuple[Contract, str, UnusableFile | None]
"""The contract that decides, its digest, and why it is not the one at this commit."""


def deciding_contract(train: str, files: TrainFiles, rollout: Rollout, status: Status | None) -> Found:
    """Returns the contract at this commit where it can be used, else the one that decided before.
    Raises InputError where there is none.
    """
    try:
        contract, digest = contract_at(train, files)
    except InputError as error:
        return _contract_before(error, train, files, rollout, status)
    misfit = why_misfit(contract, train, rollout, status)
    if misfit is None:
        return contract, digest, None
    return _contract_that_fits(misfit, contract, digest, train, files, rollout, status)


def _contract_before(
    error: InputError, train: str, files: TrainFiles, rollout: Rollout, status: Status | None
) -> Found:
    """Returns the contract that decides in place of one that cannot be read.
    Raises `error` where there is none.
    """
    found = _newest_that_fits(train, files, rollout, status)
    if found is None:
        raise error
    told = with_way_back(error, train, files)
    return *found, UnusableFile(told.message, told.hint)


def _contract_that_fits(
    misfit: str,
    contract: Contract,
    digest: str,
    train: str,
    files: TrainFiles,
    rollout: Rollout,
    status: Status | None,
) -> Found:
    """Returns the contract that decides in the place of one by which the rollout cannot go on.

    That one itself where history has no other: then the files contradict each other, which the caller finds.
    """
    found = _newest_that_fits(train, files, rollout, status)
    if found is None:
        return contract, digest, None
    if rollout.outcome is Outcome.ROLLING_BACK and contract.train == train:
        # Phases were renamed since. A release is rolled back by the contract that it was released by.
        return *found, None
    path = state_path(train, CONTRACT)
    culprit, good = last_change(
        files.versions(CONTRACT), lambda version: _fits(version, train, rollout, status)
    )
    return *found, UnusableFile(
        f"{path}: {misfit}", undo_hint(path, culprit, good), did=who_changed(culprit, good)
    )


def _newest_that_fits(
    train: str, files: TrainFiles, rollout: Rollout, status: Status | None
) -> tuple[Contract, str] | None:
    """Returns the contract of the last decision where there has been one, else the newest that can be used.

    It is found by its digest, which depends neither on how the branch was merged nor on how history is read.
    """
    wanted = status.contract_digest if status is not None and rollout.outcome in UNDER_WAY else None
    newest = None
    for version in islice(files.versions(CONTRACT), MOST_VERSIONS):
        found = _contract_in(version, train)
        if found is None or why_misfit(found[0], train, rollout, status) is not None:
            continue
        if wanted is None or found[1] == wanted:
            return found
        newest = newest or found
    return newest


def _contract_in(version: FileVersion, train: str) -> tuple[Contract, str] | None:
    if version.text is None:
        return None
    try:
        return read_contract(version.text, state_path(train, CONTRACT), in_use=True)
    except InputError:
        return None


def _fits(version: FileVersion, train: str, rollout: Rollout, status: Status | None) -> bool:
    found = _contract_in(version, train)
    return found is not None and why_misfit(found[0], train, rollout, status) is None
