"""Who broke a file of state, and the command that takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

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
from rollout.core.state import Channel, Incident, Quarantine, Rehearsal, Rollout, Signoff, Status
from rollout.core.text import inert
from rollout.core.values import Model
from rollout.errors import ContractError, InputError
from rollout.files.state_files import EDITED_HINT, UPGRADE, FileVersion, TrainFiles, read_contract, read_model

MOST_VERSIONS = 200
"""How far back a version that can be used is looked for."""

_MODELS: dict[str, type[Model]] = {
    ROLLOUT: Rollout,
    STATUS: Status,
    CHANNEL: Channel,
    SIGNOFF: Signoff,
    QUARANTINE: Quarantine,
    REHEARSAL: Rehearsal,
}


def with_way_back(error: InputError, train: str, files: TrainFiles) -> InputError:
    """Returns the same error, its hint with the commit that did it and the command that takes it back.

    As it is where history does not tell, as for a file that can be read and contradicts another.
    """
    folder = state_path(train) + "/"
    if not error.file.startswith(folder) or error.hint == UPGRADE:
        return error
    name = error.file.removeprefix(folder)
    culprit, good = last_change(files.versions(name), lambda version: _is_readable(version, name, error.file))
    if culprit is None or good is None:
        return error
    hint = undo_hint(error.file, culprit, good)
    if isinstance(error, ContractError):
        return ContractError(error.problems, hint=hint, file=error.file)
    return InputError(error.message, hint=hint, file=error.file)


def last_change(
    versions: Iterator[FileVersion], is_good: Callable[[FileVersion], bool]
) -> tuple[FileVersion | None, FileVersion | None]:
    """Returns the first version that was no good any more, and the last good one before it."""
    culprit = None
    for version in islice(versions, MOST_VERSIONS):
        if is_good(version):
            return culprit, version
        culprit = version
    return culprit, None


def undo_hint(path: str, culprit: FileVersion | None, good: FileVersion | None) -> str:
    """Returns who broke the file and the command that takes that back; else how to look."""
    if culprit is None or good is None:
        return EDITED_HINT.format(file=path)
    return (
        f"{who_changed(culprit, good)}; fix it, or take that back:"
        f" git checkout {good.commit[:10]} -- {path}, then commit"
    )


def who_changed(culprit: FileVersion | None, good: FileVersion | None) -> str:
    """Returns which commit of whom broke the file; empty where that is not known."""
    if culprit is None or good is None:
        return ""
    did = "changed it" if culprit.is_there else "took it away"
    return f"commit {culprit.commit[:10]} by {inert(culprit.author, 60)} {did}"


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
