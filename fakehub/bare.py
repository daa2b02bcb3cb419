"""A bare repository: what GitHub keeps of a repository's code. Git does what `objects` does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from fakehub.objects import FOLDER, Objects

NOBODY = "0" * 40
"""The id of a commit that is not there, as in events of a new or deleted branch."""

_OBJECT = re.compile(r"[0-9a-f]{40}((\^\{(commit|tree)\}|:.*)?|\.\.[0-9a-f]{40})")
_SHA = re.compile(r"[0-9a-f]{40}")
_READING = frozenset({"diff-tree", "log", "merge-base", "rev-list", "rev-parse"})


def _is_about_objects(arguments: Sequence[str]) -> bool:
    names = [argument for argument in arguments[1:] if not argument.startswith("-")]
    return arguments[0] in _READING and all(_OBJECT.fullmatch(name) for name in names)


@dataclass(frozen=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True)
class TreeEntry:
    mode: str
    type: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True)
class CommitData:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    authored_at: str
    committer: Person
    committed_at: str
    message: str

    @property
    def subject(self) -> str:
        """The first paragraph, in one line."""
        return self.message.partition("\n\n")[0].replace("\n", " ")


_CONFIG = """\
[core]
    repositoryformatversion = 0
    filemode = true
    bare = true
[http]
    receivepack = true
[uploadpack]
    allowAnySHA1InWant = true
    allowFilter = true
"""
GITHUB = Person("GitHub", "noreply@github.com")
_NEAR = 300
"""Commits that are looked through one by one; git is quicker on a long history."""


def _signed(by: str) -> tuple[Person, str]:
    """Returns who, and when in RFC 3339, of `Name <email> seconds zone`."""
    who, seconds, zone = by.rsplit(" ", 2)
    name, _, email = who.removesuffix(">").rpartition(" <")
    offset = datetime.strptime(zone, "%z").tzinfo
    return Person(name, email), datetime.fromtimestamp(int(seconds), offset).isoformat()


def _signature(person: Person, at: datetime) -> str:
    return f"{person.name} <{person.email}> {int(at.timestamp())} {at:%z}"


def _files(folder: str) -> Iterator[str]:
    """Yields the paths of all refs below a folder."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            elif not entry.name.endswith(".lock"):
                yield entry.path


class BareRepo:
    """Raises subprocess.CalledProcessError when git refuses; `None` when a name leads nowhere."""

    def __init__(self, path: Path, lock: threading.RLock) -> None:
        self.path = path
        self.lock = lock
        """Held by everything that moves a ref, so that a compare-and-swap is one."""
        self._known: dict[tuple[str, ...], bytes] = {}
        self._commits: dict[str, CommitData] = {}
        self._objects = Objects(path)
        if not path.exists():
            for folder in ("objects", "refs/heads", "refs/tags"):
                (path / folder).mkdir(parents=True)
            (path / "HEAD").write_text("ref: refs/heads/main\n")
            (path / "config").write_text(_CONFIG)

    def git(self, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        return self.raw(*arguments, data=data, env=env).decode().rstrip("\n")

    def raw(self, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        # What git says about objects named by their whole ids never changes, and processes are slow.
        if data is None and env is None and _is_about_objects(arguments):
            if arguments not in self._known:
                self._known[arguments] = self._run(arguments, None, {})
            return self._known[arguments]
        return self._run(arguments, data, env or {})

    def _run(self, arguments: Sequence[str], data: bytes | None, env: Mapping[str, str]) -> bytes:
        command = ["git", f"--git-dir={self.path}", *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=True, env={**os.environ, **env})
        return done.stdout

    def _try(self, *arguments: str) -> str | None:
        try:
            return self.git(*arguments)
        except subprocess.CalledProcessError:
            return None

    # --- reading -----------------------------------------------------------------------------------------

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Maps full name to object, sorted by name; read from git's files, for speed."""
        found = self._packed_refs()
        folder = prefix.rpartition("/")[0]
        for file in _files(f"{self.path}/{folder}"):
            if (sha := self._loose_ref(file)) is not None:
                found[file[len(str(self.path)) + 1 :]] = sha
        return {name: found[name] for name in sorted(found) if name.startswith(prefix)}

    def ref(self, name: str) -> str | None:
        """Returns the object of a full name."""
        return self._loose_ref(f"{self.path}/{name}") or self._packed_refs().get(name)

    def branch(self, name: str) -> str | None:
        return self.ref(f"refs/heads/{name}")

    def _loose_ref(self, file: str) -> str | None:
        with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError), open(file) as opened:
            return opened.read().strip()
        return None

    def _packed_refs(self) -> dict[str, str]:
        packed = self._loose_ref(f"{self.path}/packed-refs") or ""
        pairs = (line.split(" ", 1) for line in packed.splitlines() if not line.startswith(("#", "^")))
        return {name: sha for sha, name in pairs}

    def commit_of(self, revision: str) -> str | None:
        """Returns the commit that a branch, tag or (short) sha names."""
        names = (f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}")
        known = None if _OBJECT.fullmatch(revision) else next(filter(None, map(self.ref, names)), None)
        found = self._objects.ask(f"{known or revision}^{{commit}}")
        return found.sha if found else None

    def object(self, expression: str) -> tuple[str, str] | None:
        """Returns (sha, type) of any revision expression, `main:path` too."""
        found = self._objects.ask(expression)
        return (found.sha, found.type) if found else None

    def blob(self, sha: str) -> bytes:
        found = self._objects.ask(sha)
        assert found is not None, sha
        return found.body

    def text(self, expression: str) -> str:
        """Returns the file that `main:path` names, without the end of its last line."""
        found = self._objects.ask(expression)
        assert found is not None, expression
        return found.body.decode().rstrip("\n")

    def tree(self, revision: str, *, recursive: bool = False) -> list[TreeEntry]:
        """Lists a tree, sorted as git does; `recursive` with the folders and what is in them."""
        found = self._objects.ask(revision)
        if found and found.type != "tree":
            found = self._objects.ask(f"{found.sha}^{{tree}}")
        if found is None:
            raise subprocess.CalledProcessError(128, ["git", "ls-tree", revision])
        entries = []
        for name, (mode, sha) in self._objects.tree(found.sha).items():
            kind = {FOLDER: "tree", "160000": "commit"}.get(mode, "blob")
            size = len(self.blob(sha)) if kind == "blob" else None
            entries.append(TreeEntry(mode.zfill(6), kind, sha, size, name))
            if recursive and kind == "tree":
                inside = self.tree(sha, recursive=True)
                entries += [replace(entry, path=f"{name}/{entry.path}") for entry in inside]
        return entries

    def write_files(self, commit: str, folder: str, place: Path) -> None:
        """Writes a folder of a commit below `place`, with its path; nothing where there is no such folder."""
        found = self._objects.ask(f"{commit}:{folder}")
        for entry in self.tree(found.sha, recursive=True) if found else []:
            file = place / folder / entry.path
            if entry.type == "blob":
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(self.blob(entry.sha))

    def commit(self, sha: str) -> CommitData:
        if not _SHA.fullmatch(sha):
            return self._read_commit(sha)
        if sha not in self._commits:
            self._commits[sha] = self._read_commit(sha)
        return self._commits[sha]

    def _read_commit(self, sha: str) -> CommitData:
        found = self._objects.ask(f"{sha}^{{commit}}")
        assert found is not None, sha
        head, _, message = found.body.decode("utf-8", "replace").partition("\n\n")
        fields = [line.split(" ", 1) for line in head.splitlines() if not line.startswith(" ")]
        (tree,) = (value for key, value in fields if key == "tree")
        (author, authored_at), (committer, committed_at) = (
            _signed(value) for key, value in fields if key in ("author", "committer")
        )
        parents = tuple(value for key, value in fields if key == "parent")
        return CommitData(
            found.sha, tree, parents, author, authored_at, committer, committed_at, message.rstrip("\n")
        )

    def log(self, revision: str, *limits: str) -> list[str]:
        """Returns commits, newest first."""
        return self.git("rev-list", *limits[:1], revision, "--", *limits[1:]).split()

    def subjects(self, head: str, base: str = "") -> list[str]:
        """Returns the subjects of the commits that base lacks, newest first;
        without a base, of all first parents.
        """
        if base:
            return [self.commit(sha).subject for sha in self.between(base, head)[::-1]]
        found, tip = [], self.commit_of(head)
        while tip is not None:
            commit = self.commit(tip)
            found.append(commit.subject)
            tip = commit.parents[0] if commit.parents else None
        return found

    def between(self, base: str, head: str) -> list[str]:
        """Returns commits of head that base lacks, oldest first."""
        base, head = self.id_of(base), self.id_of(head)
        line = self._line(head, base)
        return (
            line[::-1] if line is not None else self.git("rev-list", "--reverse", f"{base}..{head}").split()
        )

    def _line(self, head: str, base: str) -> list[str] | None:
        """Returns commits from head back to base, where each has one parent and they are few; else None."""
        line: list[str] = []
        while head != base:
            parents = self._objects.parents(head)
            if len(parents) != 1 or len(line) == _NEAR:
                return None
            line.append(head)
            head = parents[0]
        return line

    def merge_base(self, one: str, other: str) -> str | None:
        one, other = self.id_of(one), self.id_of(other)
        near, far = self._history(one), self._history(other)
        if near is None or far is None:
            return self._try("merge-base", one, other)
        common = near & far
        best = common.difference(*map(self._objects.parents, common))
        return best.pop() if len(best) == 1 else self._try("merge-base", one, other)

    def contains(self, descendant: str, ancestor: str) -> bool:
        descendant, ancestor = self.id_of(descendant), self.id_of(ancestor)
        history = self._history(descendant, ancestor)
        if history is None:
            return self._try("merge-base", descendant, ancestor) == ancestor
        return ancestor in history

    def needed(self, tips: Sequence[str], depth: int) -> tuple[set[str], list[str]]:
        """Returns the objects of commits or tags and their history, and the commits at which that ends.

        `depth` counts commits from each tip; 0 for all of them. Each object is then a file of its own.
        """
        found: set[str] = set()
        cut: list[str] = []
        row, left = list(tips), depth
        while row:
            left -= 1
            row = [name for name in dict.fromkeys(row) if name not in found]
            parents = [self._objects.closure(name, found) for name in row]
            if left == 0:
                cut = row  # as git does, even where nothing comes before
                break
            row = [before for one in parents for before in one]
        return found, cut

    def id_of(self, revision: str) -> str:
        """Returns the commit that a revision names; the revision itself where it names none."""
        return self.commit_of(revision) or revision

    def _history(self, head: str, wanted: str = "") -> set[str] | None:
        """Returns the commit and those before it, until `wanted` is among them;
        None where there are too many.
        """
        found, waiting = {head}, [head]
        for commit in waiting:
            if wanted in found:
                break
            if len(found) > _NEAR:
                return None
            new = [parent for parent in self._objects.parents(commit) if parent not in found]
            found.update(new)
            waiting += new
        return found

    def changed(self, old: str, new: str) -> list[tuple[str, str]]:
        """Returns (one letter of git, path) of each file that differs."""
        return list(self._objects.differences(old, new))

    def seed(self, other: Path) -> None:
        """Copies branches, tags and objects of a local repository; nothing of it may be there yet."""
        git_dir = other / ".git" if (other / ".git").is_dir() else other
        shutil.copytree(git_dir / "objects", self.path / "objects", copy_function=os.link, dirs_exist_ok=True)
        for kind in ("heads", "tags"):
            if (git_dir / "refs" / kind).is_dir():
                shutil.copytree(git_dir / "refs" / kind, self.path / "refs" / kind, dirs_exist_ok=True)
        packed = git_dir / "packed-refs"
        if packed.exists():
            shutil.copy(packed, self.path)

    # --- writing -----------------------------------------------------------------------------------------

    def write_blob(self, content: bytes) -> str:
        return self._objects.write("blob", content)

    def write_tree(self, base: str | None, entries: Sequence[tuple[str, str | None, str]]) -> str:
        """Writes the base with entries (mode, sha or None to delete, path) laid over it."""
        tree = self.commit_of(base) or base if base else None
        changes = {path: (mode.lstrip("0"), sha) if sha else None for mode, sha, path in entries}
        missing = [sha for _, sha, _ in entries if sha and self._objects.ask(sha) is None]
        if missing:
            raise subprocess.CalledProcessError(128, ["git", "write-tree", *missing])
        return self._objects.changed_tree(tree, changes) or self._objects.write("tree", b"")

    def write_commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        author: Person,
        at: datetime,
        committer: Person = GITHUB,
        authored_at: str | None = None,
    ) -> str:
        made = datetime.fromisoformat(authored_at) if authored_at else at
        lines = [
            f"tree {tree}",
            *(f"parent {parent}" for parent in dict.fromkeys(parents)),
            f"author {_signature(author, made)}",
            f"committer {_signature(committer, at)}",
        ]
        return self._objects.write("commit", "\n".join([*lines, "", message]).encode())

    def update_ref(self, name: str, new: str) -> None:
        if not _SHA.fullmatch(new):
            self.git("update-ref", name, new)
            return
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.lock")
        part.write_text(f"{new}\n")
        os.replace(part, file)

    def delete_ref(self, name: str) -> None:
        self.git("update-ref", "-d", name)

    def merged_tree(self, base: str, head: str) -> str | None:
        """Returns the tree of a merge; None when it conflicts."""
        fork = self.merge_base(base, head)
        if fork and (plain := self._objects.plain_merge(fork, base, head)):
            return plain
        out = self._try("merge-tree", "--write-tree", base, head)
        return out.splitlines()[0] if out else None
