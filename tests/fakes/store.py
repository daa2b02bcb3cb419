"""A state branch in memory: commits of whole files, compare-and-swap, and people who edit files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from rollout.core.contract import Contract
from rollout.core.contract_fit import why_misfit
from rollout.core.files import (
    CHANNEL,
    CONTRACT,
    QUARANTINE,
    REHEARSAL,
    RELEASE_CACHE,
    ROLLOUT,
    SIGNOFF,
    STATUS,
)
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
    UnusableFile,
)
from rollout.core.values import Model
from rollout.errors import HeadMovedError, InputError, RefusedError
from rollout.files.state_files import check_consistency
from rollout.files.yaml_text import dump_yaml
from rollout.ports import LoggedCommit
from tests.fakes.writes import Writes

TOOL, PERSON = "rollout", "A Person"

Content = Model | InputError | bytes
"""An error is a file that does not parse; bytes are what a file holds, whatever that is."""
Files = Mapping[str, Content]
"""Path below the train's folder -> content."""
Changes = Mapping[str, Content | None]
"""The same; None takes a file away."""
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Commit:
    id: str
    parents: tuple[str, ...]
    trains: Mapping[str, Files]
    message: CommitMessage
    at: datetime
    author: str
    others: Mapping[str, bytes] = field(default_factory=dict)
    """Path from the top -> content of files that are of no train."""


class NotGivenError(InputError):
    """A file that GitHub does not give whole."""


class FakeStore:
    """Fills the `StateStore` port."""

    def __init__(self, writes: Writes | None = None) -> None:
        self.writes = writes or Writes()
        self.alterations: dict[str, str] = {}
        """Commit -> how a file is there not as the tool writes it."""
        self._commits: dict[str, Commit] = {}
        self._head = ""
        self._digests: dict[int, str] = {}
        self._loaded: dict[tuple[str, str], TrainState] = {}

    def copy(self, writes: Writes) -> FakeStore:
        """The same history, from here on apart."""
        other = copy(self)
        other.writes, other._commits = writes, dict(self._commits)
        other._digests, other._loaded = dict(self._digests), dict(self._loaded)
        return other

    # --- the port ----------------------------------------------------------------------------------------

    def head(self) -> str:
        if not self._head:
            raise InputError("there is no branch main with a commit")
        return self._head

    def trains(self, at: str) -> tuple[str, ...]:
        return tuple(sorted(self._commits[at].trains))

    def load(self, train: str, at: str) -> TrainState:
        if (train, at) not in self._loaded:
            self._loaded[train, at] = self._load(train, at)
        return self._loaded[train, at]

    def load_for_brake(self, train: str, at: str) -> TrainState:
        """No test breaks a file of this store beside the contract; tests/brake has real files."""
        return self.load(train, at)

    def _load(self, train: str, at: str) -> TrainState:
        if train not in self._commits[at].trains:
            raise InputError(f"there is no train {train} at commit {at}")
        files = self._commits[at].trains[train]
        rollout = _file(files, ROLLOUT, Rollout)
        if rollout is None:
            raise InputError(f"train {train} lacks {ROLLOUT}")
        contract, unusable = self._contract(train, at, rollout, _file(files, STATUS, Status))
        incident = rollout.frozen.incident if rollout.frozen else None
        state = TrainState(
            train=train,
            head=at,
            contract=contract,
            contract_digest=self._digest(contract),
            rollout=rollout,
            status=_file(files, STATUS, Status),
            channel=_file(files, CHANNEL, Channel),
            signoff=_file(files, SIGNOFF, Signoff),
            quarantine=_file(files, QUARANTINE, Quarantine),
            rehearsal=_file(files, REHEARSAL, Rehearsal),
            incident=_file(files, f"incidents/{incident}.yaml", Incident) if incident else None,
            unusable=unusable,
        )
        check_consistency(state)
        return state

    def _contract(
        self, train: str, at: str, rollout: Rollout, status: Status | None
    ) -> tuple[Contract, UnusableFile | None]:
        """The newest contract that can be used; the history of a test has one for each decision."""
        problem, commit = "", at
        while True:
            found = self._commits[commit].trains.get(train, {}).get(CONTRACT)
            if isinstance(found, Contract):
                why = why_misfit(found, train, rollout, status)
                if why is None:
                    is_held = problem and rollout.outcome is not Outcome.ROLLING_BACK
                    return found, UnusableFile(problem, "hint") if is_held else None
            else:
                why = found.message if isinstance(found, InputError) else "is missing"
            problem = problem or f"state/{train}/{CONTRACT}: {why}"
            if not self._commits[commit].parents:
                raise InputError(problem)
            commit = self._commits[commit].parents[0]

    def text(self, train: str, name: str, at: str) -> bytes | None:
        content = self._commits[at].trains[train].get(name)
        if isinstance(content, NotGivenError):
            raise content
        if isinstance(content, InputError):
            return content.message.encode()
        if isinstance(content, Model):
            return dump_yaml(content.model_dump(mode="json", by_alias=True)).encode()
        return content

    def file(self, path: str, at: str) -> bytes | None:
        return self._commits[at].others.get(path)

    def altered(self, train: str, change: StateChange, at: str) -> str:
        return self.alterations.get(at, "")

    def load_many(self, train: str, at: Sequence[str]) -> Iterator[TrainState | Exception]:
        for commit in at:
            try:
                yield self.load(train, commit)
            except InputError as error:
                yield error

    def commit(
        self,
        train: str,
        change: StateChange,
        message: CommitMessage,
        *,
        parent: str,
        at: datetime,
        is_brake: bool = False,
    ) -> str:
        event = dict(message.trailers).get("Rollout-Event", "")
        with self.writes.write(f"commit {event}"):
            if parent != self._head:
                raise HeadMovedError(f"the branch is at {self._head}, not at {parent}")
            others = {change.flag.path: change.flag.content} if change.flag else {}
            files = files_of(change)
            self._head = self.make_commit(train, files, message, parents=(parent,), at=at, others=others)
            return self._head

    def log(self, train: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        commit: Commit | None = self._commits[self.head()]
        while commit is not None and commit.id != since:
            parent = self._commits[commit.parents[0]] if commit.parents else None
            before = parent.trains.get(train, {}) if parent else {}
            paths = _changed(before, commit.trains.get(train, {}))
            if paths:
                yield _logged(commit, paths)
            commit = parent

    def log_of_file(self, path: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        commit: Commit | None = self._commits[self.head()]
        while commit is not None and commit.id != since:
            parent = self._commits[commit.parents[0]] if commit.parents else None
            if commit.others.get(path) != (parent.others.get(path) if parent else None):
                yield _logged(commit, [path])
            commit = parent

    def forks(self, one: str, other: str) -> tuple[str, ...]:
        common = self._history(one) & self._history(other)
        older = {parent for commit in common for parent in self._commits[commit].parents}
        return tuple(sorted(common - older))

    def _history(self, commit: str) -> set[str]:
        found, rest = set[str](), [commit]
        while rest:
            commit = rest.pop()
            if commit not in found:
                found.add(commit)
                rest += self._commits[commit].parents
        return found

    # --- what people do ----------------------------------------------------------------------------------

    def edit(
        self,
        train: str,
        files: Changes,
        *,
        at: datetime,
        message: CommitMessage | None = None,
        others: Mapping[str, bytes] | None = None,
    ) -> str:
        """A person writes these files in a commit of their own and pushes it."""
        message = message or CommitMessage(subject="edit " + ", ".join(files), body="")
        parents = (self._head,) if self._head else ()
        self._head = self.make_commit(
            train, files, message, parents=parents, at=at, author=PERSON, others=others
        )
        return self._head

    def edit_other(self, path: str, content: bytes, *, at: datetime) -> str:
        """A person writes a file that is of no train."""
        message, parents = CommitMessage(subject=f"edit {path}", body=""), (self._head,)
        said = {path: content}
        self._head = self.make_commit("", {}, message, parents=parents, at=at, author=PERSON, others=said)
        return self._head

    def edit_rollout(self, train: str, *, at: datetime, **changes: object) -> str:
        """A person changes keys of rollout.yaml."""
        rollout = self.load(train, self.head()).rollout
        return self.edit(train, {ROLLOUT: rollout.model_copy(update=changes)}, at=at)

    def edit_at(self, commit: str, train: str, files: Files, *, at: datetime) -> str:
        """What `edit` does, on that commit, which becomes the tip before."""
        self._head = commit
        return self.edit(train, files, at=at)

    def rewrite(self, commit: str, train: str, files: Files) -> FakeStore:
        """The same history in which that commit had other contents; what comes after it is as it was."""
        other = self.copy(Writes())
        other._loaded.pop((train, commit), None)
        old = self._commits[commit]
        trains = {**old.trains, train: {**old.trains[train], **files}}
        other._commits[commit] = Commit(old.id, old.parents, trains, old.message, old.at, old.author)
        return other

    # --- what the forge does -----------------------------------------------------------------------------

    def holds(self, commit: str) -> bool:
        return commit in self._commits

    def changed(self, base: str, head: str) -> tuple[str, ...]:
        """Paths that differ between two commits, from the top of the repository."""
        old, new = self._commits[base].trains, self._commits[head].trains
        return tuple(
            sorted(
                f"state/{train}/{path}"
                for train in {*old, *new}
                for path in _changed(old.get(train, {}), new.get(train, {}))
            )
        )

    def desired(self, train: str, at: str) -> Rollout | None:
        """Desired state there; None when it does not parse."""
        content = self._commits[at].trains[train].get(ROLLOUT)
        return content if isinstance(content, Rollout) else None

    def make_commit(
        self,
        train: str,
        files: Changes,
        message: CommitMessage,
        *,
        parents: tuple[str, ...],
        at: datetime,
        author: str = TOOL,
        others: Mapping[str, bytes] | None = None,
    ) -> str:
        """A commit on no branch. Like git's, equal content on equal parents at one time has one id."""
        before = self._commits[parents[0]].trains if parents else {}
        kept = self._commits[parents[0]].others if parents else {}
        merged = {**before.get(train, {}), **files}
        there = {path: found for path, found in merged.items() if found is not None}
        trains = {**before, train: there} if train else before
        said = repr((parents, message.subject, message.trailers, at, author, sorted(files), others))
        commit = Commit(
            hashlib.sha1(said.encode()).hexdigest(),  # noqa: S324
            parents,
            trains,
            message,
            at,
            author,
            {**kept, **(others or {})},
        )
        self._commits[commit.id] = commit
        return commit.id

    def merge(self, train: str, commit: str, message: CommitMessage, *, squash: bool, at: datetime) -> str:
        """Merge a branch of one commit as git does: line by line. Raises RefusedError for a conflict."""
        theirs = self._commits[commit]
        base = self._commits[theirs.parents[0]].trains[train]
        ours = self._commits[self._head].trains[train]
        merged = {
            path: _merge_file(path, base.get(path), ours.get(path), theirs.trains[train][path])
            for path in _changed(base, theirs.trains[train])
        }
        parents = (self._head,) if squash else (self._head, commit)
        self._head = self.make_commit(train, merged, message, parents=parents, at=at, author=PERSON)
        return self._head

    def _digest(self, contract: Contract) -> str:
        # By identity: a commit keeps its contract alive, and dumping one for each reading would be slow.
        if id(contract) not in self._digests:
            text = contract.model_dump_json(by_alias=True)
            self._digests[id(contract)] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[id(contract)]


def _logged(commit: Commit, paths: Iterable[str]) -> LoggedCommit:
    return LoggedCommit(
        commit=commit.id,
        parents=commit.parents,
        at=commit.at,
        author=commit.author,
        subject=commit.message.subject,
        trailers=dict(commit.message.trailers),
        paths=tuple(sorted(paths)),
    )


def files_of(change: StateChange) -> Changes:
    """Path -> content of the files that the change writes; None for one that it removes."""
    files: dict[str, Model | None] = {
        CONTRACT: change.contract,
        ROLLOUT: change.rollout,
        STATUS: change.status,
        CHANNEL: change.channel,
        SIGNOFF: change.signoff,
        QUARANTINE: change.quarantine,
        REHEARSAL: change.rehearsal,
        RELEASE_CACHE: change.release_cache,
    }
    if change.incident is not None:
        files[f"incidents/{change.incident.id}.yaml"] = change.incident
    written: dict[str, Content | None] = {
        path: content for path, content in files.items() if content is not None
    }
    return written | ({RELEASE_CACHE: None} if change.removes_release_cache else {})


def _file(files: Files, path: str, model: type[M]) -> M | None:
    content = files.get(path)
    if isinstance(content, InputError):
        raise content
    assert content is None or isinstance(content, model)
    return content


def _changed(before: Files, after: Files) -> set[str]:
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def _merge_file(path: str, base: Content | None, ours: Content | None, theirs: Content) -> Content:
    if ours in (base, theirs):
        return theirs
    if not (isinstance(base, Rollout) and isinstance(ours, Rollout) and isinstance(theirs, Rollout)):
        raise RefusedError(f"conflict in {path}")
    keys = list(Rollout.model_fields)
    mine = [at for at, key in enumerate(keys) if getattr(base, key) != getattr(ours, key)]
    other = [at for at, key in enumerate(keys) if getattr(base, key) != getattr(theirs, key)]
    # Lines that touch are one hunk, and two different hunks in one place are a conflict.
    if any(abs(one - two) <= 1 for one in mine for two in other):
        raise RefusedError(f"conflict in {path}")
    return ours.model_copy(update={keys[at]: getattr(theirs, keys[at]) for at in other})
