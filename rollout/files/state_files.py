"""Files of state: text to models with every mistake named, and models to text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar, cast

from pydantic import ValidationError

from rollout.core.consistency import contradictions
from rollout.core.contract import Contract
from rollout.core.contract_check.examine import examine, read
from rollout.core.files import (
    CHANNEL,
    CONTRACT,
    INCIDENTS,
    QUARANTINE,
    REHEARSAL,
    RELEASE_CACHE,
    ROLLOUT,
    SIGNOFF,
    STATUS,
    state_path,
)
from rollout.core.state import (
    CURRENT_RULES,
    Rollout,
    StateChange,
    Status,
    TrainState,
)
from rollout.core.state.release_cache import ReleaseCache
from rollout.core.values import Model
from rollout.errors import ContractError, InputError
from rollout.files.yaml_text import dump_yaml, load_yaml

SCHEMA = 1
"""The newest schema of most files that this version reads."""

STATUS_SCHEMA = CURRENT_RULES

PLAIN = "100644"

FILE_MODES = (PLAIN, "100755")

KINDS_OF_MODES = {"120000": "is a link", "40000": "is a folder", "160000": "is a submodule"}

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class FileVersion:
    """A file as one commit left it."""

    commit: str
    author: str
    text: bytes | None
    """None when the commit took it away, or put something else in its place."""
    is_there: bool = True


class TrainFiles(Protocol):
    """A train's files at one commit, wherever they come from, by their names below `state/<train>/`."""

    def has(self, name: str) -> bool: ...

    def contract(self) -> tuple[Contract, str]:
        """Returns the contract and its digest. Raises as `read_contract`."""

    def model(self, model: type[M], name: str) -> M:
        """Returns a file that is there. Raises as `read_model`."""

    def versions(self, name: str) -> Iterator[FileVersion]:
        """Yields the file as it was at this commit and before, newest first."""


def refuse_other_kinds(mode: str, path: str) -> None:
    """Raises InputError for a link, folder or submodule in the place of a file of state."""
    if mode not in FILE_MODES:
        what = KINDS_OF_MODES.get(mode, "is no file")
        raise InputError(f"{path}: {what}", hint=EDITED_HINT.format(file=path), file=path)


def missing(train: str, name: str, hint: str) -> InputError:
    path = state_path(train, name)
    return InputError(f"{path} is missing", hint=hint, file=path)


# One command reads the same text several times: at the tip, at the start of the release, before a commit.
@lru_cache(8)
def read_contract(text: bytes, file: str, *, in_use: bool = False) -> tuple[Contract, str]:
    """Returns a contract and its digest: sha256 of the content, whatever its comments, spacing and key order.

    With `in_use` it may have mistakes with which it can be read. Raises ContractError with every mistake as
    `file: field: message`, InputError when it is no YAML at all or of a newer schema.
    """
    return contract_of(load_yaml(text, file=file), file, in_use=in_use)


def contract_of(data: object, file: str, *, in_use: bool) -> tuple[Contract, str]:
    """Reads as `read_contract` does, from what YAML has made of the file."""
    _refuse_newer_schema(data, file)
    contract, problems = read(data) if in_use else examine(data)
    if contract is None or problems:
        raise ContractError(
            tuple(f"{file}: {problem}" for problem in problems), hint=_CONTRACT_HINT, file=file
        )
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return contract, hashlib.sha256(canonical.encode()).hexdigest()


def contract_at(train: str, files: TrainFiles) -> tuple[Contract, str]:
    """Returns the contract of these files and its digest.
    Raises InputError when it is missing or cannot be used.
    """
    if not files.has(CONTRACT):
        raise missing(train, CONTRACT, "write one; `rollout contract schema` lets an editor help")
    return files.contract()


def read_model(model: type[M], text: bytes, file: str) -> M:
    """Returns a file of state. Raises InputError with every mistake as `file: field: message`."""
    return cast(M, _read_model(model, text, file))


@lru_cache(32)
def _read_model(model: type[Model], text: bytes, file: str) -> Model:
    data = load_yaml(text, file=file)
    _refuse_newer_schema(data, file)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        from rollout.core.contract_check.mistakes import (
            describe,  # every command reads state, and few find it wrong
        )

        lines = [f"{file}: {problem}" for problem in describe(error, model)]
        hint = EDITED_HINT.format(file=file)
        if any(": unknown key" in each for each in lines):
            hint = f"where a newer rollout wrote it, {UPGRADE}; else {hint}"
        raise InputError("\n".join(lines), hint=hint, file=file) from error


def read_desired(text: bytes, file: str) -> Rollout | None:
    """Returns a rollout.yaml that somebody may have changed; None when it does not parse."""
    try:
        return read_model(Rollout, text, file)
    except InputError:
        return None


def check_consistency(state: TrainState) -> None:
    """Raises InputError, naming file and field, when the files contradict each other as no run leaves
    them.
    """
    problems = [
        (state_path(state.train, name), f": {field}: {problem}" if field else f" {problem}")
        for name, field, problem in contradictions(state)
    ]
    if problems:
        first = problems[0][0]
        lines = (f"{file}{problem}" for file, problem in problems)
        raise InputError("\n".join(lines), hint=EDITED_HINT.format(file=first), file=first)


UPGRADE = "upgrade rollout; the one that workflows call: rollout init --workflows --update"

_CONTRACT_HINT = "fix them, then look again: rollout contract check"

EDITED_HINT = "see who changed it: git log -p -- {file}; then fix it in a new commit"


def _refuse_newer_schema(data: object, file: str) -> None:
    schema = data.get("schema") if isinstance(data, dict) else None
    newest = STATUS_SCHEMA if file.endswith(f"/{STATUS}") else SCHEMA
    if isinstance(schema, int) and schema > newest:
        raise InputError(
            f"{file}: schema: {schema} was written by a newer rollout; this one reads up to {newest}",
            hint=UPGRADE,
            file=file,
        )


def files_of(train: str, change: StateChange) -> dict[str, bytes | None]:
    """Returns path -> content of the files that the change writes; None for one that it removes."""
    texts = {
        CONTRACT: change.contract and _without_defaults(change.contract),
        ROLLOUT: change.rollout and _whole(change.rollout),
        STATUS: change.status and _without_defaults(change.status),
        CHANNEL: change.channel and _whole(change.channel),
        SIGNOFF: change.signoff and _whole(change.signoff),
        QUARANTINE: change.quarantine and _without_empty(change.quarantine),
        REHEARSAL: change.rehearsal and _whole(change.rehearsal),
    }
    if change.incident:
        texts[f"{INCIDENTS}/{change.incident.id}.yaml"] = _without_empty(change.incident)
    if change.release_cache:
        texts[RELEASE_CACHE] = _without_defaults(change.release_cache)
    files: dict[str, bytes | None] = {
        state_path(train, name): text.encode() for name, text in texts.items() if text
    }
    if change.flag is not None:
        files[change.flag.path] = change.flag.content
    if change.removes_release_cache:
        files[state_path(train, RELEASE_CACHE)] = None
    return files


def _whole(model: Model) -> str:
    return dump_yaml(model.model_dump(mode="json", by_alias=True))


def _without_empty(model: Model) -> str:
    return dump_yaml(model.model_dump(mode="json", by_alias=True, exclude_none=True))


def _without_defaults(model: Contract | Status | ReleaseCache) -> str:
    data = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dump_yaml({"schema": model.schema_, **{key: data[key] for key in data if key != "schema"}})
