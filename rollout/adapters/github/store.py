"""The StateStore port over GitHub's API: one query reads the branch, one mutation commits to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rollout.adapters.git import TreeEntry
from rollout.adapters.git.formats import message_text, mode_text
from rollout.adapters.github.answers import Page, parsed, parsed_or_none
from rollout.adapters.github.api import STALE, Api, RefusedByGitHubError
from rollout.adapters.github.branch_file import file_at
from rollout.adapters.github.commits import commit_files
from rollout.adapters.github.store_documents import (
    CARRIERS,
    COMMIT,
    FILE,
    FOLDER,
    HISTORY,
    TAKEN_AWAY,
    TIP,
    Blob,
    Branch,
    Commit,
    Folder,
    Ref,
    Repository,
    Version,
    trains_of,
)
from rollout.adapters.yaml_store import (
    NO_SUCH_BRANCH,
    LostTrains,
    YamlStore,
    altered,
)
from rollout.core.contract import Contract
from rollout.core.files import STATE, is_peoples, state_path
from rollout.core.state import CommitMessage, StateChange, TrainState, UnusableFile
from rollout.core.values import Model
from rollout.core.workflow_pin import has_other_ci
from rollout.errors import HeadMovedError, InputError
from rollout.files.state_files import FileVersion, files_of, read_contract, read_model, refuse_other_kinds
from rollout.files.train import read_train
from rollout.ports import LoggedCommit

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class _Snapshot:
    """`state/` at one commit, but for what lies deeper than a train's folder."""

    head: str
    parent: str | None
    trains: Mapping[str, Mapping[str, Blob | None]]
    """Train -> name -> file; None for a folder."""
    skips_ci: bool
    """Whether a commit that nobody builds on has to say so there."""

    def holds(self, files: Mapping[str, bytes | None]) -> bool:
        """Returns whether each of the files (by path) that can be in it is, as it is."""
        for train, name, content in _of_trains(files):
            found = self.trains.get(train, {}).get(name)
            there = found.text if found else None
            if "/" not in name and there != (None if content is None else content.decode()):
                return False
        return True

    def after(self, commit: str, files: Mapping[str, bytes | None]) -> _Snapshot:
        """Returns the snapshot with a commit on top that writes the files."""
        trains = {train: dict(known) for train, known in self.trains.items()}
        for train, name, content in _of_trains(files):
            if content is None:
                trains[train].pop(name, None)
            else:
                trains.setdefault(train, {})[name] = Blob(text=content.decode())
        return _Snapshot(commit, self.head, trains, self.skips_ci)


class GitHubStore:
    """The state branch as one command sees it.

    It is read when it is first asked for, and again when a commit is refused because the branch has moved:
    in between the command works on one snapshot, which compare-and-swap makes safe. So a process that
    works on after others may have committed needs a new store.
    """

    def __init__(
        self,
        api: Api,
        branch: str | None,
        clone: Callable[[], YamlStore],
        *,
        tell: Callable[[UnusableFile], None] = lambda _: None,
        configured: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`branch` None means `rollout-state` where that holds a train, else the default branch; where
        neither does, the one that `configured` knows.

        `clone` is where history is read.

        `tell` hears of each file at the tip that cannot be used.
        """
        self._api = api
        self._tell = tell
        self._named = branch
        self._clone = clone
        self._configured = configured
        self._found: tuple[str, _Snapshot] | None = None
        self._others: dict[str, _Snapshot] = {}
        self._loaded: dict[tuple[str, str, bool], TrainState] = {}

    @property
    def branch(self) -> str:
        return self._named or self._tip()[0]

    def head(self) -> str:
        """Returns the commit at the tip of the state branch.
        Raises InputError when there is no such branch.
        """
        return self._tip()[1].head

    def trains(self, at: str) -> tuple[str, ...]:
        """Returns names of the trains that exist at that commit, sorted."""
        return tuple(sorted(self._at(at).trains))

    def load(self, train: str, at: str) -> TrainState:
        """Returns the train at that commit.

        Raises InputError when it is not there, does not parse or contradicts itself.
        """
        return self._once(train, at, for_brake=False)

    def load_for_brake(self, train: str, at: str) -> TrainState:
        """Implements the port."""
        return self._once(train, at, for_brake=True)

    def _once(self, train: str, at: str, *, for_brake: bool) -> TrainState:
        asked = (train, at, for_brake)
        if asked not in self._loaded:
            self._loaded[asked] = self._read(train, at, for_brake=for_brake)
        return self._loaded[asked]

    def _read(self, train: str, at: str, *, for_brake: bool) -> TrainState:
        snapshot = self._at(at)
        lost = self.lost(at, train) if train not in snapshot.trains else None
        if lost is not None and for_brake:
            state = lost.standing_in(self._read(train, lost.before, for_brake=True), at)
        elif lost is not None:
            raise InputError(f"there is no train {train} at commit {at[:12]}", hint=lost.hint(train))
        else:
            state = self._read_there(train, at, snapshot, for_brake=for_brake)
        if state.stood_in_for and at == self.head():
            for each in state.stood_in_for:
                self._tell(each)
        return state

    def _read_there(self, train: str, at: str, snapshot: _Snapshot, *, for_brake: bool) -> TrainState:
        if train not in snapshot.trains:
            known = ", ".join(sorted(snapshot.trains)) or "none"
            raise InputError(f"there is no train {train} at commit {at[:12]}", hint=f"trains there: {known}")

        def deep(name: str) -> Blob | None:
            return self._deep_file(state_path(train, name), at)

        def versions(name: str) -> Iterator[FileVersion]:
            return self._versions(state_path(train, name), at)

        files = _Files(train, snapshot.trains[train], deep, versions)
        return read_train(train, at, files, for_brake=for_brake)

    def lost(self, at: str, train: str | None = None) -> LostTrains | None:
        """Finds what `YamlStore.lost` does, among the newest commits of that folder."""
        there = self._at(at).trains
        if train in there or (train is None and there):
            return None
        folder = state_path(train) if train else STATE
        history = self._history(TAKEN_AWAY, folder, {"oid": at, "path": folder})
        for commit in history.nodes if history else ():
            for parent in commit.parents.nodes if commit.parents else ():
                before = self._at(parent).trains
                if train in before or (train is None and before):
                    return LostTrains(commit.oid, commit.by, parent, (train,) if train else (*before,))
        return None

    def carriers(self, train: str | None = None) -> tuple[str, ...]:
        """Returns what `YamlStore.carriers` does."""
        others = (each for each in self._branches() if each.name != self.branch and is_peoples(each.name))
        return tuple(each.name for each in others if (train in each.trains if train else each.trains))

    def _branches(self) -> Iterator[Branch]:
        variables: dict[str, object] = {**self._api.owner_and_name, "after": None}

        def ask() -> Page[Branch] | None:
            answer = self._api.graphql(CARRIERS, variables)
            return parsed_or_none(Page[Branch], answer, "repository", "refs")

        while True:
            found = self._api.attempt("listing branches", ask)
            yield from found.nodes if found else ()
            if found is None or not found.page_info.has_next_page:
                return
            variables["after"] = found.page_info.end_cursor

    def _put_back(self, train: str, parent: str) -> dict[str, bytes]:
        """Returns what a stop restores, as in `YamlStore`, where a commit deleted the train's folder."""
        if train in self._at(parent).trains or (lost := self.lost(parent, train)) is None:
            return {}
        folder = state_path(train)
        variables = {**self._api.owner_and_name, "place": f"{lost.before}:{folder}"}
        found = self._api.attempt(
            f"reading {folder} of {lost.before[:12]}",
            lambda: parsed_or_none(Folder, self._api.graphql(FOLDER, variables), "repository", "object"),
        )
        return found.texts(folder) if found else {}

    def text(self, train: str, name: str, at: str) -> bytes | None:
        """Returns a file right in the train's folder as it is, whatever it holds; None when it is not there.

        Raises InputError for one that GitHub does not give whole.
        """
        found = self._at(at).trains.get(train, {}).get(name)
        if found is None:
            return None
        if found.text is None or found.is_truncated:
            raise InputError(f"{state_path(train, name)} is too long, or is not text")
        return found.text.encode()

    def file(self, path: str, at: str) -> bytes | None:
        """Asks for one at the tip, and reads the clone, as `log` does, for one before."""
        if at != self.head():
            return self._clone().file(path, at)
        return file_at(self._api, path, at)

    def altered(self, train: str, change: StateChange, at: str) -> str:
        """Implements the port."""
        files = self._at(at).trains.get(train, {})

        def entry(path: str) -> TreeEntry | None:
            found = files.get(path.removeprefix(state_path(train, "")))
            return TreeEntry(mode_text(found.mode), found.oid) if found and found.oid else None

        return altered(train, change, entry)

    def load_many(self, train: str, at: Sequence[str]) -> Iterator[TrainState | Exception]:
        """Reads the clone, as `log` does."""
        return self._clone().load_many(train, at)

    def log(self, train: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """Reads the clone: history is as long and as new as what was fetched."""
        return self._clone().log(train, since=since)

    def log_of_file(self, path: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """Reads the clone, as `log` does."""
        return self._clone().log_of_file(path, since=since)

    def forks(self, one: str, other: str) -> tuple[str, ...]:
        """Reads the clone, as `log` does."""
        return self._clone().forks(one, other)

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
        """Writes all of the change as one commit on top of `parent`, and returns it. GitHub signs and dates
        it.

        `is_brake` changes nothing, since there is no worktree. Raises HeadMovedError when the branch is no
        longer at `parent`; nothing is written then. Raises OutsideError when GitHub does not answer or
        refuses.
        """
        files = {**self._put_back(train, parent), **files_of(train, change)}
        text = message_text(message, skips_ci=self._at(parent).skips_ci)
        made = self._api.attempt(
            f"committing to {self.branch}",
            lambda: self._write(files, text, parent),
            lambda: self._written(files, parent) or self._write(files, text, parent),
        )
        self._api.did(f"commit {made[:10]} on {self.branch}")
        branch, before = self._tip()
        if before.head != made:
            self._found = branch, before.after(made, files)
        return made

    def _write(self, files: Mapping[str, bytes | None], text: str, parent: str) -> str:
        try:
            return commit_files(self._api, self.branch, files, text, parent=parent)
        except RefusedByGitHubError as refusal:
            if STALE not in refusal.kinds:
                raise
            raise self._moved(parent) from refusal

    def _written(self, files: Mapping[str, bytes | None], parent: str) -> str | None:
        """Returns the commit, when it was made though the answer was lost; None when the branch is at
        `parent` still.

        Raises HeadMovedError when it is at anything else.
        """
        self._found = None
        snapshot = self._tip()[1]
        if snapshot.head == parent:
            return None
        if snapshot.parent == parent and snapshot.holds(files):
            return snapshot.head
        raise self._moved(parent)

    def _moved(self, parent: str) -> HeadMovedError:
        branch, self._found = self.branch, None
        return HeadMovedError(
            f"branch {branch} is no longer at {parent}", hint="run again: it reads and decides anew"
        )

    # --- reading -----------------------------------------------------------------------------------------

    def _tip(self) -> tuple[str, _Snapshot]:
        """Returns the branch's name, and what its tip holds."""
        if self._found is None:
            found = self._tip_of(self._named)
            if self._named is None and not found[1].trains and (configured := self._configured()):
                found, self._named = self._tip_of(configured), configured
            self._found = found
        return self._found

    def _tip_of(self, branch: str | None) -> tuple[str, _Snapshot]:
        named = branch or "the default branch"
        wanted = {"ref": f"refs/heads/{branch or ''}", "named": branch is not None}
        repository = self._query(f"reading {named}", TIP, wanted)
        ref = repository.ref or _unnamed(repository)
        if ref is None:
            raise InputError(f"there is no {named} in {self._api.repository}", hint=NO_SUCH_BRANCH)
        return ref.name, _snapshot(ref.target)

    def _at(self, commit: str) -> _Snapshot:
        snapshot = self._tip()[1]
        if snapshot.head == commit:
            return snapshot
        if commit not in self._others:
            found = self._query(f"reading commit {commit[:12]}", COMMIT, {"oid": commit}).object
            if found is None:
                raise InputError(f"there is no commit {commit} in {self._api.repository}")
            self._others[commit] = _snapshot(found)
        return self._others[commit]

    def _query(self, doing: str, query: str, variables: Mapping[str, object]) -> Repository:
        both = {**self._api.owner_and_name, **variables}
        return self._api.attempt(
            doing, lambda: parsed(Repository, self._api.graphql(query, both), "repository")
        )

    def _deep_file(self, path: str, at: str) -> Blob | None:
        variables = {**self._api.owner_and_name, "place": f"{at}:{path}"}
        return self._api.attempt(
            f"reading {path}",
            lambda: parsed_or_none(Blob, self._api.graphql(FILE, variables), "repository", "object"),
        )

    def _versions(self, path: str, at: str) -> Iterator[FileVersion]:
        """Yields what the file was at `at` and before, newest first, a page at a time."""
        after: str | None = None
        while True:
            history = self._history(HISTORY, path, {"oid": at, "path": path, "after": after})
            if history is None:
                return
            for commit in history.nodes:
                yield commit.of_file
            if not history.page_info.has_next_page:
                return
            after = history.page_info.end_cursor

    def _history(self, query: str, path: str, variables: Mapping[str, object]) -> Page[Version] | None:
        both = {**self._api.owner_and_name, **variables}

        def ask() -> Page[Version] | None:
            return parsed_or_none(
                Page[Version], self._api.graphql(query, both), "repository", "object", "history"
            )

        return self._api.attempt(f"reading the history of {path}", ask)


def _unnamed(repository: Repository) -> Ref | None:
    """Returns the branch that carries state where nobody named one: see `GitHubStore`."""
    own, default = repository.own, repository.default_branch_ref
    if own is None or default is None:
        return own or default
    # A branch of its own that lost its trains is still the one that carried them.
    is_there = bool(_snapshot(own.target).trains) or not _snapshot(default.target).trains
    return own if is_there else default


def _of_trains(files: Mapping[str, bytes | None]) -> Iterator[tuple[str, str, bytes | None]]:
    """Yields train, name below its folder and content; a flag file is of no train, and in no snapshot."""
    for path, content in files.items():
        folder, _, below = path.partition("/")
        train, _, name = below.partition("/")
        if folder == STATE and name:
            yield train, name, content


class _Files:
    """A train's files in a snapshot; deeper ones are fetched when they are asked for."""

    def __init__(
        self,
        train: str,
        files: Mapping[str, Blob | None],
        deep: Callable[[str], Blob | None],
        versions: Callable[[str], Iterator[FileVersion]],
    ) -> None:
        self._train = train
        self.versions = versions
        self._files = dict(files)
        self._deep = deep

    def has(self, name: str) -> bool:
        if "/" in name and name not in self._files:
            self._files[name] = self._deep(name)
        return self._files.get(name) is not None

    def contract(self) -> tuple[Contract, str]:
        path = state_path(self._train, "contract.yaml")
        return read_contract(self._text("contract.yaml"), path, in_use=True)

    def model(self, model: type[M], name: str) -> M:
        return read_model(model, self._text(name), state_path(self._train, name))

    def _text(self, name: str) -> bytes:
        blob, path = self._files[name], state_path(self._train, name)
        if blob is None or blob.text is None or blob.is_truncated:
            raise InputError(
                f"{path} is too long, or is not text",
                hint=f"see who changed it: git log -p -- {path}",
                file=path,
            )
        refuse_other_kinds(mode_text(blob.mode), path)
        return blob.text.encode()


def _snapshot(commit: Commit) -> _Snapshot:
    folders = trains_of(commit.folders)
    trains = {name: {file.name: file.blob for file in files} for name, files in folders.items()}
    parent = next(iter(commit.parents.nodes), None)
    skips_ci = has_other_ci(commit.root or (), commit.workflows or ())
    return _Snapshot(commit.oid, parent, trains, skips_ci)
