"""The StateStore port over git: the YAML files of `state/<train>/` as models, one commit at a time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol, TypeVar, cast

from pydantic import ValidationError

from rollout.adapters.git import Git, TreeEntry
from rollout.adapters.yaml_text import dump_yaml, load_yaml
from rollout.core.contract import Contract
from rollout.core.contract_problems import examine
from rollout.core.state import (
    Channel,
    CommitMessage,
    Incident,
    Outcome,
    Quarantine,
    Rehearsal,
    Rollout,
    Signoff,
    StateChange,
    Status,
    TrainState,
)
from rollout.core.text import inert
from rollout.core.values import Model
from rollout.errors import ContractError, InputError, OutsideError
from rollout.ports import LoggedCommit

STATE = "state"
SCHEMA = 1
"""The newest schema that this version reads."""

_CONTRACT, _ROLLOUT, _STATUS = "contract.yaml", "rollout.yaml", "status.yaml"
_CHANNEL, _SIGNOFF, _QUARANTINE = "channel.yaml", "signoff.yaml", "quarantine.yaml"
_REHEARSAL = "rehearsal.yaml"
_INCIDENTS, _RELEASE_CACHE = "incidents", "release-cache.yaml"
_CACHED_FILES = 256
_LONGEST_LINE = 500
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
"""Compiled when a commit is made: that takes milliseconds, and most commands make none."""

M = TypeVar("M", bound=Model)


def state_path(train: str, *names: str) -> str:
    """`state/<train>/<names>`, relative to the top of the repository."""
    return "/".join((STATE, train, *names))


class YamlStore:
    """The state branch of a repository."""

    def __init__(self, git: Git, branch: str | None = None) -> None:
        """`branch` None means the repository's default branch."""
        self._git = git
        self.branch = branch or git.default_branch()
        # Contract, channel and the like seldom change from commit to commit; git names content by its id.
        self._contract = lru_cache(_CACHED_FILES)(self._read_contract)
        self._cached_file = lru_cache(_CACHED_FILES)(self._read_file)

    def head(self) -> str:
        """The commit at the tip of the state branch. Raises InputError when there is no such branch."""
        tip = self._git.tip(self.branch)
        if tip is None:
            raise InputError(
                f"there is no branch {self.branch} with a commit in {self._git.home}",
                hint="commit first, or fetch the branch that carries state/",
            )
        return tip

    def trains(self, at: str) -> tuple[str, ...]:
        """Names of the trains that exist at that commit, sorted."""
        return tuple(
            sorted(name for name, entry in self._git.tree(f"{at}:{STATE}").items() if entry.is_folder)
        )

    def load(self, train: str, at: str) -> TrainState:
        """The train at that commit.

        Raises InputError when it is not there, does not parse or contradicts itself.
        """
        tree = self._git.tree(f"{at}:{state_path(train)}")
        if not tree:
            raise InputError(f"there is no train {train} at commit {at[:12]}", hint=self._existing_trains(at))
        return read_train(train, at, _GitFiles(self, train, tree))

    def text(self, train: str, name: str, at: str) -> bytes | None:
        """A file of the train as it is, whatever it holds; None when it is not there."""
        found = self._git.read(f"{at}:{state_path(train, name)}")
        return found.body if found and found.kind == "blob" else None

    def load_many(self, train: str, at: Sequence[str]) -> Iterator[TrainState | Exception]:
        """`load` for many commits in one go, in their order; what did not parse comes as the error."""
        for commit in at:
            try:
                yield self.load(train, commit)
            except InputError as error:
                yield error

    def commit(
        self, train: str, change: StateChange, message: CommitMessage, *, parent: str, at: datetime
    ) -> str:
        """Write all of the change as one commit on top of `parent`, and return it.

        Raises HeadMovedError when the branch is no longer at `parent`; nothing is written then. For what else
        is raised, and the worktree, see `Git.commit`.
        """
        files = files_of(train, change)
        return self._git.commit(self.branch, files, parent=parent, message=message_text(message), at=at)

    def log(self, train: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """First-parent commits that touched the train, newest first, down to and without `since`.

        Raises InputError when there is no commit `since`.
        """
        last = self._git.resolve(since) if since else None
        if since and last is None:
            raise InputError(f"there is no commit {since}", hint="take one from `rollout history`")
        folder = state_path(train) + "/"
        for entry in self._git.log(self.head(), [folder], since=last):
            yield LoggedCommit(
                commit=entry.commit,
                parent=entry.parents[0] if entry.parents else None,
                at=entry.at,
                author=entry.author,
                subject=entry.subject,
                trailers=entry.trailers,
                paths=tuple(path.removeprefix(folder) for path in entry.paths),
            )

    # --- one file ----------------------------------------------------------------------------------------

    def _existing_trains(self, at: str) -> str:
        trains = self.trains(at)
        if trains:
            return f"trains there: {', '.join(trains)}"
        return f"branch {self.branch} carries none; `rollout init` writes one, then commit it"

    def entries(self, tree: str) -> dict[str, TreeEntry]:
        """What the folder of that id holds."""
        return self._git.tree(tree)

    def contract(self, train: str, blob: str) -> tuple[Contract, str]:
        """`read_contract` of the blob, read once."""
        return self._contract(train, blob)

    def model(self, model: type[M], path: str, blob: str) -> M:
        """`read_model` of the blob, read once."""
        return cast(M, self._cached_file(model, path, blob))

    def _read_contract(self, train: str, blob: str) -> tuple[Contract, str]:
        return read_contract(self._text(blob), state_path(train, _CONTRACT))

    def _read_file(self, model: type[M], path: str, blob: str) -> M:
        return read_model(model, self._text(blob), path)

    def _text(self, blob: str) -> bytes:
        found = self._git.read(blob)
        if found is None:
            raise OutsideError(f"git object {blob} is missing or damaged", hint="`git fsck` says more")
        return found.body


class _GitFiles:
    """A train's files in one commit of git."""

    def __init__(self, store: YamlStore, train: str, tree: Mapping[str, TreeEntry]) -> None:
        self._store = store
        self._train = train
        self._tree = tree

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def contract(self) -> tuple[Contract, str]:
        return self._store.contract(self._train, self._tree[_CONTRACT].id)

    def model(self, model: type[M], name: str) -> M:
        entry = self._find(name)
        assert entry is not None
        return self._store.model(model, state_path(self._train, name), entry.id)

    def _find(self, name: str) -> TreeEntry | None:
        folder, _, leaf = name.rpartition("/")
        if not folder:
            return self._tree.get(name)
        return self._store.entries(self._tree[folder].id).get(leaf) if folder in self._tree else None


# --- reading ---------------------------------------------------------------------------------------------


class TrainFiles(Protocol):
    """A train's files at one commit, wherever they come from, by their names below `state/<train>/`."""

    def has(self, name: str) -> bool: ...

    def contract(self) -> tuple[Contract, str]:
        """The contract and its digest. Raises as `read_contract`."""

    def model(self, model: type[M], name: str) -> M:
        """A file that is there. Raises as `read_model`."""


def read_train(train: str, at: str, files: TrainFiles) -> TrainState:
    """The train as its files tell it. Raises InputError when one is missing or they contradict each other."""
    for name in (_CONTRACT, _ROLLOUT):
        if not files.has(name):
            path = state_path(train, name)
            raise InputError(f"{path} is missing", hint="`rollout init` writes it, then commit it", file=path)
    contract, digest = files.contract()
    rollout = files.model(Rollout, _ROLLOUT)
    state = TrainState(
        train=train,
        head=at,
        contract=contract,
        contract_digest=digest,
        rollout=rollout,
        status=_optional(files, Status, _STATUS),
        channel=_optional(files, Channel, _CHANNEL),
        signoff=_optional(files, Signoff, _SIGNOFF),
        quarantine=_optional(files, Quarantine, _QUARANTINE),
        rehearsal=_optional(files, Rehearsal, _REHEARSAL),
        incident=_incident(files, rollout),
    )
    check_consistency(state)
    return state


def _incident(files: TrainFiles, rollout: Rollout) -> Incident | None:
    named = rollout.frozen.incident if rollout.frozen else None
    return _optional(files, Incident, f"{_INCIDENTS}/{named}.yaml") if named else None


def _optional(files: TrainFiles, model: type[M], name: str) -> M | None:
    return files.model(model, name) if files.has(name) else None


def read_contract(text: bytes, file: str) -> tuple[Contract, str]:
    """A contract and its digest: sha256 of the content, whatever its comments, spacing and key order.

    Raises ContractError with every mistake as `file: field: message`, InputError when it is no YAML at all or
    of a newer schema.
    """
    data = load_yaml(text, file=file)
    _refuse_newer_schema(data, file)
    contract, problems = examine(data)
    if contract is None or problems:
        raise ContractError(
            tuple(f"{file}: {problem}" for problem in problems), hint=_CONTRACT_HINT, file=file
        )
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return contract, hashlib.sha256(canonical.encode()).hexdigest()


def read_model(model: type[M], text: bytes, file: str) -> M:
    """A file of state. Raises InputError with every mistake as `file: field: message`."""
    data = load_yaml(text, file=file)
    _refuse_newer_schema(data, file)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        from rollout.core.problems import describe  # every command reads state, and few find it wrong

        lines = (f"{file}: {problem}" for problem in describe(error, model))
        raise InputError("\n".join(lines), hint=_EDITED_HINT.format(file=file), file=file) from error


def check_consistency(state: TrainState) -> None:
    """Raise InputError, naming file and field, when the files contradict each other as no run leaves them."""
    problems = [
        (state_path(state.train, name), f"{field}: {problem}")
        for name, field, problem in _contradictions(state)
    ]
    if problems:
        first = problems[0][0]
        lines = (f"{file}: {problem}" for file, problem in problems)
        raise InputError("\n".join(lines), hint=_EDITED_HINT.format(file=first), file=first)


_CONTRACT_HINT = "`rollout contract schema` lets an editor help; `rollout contract check` looks again"
_EDITED_HINT = "`git log -p -- {file}` shows who changed it; mend it in a new commit"

_Contradiction = tuple[str, str, str]
"""File below the train's folder, field, message."""


def _refuse_newer_schema(data: object, file: str) -> None:
    schema = data.get("schema") if isinstance(data, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise InputError(
            f"{file}: schema: {schema} was written by a newer rollout; this one reads up to {SCHEMA}",
            hint="upgrade rollout",
            file=file,
        )


def _contradictions(state: TrainState) -> Iterator[_Contradiction]:
    yield from _wrong_names(state)
    yield from _rollout_contradictions(state)
    yield from _status_contradictions(state)


def _wrong_names(state: TrainState) -> Iterator[_Contradiction]:
    files = {
        _CONTRACT: state.contract,
        _ROLLOUT: state.rollout,
        _STATUS: state.status,
        _CHANNEL: state.channel,
        _SIGNOFF: state.signoff,
        _QUARANTINE: state.quarantine,
        _REHEARSAL: state.rehearsal,
    }
    for name, content in files.items():
        if content is not None and content.train != state.train:
            yield name, "train", f"is {content.train} in the folder of {state.train}"
    named = state.rollout.frozen.incident if state.rollout.frozen else None
    incident = state.incident
    if named and incident is None:
        yield _ROLLOUT, "frozen.incident", f"there is no {_INCIDENTS}/{named}.yaml"
    if incident and incident.train != state.train:
        yield f"{_INCIDENTS}/{named}.yaml", "train", f"is {incident.train} in the folder of {state.train}"
    if incident and incident.id != named:
        yield f"{_INCIDENTS}/{named}.yaml", "id", f"is {incident.id}"


def _rollout_contradictions(state: TrainState) -> Iterator[_Contradiction]:
    rollout = state.rollout
    if rollout.outcome is Outcome.IN_PROGRESS:
        if rollout.release is None:
            yield _ROLLOUT, "release", "is missing from a rollout in progress"
        if rollout.phase is None:
            yield _ROLLOUT, "phase", "is missing from a rollout in progress"
        if state.status is None:
            yield _ROLLOUT, "outcome", f"is {Outcome.IN_PROGRESS}, and there is no {_STATUS}"
    yield from _unknown_phase(state, _ROLLOUT, "phase", rollout.phase)


def _status_contradictions(state: TrainState) -> Iterator[_Contradiction]:
    status, release = state.status, state.rollout.release
    if status is None:
        return
    if release and status.release != release.version:
        yield _STATUS, "release", f"is {status.release}, and {_ROLLOUT} has {release.version}"
    if release and status.commit != release.commit:
        yield _STATUS, "commit", f"is {status.commit[:12]}, and {_ROLLOUT} has {release.commit[:12]}"
    yield from _unknown_phase(state, _STATUS, "legal.phase", status.legal.phase)


def _unknown_phase(state: TrainState, file: str, field: str, phase: str | None) -> Iterator[_Contradiction]:
    known = [each.name for each in state.contract.phases]
    if phase is not None and phase not in known:
        yield file, field, f"{phase} is not in the contract, which has {', '.join(known)}"


# --- writing ---------------------------------------------------------------------------------------------


def files_of(train: str, change: StateChange) -> dict[str, bytes | None]:
    """Path -> content of the files that the change writes; None for one that it removes."""
    texts = {
        _CONTRACT: change.contract and _without_defaults(change.contract),
        _ROLLOUT: change.rollout and _whole(change.rollout),
        _STATUS: change.status and _without_defaults(change.status),
        _CHANNEL: change.channel and _whole(change.channel),
        _SIGNOFF: change.signoff and _whole(change.signoff),
        _QUARANTINE: change.quarantine and _without_empty(change.quarantine),
        _REHEARSAL: change.rehearsal and _whole(change.rehearsal),
    }
    if change.incident:
        texts[f"{_INCIDENTS}/{change.incident.id}.yaml"] = _without_empty(change.incident)
    if change.release_cache:
        texts[_RELEASE_CACHE] = _without_defaults(change.release_cache)
    files: dict[str, bytes | None] = {
        state_path(train, name): text.encode() for name, text in texts.items() if text
    }
    if change.removes_release_cache:
        files[state_path(train, _RELEASE_CACHE)] = None
    return files


def message_text(message: CommitMessage) -> str:
    """Subject, body and trailers as git stores them; no text in it can pose as a trailer."""
    body = re.sub(_CONTROL, "", message.body.replace("\r\n", "\n")).strip()
    trailers = "\n".join(f"{key}: {inert(value, _LONGEST_LINE)}" for key, value in message.trailers)
    parts = (inert(message.subject, _LONGEST_LINE), body, trailers)
    return "\n\n".join(part for part in parts if part) + "\n"


def _whole(model: Model) -> str:
    return dump_yaml(model.model_dump(mode="json", by_alias=True))


def _without_empty(model: Model) -> str:
    return dump_yaml(model.model_dump(mode="json", by_alias=True, exclude_none=True))


def _without_defaults(model: Model) -> str:
    data = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dump_yaml({"schema": SCHEMA, **data})
