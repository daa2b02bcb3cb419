"""What git still has of a file that is gone or cannot be used, who did that, and the way back.

Imported when a file is found wrong, which is seldom.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from rollout.adapters.yaml_store import (
    UPGRADE,
    FileVersion,
    TrainFiles,
    read_contract,
    read_model,
)
from rollout.core.contract import Contract
from rollout.core.contract_fit import why_misfit
from rollout.core.files import (
    CHANNEL,
    CONTRACT,
    INCIDENTS,
    QUARANTINE,
    REHEARSAL,
    ROLLOUT,
    SIGNOFF,
    STATUS,
    state_path,
)
from rollout.core.state import (
    UNDER_WAY,
    Channel,
    Incident,
    Outcome,
    Quarantine,
    Rehearsal,
    Rollout,
    Signoff,
    Status,
    Unusable,
)
from rollout.core.text import inert
from rollout.core.values import Model
from rollout.errors import ContractError, InputError

Found = tuple[Contract, str, Unusable | None]
"""The contract that decides, its digest, and why it is not the one at this commit."""

_MOST_VERSIONS = 200
"""How far back a version that can be used is looked for."""
_MODELS: dict[str, type[Model]] = {
    ROLLOUT: Rollout,
    STATUS: Status,
    CHANNEL: Channel,
    SIGNOFF: Signoff,
    QUARANTINE: Quarantine,
    REHEARSAL: Rehearsal,
}


def contract_before(
    error: InputError, train: str, files: TrainFiles, rollout: Rollout, status: Status | None
) -> Found:
    """The contract that decides in place of one that cannot be read. Raises `error` where there is none."""
    found = _newest_that_fits(train, files, rollout, status)
    if found is None:
        raise error
    told = with_way_back(error, train, files)
    return *found, Unusable(told.message, told.hint)


def contract_that_fits(
    misfit: str,
    contract: Contract,
    digest: str,
    train: str,
    files: TrainFiles,
    rollout: Rollout,
    status: Status | None,
) -> Found:
    """The contract that decides in the place of one by which the rollout cannot go on.

    That one itself where history has no other: then the files contradict each other, which the caller finds.
    """
    found = _newest_that_fits(train, files, rollout, status)
    if found is None:
        return contract, digest, None
    if rollout.outcome is Outcome.ROLLING_BACK and contract.train == train:
        # Phases were renamed since. A release is rolled back by the contract that it was released by.
        return *found, None
    path = state_path(train, CONTRACT)
    culprit, good = _last_change(files, lambda version: _fits(version, train, rollout, status))
    return *found, Unusable(f"{path}: {misfit}", _hint(path, culprit, good))


def _newest_that_fits(
    train: str, files: TrainFiles, rollout: Rollout, status: Status | None
) -> tuple[Contract, str] | None:
    """The contract of the last decision where there has been one, else the newest that can be used.

    It is found by its digest, which depends neither on how the branch was merged nor on how history is read.
    """
    wanted = status.contract_digest if status is not None and rollout.outcome in UNDER_WAY else None
    newest = None
    for version in islice(files.versions(CONTRACT), _MOST_VERSIONS):
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


# --- who did it, and the way back --------------------------------------------------------------------------


def with_way_back(error: InputError, train: str, files: TrainFiles) -> InputError:
    """The same error, its hint with the commit that did it and the command that takes it back.

    As it is where history does not tell, as for a file that can be read and contradicts another.
    """
    folder = state_path(train) + "/"
    if not error.file.startswith(folder) or error.hint == UPGRADE:
        return error
    name = error.file.removeprefix(folder)
    culprit, good = _last_change(files, lambda version: _is_readable(version, name, error.file), name)
    if culprit is None or good is None:
        return error
    hint = _hint(error.file, culprit, good)
    if isinstance(error, ContractError):
        return ContractError(error.problems, hint=hint, file=error.file)
    return InputError(error.message, hint=hint, file=error.file)


def _last_change(
    files: TrainFiles, is_good: Callable[[FileVersion], bool], name: str = CONTRACT
) -> tuple[FileVersion | None, FileVersion | None]:
    """The first version that was no good any more, and the last good one before it."""
    culprit = None
    for version in islice(files.versions(name), _MOST_VERSIONS):
        if is_good(version):
            return culprit, version
        culprit = version
    return culprit, None


def _hint(path: str, culprit: FileVersion | None, good: FileVersion | None) -> str:
    if culprit is None or good is None:
        return f"`git log -p -- {path}` shows who changed it; mend it in a new commit"
    did = "took it away" if culprit.text is None else "changed it"
    return (
        f"commit {culprit.commit[:10]} by {inert(culprit.author, 60)} {did}; mend it, or take that back:"
        f" git checkout {good.commit[:10]} -- {path}, then commit"
    )


def _is_readable(version: FileVersion, name: str, path: str) -> bool:
    if version.text is None:
        return False
    try:
        if name == CONTRACT:
            read_contract(version.text, path, in_use=True)
        elif model := _MODELS.get(name) or (Incident if name.startswith(f"{INCIDENTS}/") else None):
            read_model(model, version.text, path)
    except InputError:
        return False
    return True
