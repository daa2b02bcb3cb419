"""A bare repository, through git alone: what GitHub keeps of a repository's code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

NOBODY = "0" * 40


_OBJECT = re.compile(r"[0-9a-f]{40}((\^\{(commit|tree)\}|:.*)?|\.\.[0-9a-f]{40})")
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


_SERVES = """
[http]
    receivepack = true
[uploadpack]
    allowAnySHA1InWant = true
    allowFilter = true
"""
GITHUB = Person("GitHub", "noreply@github.com")


@dataclass(frozen=True)
class _Object:
    sha: str
    type: str
    body: bytes


class _Objects:
    """What expressions lead to, by one process that stays: one a question takes most of a test's time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._known: dict[str, _Object] = {}
        self._lock = threading.Lock()

    def ask(self, expression: str) -> _Object | None:
        if not expression or "\n" in expression:
            return None
        if expression in self._known:
            return self._known[expression]
        found = self._ask(expression)
        if found is not None and _OBJECT.fullmatch(expression):
            self._known[expression] = found  # where a whole id leads never changes
        return found

    def _ask(self, expression: str) -> _Object | None:
        with self._lock:
            process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(expression.encode() + b"\n")
            process.stdin.flush()
            header = process.stdout.readline().rsplit(b" ", 2)
            if header[-1] in (b"missing\n", b"ambiguous\n"):
                return None
            sha, kind, size = header
            body = process.stdout.read(int(size) + 1)[:-1]
            return _Object(sha.decode(), kind.decode(), body)

    def _start(self) -> subprocess.Popen[bytes]:
        command = ["git", f"--git-dir={self._path}", "cat-file", "--batch"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    # Reading to the end would wait for ever in a fork of a test's process, whose parent keeps the pipe open.
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()
    process.wait()


def _entries(body: bytes) -> Iterator[tuple[str, str, str]]:
    """(mode, name, sha) of what is in a tree."""
    while body:
        mode_name, _, rest = body.partition(b"\0")
        mode, _, name = mode_name.decode().partition(" ")
        yield mode, name, rest[:20].hex()
        body = rest[20:]


def _signed(by: str) -> tuple[Person, str]:
    """Who, and when in RFC 3339, of `Name <email> seconds zone`."""
    who, seconds, zone = by.rsplit(" ", 2)
    name, _, email = who.removesuffix(">").rpartition(" <")
    offset = datetime.strptime(zone, "%z").tzinfo
    return Person(name, email), datetime.fromtimestamp(int(seconds), offset).isoformat()


def _is_ref(name: str) -> bool:
    return not name.endswith(".lock")


class BareRepo:
    """Raises subprocess.CalledProcessError when git refuses; `None` when a name leads nowhere."""

    def __init__(self, path: Path, lock: threading.RLock) -> None:
        self.path = path
        self.lock = lock
        """Held by everything that moves a ref, so that a compare-and-swap is one."""
        self._known: dict[tuple[str, ...], bytes] = {}
        self._objects = _Objects(path)
        if not path.exists():
            subprocess.run(
                ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True
            )
            with (path / "config").open("a") as config:
                config.write(_SERVES)

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
        """Full name -> object, sorted by name; read from git's files, as it is asked for all the time."""
        found = {}
        packed = self.path / "packed-refs"
        for line in packed.read_text().splitlines() if packed.exists() else ():
            if not line.startswith(("#", "^")):
                sha, name = line.split(" ", 1)
                found[name] = sha
        for folder, _, files in os.walk(self.path / "refs"):
            for file in files:
                loose = Path(folder, file)
                with suppress(FileNotFoundError):  # deleted meanwhile
                    found[loose.relative_to(self.path).as_posix()] = loose.read_text().strip()
        return {name: found[name] for name in sorted(found) if name.startswith(prefix) and _is_ref(name)}

    def branch(self, name: str) -> str | None:
        return self.refs("refs/heads/").get(f"refs/heads/{name}")

    def commit_of(self, revision: str) -> str | None:
        """The commit that a branch, tag or (short) sha names."""
        names = (f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}", revision)
        for name in (revision,) if _OBJECT.fullmatch(revision) else names:
            if found := self._objects.ask(f"{name}^{{commit}}"):
                return found.sha
        return None

    def object(self, expression: str) -> tuple[str, str] | None:
        """(sha, type) of any revision expression, `main:path` too."""
        found = self._objects.ask(expression)
        return (found.sha, found.type) if found else None

    def blob(self, sha: str) -> bytes:
        found = self._objects.ask(sha)
        assert found is not None, sha
        return found.body

    def tree(self, revision: str, *, recursive: bool = False) -> list[TreeEntry]:
        """Sorted as git does; `recursive` with the folders and what is in them."""
        found = self._objects.ask(revision)
        if found and found.type != "tree":
            found = self._objects.ask(f"{found.sha}^{{tree}}")
        if found is None:
            raise subprocess.CalledProcessError(128, ["git", "ls-tree", revision])
        entries = []
        for mode, name, sha in _entries(found.body):
            kind = {"40000": "tree", "160000": "commit"}.get(mode, "blob")
            size = len(self.blob(sha)) if kind == "blob" else None
            entries.append(TreeEntry(mode.zfill(6), kind, sha, size, name))
            if recursive and kind == "tree":
                inside = self.tree(sha, recursive=True)
                entries += [replace(entry, path=f"{name}/{entry.path}") for entry in inside]
        return entries

    def commit(self, sha: str) -> CommitData:
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
        """Commits, newest first."""
        return self.git("rev-list", *limits[:1], revision, "--", *limits[1:]).split()

    def between(self, base: str, head: str) -> list[str]:
        """Commits of head that base lacks, oldest first."""
        return self.git("rev-list", "--reverse", f"{base}..{head}").split()

    def merge_base(self, one: str, other: str) -> str | None:
        return self._try("merge-base", one, other)

    def contains(self, descendant: str, ancestor: str) -> bool:
        near = (descendant, *self.commit(descendant).parents)
        return ancestor in near or self.merge_base(descendant, ancestor) == ancestor

    def changed(self, old: str, new: str) -> list[tuple[str, str]]:
        """(one letter of git, path) of each file that differs."""
        fields = (
            self.raw("diff-tree", "-r", "-z", "--no-renames", "--name-status", old, new).decode().split("\0")
        )
        return list(zip(fields[0::2], fields[1::2], strict=False))

    def seed(self, other: Path) -> None:
        """Take over branches, tags and objects of a local repository; nothing of it may be there yet."""
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
        return self.git("hash-object", "-w", "--stdin", data=content)

    def write_tree(self, base: str | None, entries: Sequence[tuple[str, str | None, str]]) -> str:
        """The base with entries (mode, sha or None to delete, path) laid over it."""
        index = {"GIT_INDEX_FILE": str(self.path / f"fakehub-index-{threading.get_ident()}")}
        try:
            self.git("read-tree", base, env=index) if base else self.git("read-tree", "--empty", env=index)
            lines = [
                f"{mode} {sha or NOBODY} 0\t{path}" if sha else f"0 {NOBODY}\t{path}"
                for mode, sha, path in entries
            ]
            self.git("update-index", "--index-info", data="\n".join([*lines, ""]).encode(), env=index)
            return self.git("write-tree", env=index)
        finally:
            Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)

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
        env = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": authored_at or at.isoformat(),
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": at.isoformat(),
        }
        flags = [flag for parent in parents for flag in ("-p", parent)]
        return self.git("commit-tree", tree, *flags, data=message.encode(), env=env)

    def update_ref(self, name: str, new: str) -> None:
        self.git("update-ref", name, new)

    def delete_ref(self, name: str) -> None:
        self.git("update-ref", "-d", name)

    def merged_tree(self, base: str, head: str) -> str | None:
        """The tree of a merge; None when it conflicts."""
        out = self._try("merge-tree", "--write-tree", base, head)
        return out.splitlines()[0] if out else None
