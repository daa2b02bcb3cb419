"""The StateStore port over git: the YAML files of `state/<train>/` as models, one commit at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Protocol, cast

from rollout.adapters.git import Git, TreeEntry, branch_move, object_id
from rollout.adapters.git.formats import message_text
from rollout.core.contract import Contract
from rollout.core.files import (
    CONTRACT,
    ROLLOUT,
    STATE,
    is_peoples,
    is_train,
    state_path,
)
from rollout.core.state import (
    CommitMessage,
    StateChange,
    TrainState,
    UnusableFile,
)
from rollout.core.text import inert
from rollout.errors import InputError, OutsideError, RefusedError
from rollout.files.state_files import (
    FILE_MODES,
    KINDS_OF_MODES,
    PLAIN,
    FileVersion,
    M,
    contract_of,
    files_of,
    read_model,
    refuse_other_kinds,
)
from rollout.files.train import read_train
from rollout.files.yaml_text import load_yaml
from rollout.ports import LoggedCommit

_CACHED_FILES = 256

_MOST_EMPTY = 200
"""How far back a train's folder is looked for."""

_FROM_HISTORY = "take one from: rollout history"

NO_SUCH_BRANCH = "push the branch that carries state/, or name another with --state-branch"


class Parse(Protocol):
    """`load_yaml`, or one that remembers what it read."""

    def __call__(self, text: bytes, *, file: str) -> object: ...


class YamlStore:
    """The state branch of a repository."""

    def __init__(
        self,
        git: Git,
        branch: str | None = None,
        *,
        tell: Callable[[UnusableFile], None] = lambda _: None,
        parse: Parse = load_yaml,
    ) -> None:
        """`branch` None means the repository's default branch.

        `tell` hears of each file at the tip that cannot be used. `parse` reads contracts: who has read one
        already to find the branch hands it over.
        """
        self._git = git
        self._tell = tell
        self._parse = parse
        self.branch = branch or git.default_branch()
        self._places: tuple[str, ...] = ("refs/heads/", "refs/remotes/origin/")
        # Contract, channel and the like seldom change from commit to commit; git names content by its id.
        self._contract = lru_cache(_CACHED_FILES)(self._read_contract)
        self._cached_file = lru_cache(_CACHED_FILES)(self._read_file)

    def head(self) -> str:
        """Returns the commit at the tip of the state branch.
        Raises InputError when there is no such branch.
        """
        tip = self._git.tip(self.branch)
        if tip is None:
            fetched = self._git.resolve(f"refs/remotes/origin/{self.branch}")
            begin = f"git branch {self.branch} origin/{self.branch}"
            raise InputError(
                f"there is no branch {self.branch} with a commit in {self._git.home}",
                hint=begin
                if fetched
                else "make a train and commit it: rollout init; or fetch the branch that carries state/",
            )
        return tip

    def trains(self, at: str) -> tuple[str, ...]:
        """Returns names of the trains that exist at that commit, sorted."""
        folders = [name for name, entry in self._git.tree(f"{at}:{STATE}").items() if entry.is_folder]
        return tuple(sorted(name for name in folders if is_train(self._git.tree(f"{at}:{STATE}/{name}"))))

    def load(self, train: str, at: str) -> TrainState:
        """Returns the train at that commit.

        Raises InputError when it is not there, does not parse or contradicts itself.
        """
        return self._load(train, at, for_brake=False)

    def load_for_brake(self, train: str, at: str) -> TrainState:
        """Implements the port."""
        return self._load(train, at, for_brake=True)

    def _load(self, train: str, at: str, *, for_brake: bool) -> TrainState:
        tree = self._git.tree(f"{at}:{state_path(train)}")
        lost = self.lost(at, train) if not tree else None
        if lost is not None and for_brake:
            state = lost.standing_in(self._load(train, lost.before, for_brake=True), at)
        elif not tree:
            raise InputError(
                f"there is no train {train} at commit {at[:12]}",
                hint=lost.hint(train) if lost else self._existing_trains(at),
            )
        else:
            state = read_train(train, at, _GitFiles(self, train, at, tree), for_brake=for_brake)
        if state.stood_in_for and at == self.head():
            for each in state.stood_in_for:
                self._tell(each)
        return state

    def text(self, train: str, name: str, at: str) -> bytes | None:
        """Returns a file of the train as it is, whatever it holds; None when it is not there."""
        found = self._git.read(f"{at}:{state_path(train, name)}")
        return found.body if found and found.kind == "blob" else None

    def file(self, path: str, at: str) -> bytes | None:
        """Implements the port."""
        there = self._git.entry(at, path)
        if there is None:
            return None
        refuse_other_kinds(there.mode, path)
        return self._text(there.id)

    def altered(self, train: str, change: StateChange, at: str) -> str:
        """Implements the port."""
        return altered(train, change, lambda path: self._git.entry(at, path))

    def load_many(self, train: str, at: Sequence[str]) -> Iterator[TrainState | Exception]:
        """Implements the port."""
        for commit in at:
            try:
                yield self._load(train, commit, for_brake=True)
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
        """Writes all of the change as one commit on top of `parent`, and returns it.

        Raises HeadMovedError when the branch is no longer at `parent`; nothing is written then. For what else
        is raised, and the worktree, see `Git.commit`.
        """
        files = {**self._put_back(train, parent), **files_of(train, change)}
        text = self.message_on(parent, message)
        return branch_move.commit(
            self._git,
            self.branch,
            files,
            parent=parent,
            message=text,
            at=at,
            is_brake=is_brake,
            of_people=(change.flag.path,) if change.flag else (),
        )

    def message_on(self, parent: str, message: CommitMessage) -> str:
        """Returns the text of a message, for a commit on top of that one."""
        from rollout.core.workflow_pin import WORKFLOWS, has_other_ci

        skips_ci = has_other_ci(self._git.tree(f"{parent}^{{tree}}"), self._git.tree(f"{parent}:{WORKFLOWS}"))
        return message_text(message, skips_ci=skips_ci)

    def log(self, train: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """Yields the commits that touched the train, newest first, down to and without `since`: see the port.

        Raises InputError when there is no commit `since`, RefusedError when the branch does not hold it.
        """
        from rollout.adapters.story import Story  # `evaluate` reads state, and no history

        last = (self._since(since),) if since else ()
        folder, cut_at = state_path(train) + "/", self._git.cut_at()
        for entry in Story(self._git, folder).until(self.head(), last):
            yield replace(
                entry,
                paths=tuple(path.removeprefix(folder) for path in entry.paths),
                modes={path.removeprefix(folder): mode for path, mode in entry.modes.items()},
                is_cut=entry.commit in cut_at,
            )

    def log_of_file(self, path: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        """Implements the port."""
        return self._git.log(self.head(), [path], since=self._since(since) if since else None)

    def lost(self, at: str, train: str | None = None) -> LostTrains | None:
        """Returns what took the train's folder away, or with None the last train's; None when nothing has."""
        folder = state_path(train) if train else STATE
        if self._git.tree(f"{at}:{folder}"):
            return None
        for entry in islice(self._git.log(at, [folder], whole=True), _MOST_EMPTY):
            before = f"{entry.commit}^1"
            if self._git.tree(f"{before}:{folder}"):
                whole = self._git.resolve(before)
                assert whole is not None
                return LostTrains(
                    entry.commit, entry.author, whole, (train,) if train else self.trains(whole)
                )
        return None

    def carriers(self, train: str | None = None) -> tuple[str, ...]:
        """Returns other branches that hold the train, or with None any train; none of the tool's own."""
        folder = state_path(train) if train else STATE
        found = {
            branch
            for ref, branch in self._git.branches(*self._places).items()
            if branch != self.branch and is_peoples(branch) and self._holds(f"{ref}:{folder}", train)
        }
        return tuple(sorted(found))

    def _holds(self, folder: str, train: str | None) -> bool:
        entries = self._git.tree(folder).values()
        return bool(entries) if train else any(entry.is_folder for entry in entries)

    def _put_back(self, train: str, parent: str) -> dict[str, bytes]:
        """Returns path -> content of what the train's folder held, where a commit took it away as a whole.

        A stop that wrote its own file alone would be taken back by whoever brings the folder back.
        """
        if self._git.tree(f"{parent}:{state_path(train)}") or (lost := self.lost(parent, train)) is None:
            return {}
        return self._files_below(lost.before, state_path(train))

    def _files_below(self, commit: str, folder: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name, entry in self._git.tree(f"{commit}:{folder}").items():
            path = f"{folder}/{name}"
            if entry.is_folder:
                found |= self._files_below(commit, path)
            elif entry.mode in FILE_MODES:
                found[path] = self._text(entry.id)
        return found

    def forks(self, one: str, other: str) -> tuple[str, ...]:
        """Implements the port."""
        return self._git.merge_bases(one, other)

    def _since(self, name: str) -> str:
        commit = self._git.resolve(name)
        if commit is None:
            raise InputError(f"there is no commit {name}", hint=_FROM_HISTORY)
        if not self._git.is_ancestor(commit, self.head()):
            raise RefusedError(
                f"branch {self.branch} does not hold commit {name}: it is another branch's, or history was"
                " rewritten",
                hint=_FROM_HISTORY,
            )
        return commit

    # --- one file ----------------------------------------------------------------------------------------

    def versions(self, train: str, name: str, at: str) -> Iterator[FileVersion]:
        """Yields what the file was at `at` and before, newest first."""
        path = state_path(train, name)
        for entry in self._git.log(at, [path], whole=True):
            there = self._git.entry(entry.commit, path)
            found = self._git.read(there.id) if there and there.mode in FILE_MODES else None
            yield FileVersion(entry.commit, entry.author, found.body if found else None, there is not None)

    def _existing_trains(self, at: str) -> str:
        trains = self.trains(at)
        if trains:
            return f"trains there: {', '.join(trains)}"
        return f"branch {self.branch} carries none; `rollout init` writes one, then commit it"

    def entries(self, tree: str) -> dict[str, TreeEntry]:
        """Returns what the folder of that id holds."""
        return self._git.tree(tree)

    def contract(self, train: str, blob: str) -> tuple[Contract, str]:
        """Parses the blob by `read_contract`, once."""
        return self._contract(train, blob)

    def model(self, model: type[M], path: str, blob: str) -> M:
        """Parses the blob by `read_model`, once."""
        return cast(M, self._cached_file(model, path, blob))

    def _read_contract(self, train: str, blob: str) -> tuple[Contract, str]:
        path = state_path(train, CONTRACT)
        return contract_of(self._parse(self._text(blob), file=path), path, in_use=True)

    def _read_file(self, model: type[M], path: str, blob: str) -> M:
        return read_model(model, self._text(blob), path)

    def _text(self, blob: str) -> bytes:
        found = self._git.read(blob)
        if found is None:
            raise OutsideError(
                f"git object {blob} is missing or damaged", hint="look at the repository: git fsck"
            )
        return found.body


class _GitFiles:
    """A train's files in one commit of git."""

    def __init__(self, store: YamlStore, train: str, at: str, tree: Mapping[str, TreeEntry]) -> None:
        self._store = store
        self._train = train
        self._at = at
        self._tree = tree

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def contract(self) -> tuple[Contract, str]:
        return self._store.contract(self._train, self._blob(CONTRACT))

    def model(self, model: type[M], name: str) -> M:
        return self._store.model(model, state_path(self._train, name), self._blob(name))

    def _blob(self, name: str) -> str:
        """Returns the id of the file's content. Raises InputError for a link, folder or submodule in its
        place.
        """
        entry = self._find(name)
        assert entry is not None
        refuse_other_kinds(entry.mode, state_path(self._train, name))
        return entry.id

    def versions(self, name: str) -> Iterator[FileVersion]:
        return self._store.versions(self._train, name, self._at)

    def _find(self, name: str) -> TreeEntry | None:
        folder, _, leaf = name.rpartition("/")
        if not folder:
            return self._tree.get(name)
        return self._store.entries(self._tree[folder].id).get(leaf) if folder in self._tree else None


@dataclass(frozen=True)
class LostTrains:
    """Trains whose folders one commit took away."""

    commit: str
    author: str
    before: str
    """The commit that still holds them."""
    trains: tuple[str, ...]

    @property
    def did(self) -> str:
        return f"commit {self.commit[:10]} by {inert(self.author, 60)} took it away"

    def hint(self, *trains: str) -> str:
        folders = " ".join(map(state_path, trains))
        return f"{self.did}; take that back: git checkout {self.before[:10]} -- {folders}, then commit"

    def standing_in(self, held: TrainState, at: str) -> TrainState:
        """Returns what the train held, as what is known of it at a commit that has it no more."""
        problem = f"{state_path(held.train)}: is missing, with all of its files"
        unusable = UnusableFile(problem, self.hint(held.train), ROLLOUT, did=self.did)
        return replace(held, head=at, broken=(*held.broken, unusable))


def altered(train: str, change: StateChange, entry: Callable[[str], TreeEntry | None]) -> str:
    """Returns how a file that the change writes is not as the tool writes it; empty when each of them is.

    `entry` finds what is at a path.
    """
    for path, text in files_of(train, change).items():
        found, name = entry(path), path.rpartition("/")[2]
        if text is None or found is None:
            continue
        if found.mode != PLAIN:
            return f"its {name} {KINDS_OF_MODES.get(found.mode, f'has mode {found.mode}')}"
        if found.id != object_id("blob", text, len(found.id)):
            return f"its {name} has other text"
    return ""
