"""Git's objects, read and written without git: a process for each question takes most of a test's time."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import threading
import weakref
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Tree = dict[str, tuple[str, str]]
"""Name -> (mode, id) of what is right inside; modes as git stores them, `40000` for a folder."""

FOLDER, SUBMODULE = "40000", "160000"
_WHOLE = re.compile(r"(?P<sha>[0-9a-f]{40})(\^\{(?P<kind>commit|tree)\})?")
_NEVER_CHANGES = re.compile(r"[0-9a-f]{40}((\^\{(commit|tree)\})?|:.*)")


@dataclass(frozen=True)
class GitObject:
    sha: str
    type: str
    body: bytes


class Objects:
    """The objects of one bare repository. New ones are written loose; packs are read by `git cat-file`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._known: dict[str, GitObject] = {}
        self._parents: dict[str, list[str]] = {}
        self._inside: dict[str, frozenset[str]] = {}
        """Tree -> itself and all that is in it, each a file of its own."""
        self._lock = threading.Lock()

    def ask(self, expression: str) -> GitObject | None:
        """Returns what a revision expression leads to."""
        if not expression or "\n" in expression:
            return None
        if expression in self._known:
            return self._known[expression]
        whole = _WHOLE.fullmatch(expression)
        found = self._peeled(whole["sha"], whole["kind"]) if whole else self._ask(expression)
        if found is not None and _NEVER_CHANGES.fullmatch(expression):
            self._known[expression] = found
        return found

    def parents(self, commit: str) -> list[str]:
        """Returns the parents of a commit, by its full id."""
        if commit not in self._parents:
            found = self.ask(commit)
            assert found is not None, commit
            head = found.body.partition(b"\n\n")[0].decode("utf-8", "replace")
            self._parents[commit] = [line[7:] for line in head.splitlines() if line.startswith("parent ")]
        return self._parents[commit]

    def closure(self, sha: str, found: set[str]) -> list[str]:
        """Adds an object and what is in it to `found`, each as a file of its own.

        Returns the parents of a commit.
        """
        known = self.ask(sha)
        assert known is not None, sha
        if not self._file(sha).exists():
            self.write(known.type, known.body)
        found.add(sha)
        if known.type == "commit":
            self._add_tree(self._tree_id(sha), found)
            return self.parents(sha)
        if known.type == "tag":
            return self.closure(known.body.partition(b"\n")[0].decode().split(" ")[1], found)
        return []

    def _add_tree(self, sha: str, found: set[str]) -> None:
        if sha not in self._inside:
            inside = {sha}
            for mode, entry in self.tree(sha).values():
                if mode == FOLDER:
                    self._add_tree(entry, inside)
                elif mode != SUBMODULE:
                    inside.add(entry)
            for each in inside:
                self.closure(each, set())
            self._inside[sha] = frozenset(inside)
        found |= self._inside[sha]

    def tree(self, sha: str | None) -> Tree:
        """Returns what is in a tree, or in the tree of a commit; nothing for None."""
        if sha is None:
            return {}
        found = self.ask(f"{sha}^{{tree}}")
        assert found is not None, sha
        return {name: (mode, inside) for mode, name, inside in _entries(found.body)}

    def write(self, kind: str, body: bytes) -> str:
        """Stores an object, and returns its id."""
        data = b"%s %d\0%s" % (kind.encode(), len(body), body)
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        file = self._file(sha)
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            part = file.with_name(f"tmp_obj_{threading.get_ident()}")
            part.write_bytes(zlib.compress(data, 1))
            part.chmod(0o444)
            os.replace(part, file)
        self._known[sha] = GitObject(sha, kind, body)
        return sha

    def write_tree(self, tree: Mapping[str, tuple[str, str]]) -> str:
        """Writes a tree; git sorts a folder as if its name ended in a slash."""
        names = sorted(
            tree, key=lambda name: f"{name}/".encode() if tree[name][0] == FOLDER else name.encode()
        )
        lines = (
            b"%s %s\0" % (tree[name][0].encode(), name.encode()) + bytes.fromhex(tree[name][1])
            for name in names
        )
        return self.write("tree", b"".join(lines))

    def changed_tree(self, base: str | None, changes: Mapping[str, tuple[str, str] | None]) -> str | None:
        """Returns the tree with `changes` (path -> mode and id, None to delete) laid over it;
        None for no tree.
        """
        tree = self.tree(base)
        inside: dict[str, dict[str, tuple[str, str] | None]] = {}
        for path, entry in changes.items():
            name, _, rest = path.partition("/")
            if rest:
                inside.setdefault(name, {})[rest] = entry
            elif entry is None:
                tree.pop(name, None)
            else:
                tree[name] = entry
        for name, below in inside.items():
            mode, sha = tree.get(name, ("", ""))
            folder = self.changed_tree(sha if mode == FOLDER else None, below)
            if folder is not None:
                tree[name] = (FOLDER, folder)
            elif mode == FOLDER:
                del tree[name]
        return self.write_tree(tree) if tree else None

    def differences(self, old: str | None, new: str | None, at: str = "") -> Iterator[tuple[str, str]]:
        """Yields (A, D, M or T, path) of each file that differs between two trees or commits, by path."""
        if old == new:
            return
        before, after = self.tree(old), self.tree(new)
        for name in sorted(before.keys() | after.keys(), key=str.encode):
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            path = f"{at}{name}"
            folder_was, folder_now = (one[1] if one and one[0] == FOLDER else None for one in (was, now))
            if folder_was or folder_now:
                yield from self.differences(folder_was, folder_now, f"{path}/")
            file_was, file_now = (one if one and one[0] != FOLDER else None for one in (was, now))
            if file_was and file_now:
                yield "T" if file_was[0][:2] != file_now[0][:2] else "M", path
            elif file_was or file_now:
                yield "A" if file_now else "D", path

    def plain_merge(self, fork: str | None, ours: str | None, theirs: str | None) -> str | None:
        """Returns the tree of a merge where no file was changed by both or deleted; None for all others.

        All three are trees or commits, or None where one has nothing there.
        """
        if ours is not None and theirs in (ours, fork):
            return self._tree_id(ours)
        if theirs is not None and ours == fork:
            return self._tree_id(theirs)
        before, mine, other = self.tree(fork), self.tree(ours), self.tree(theirs)
        if (before.keys() - mine.keys()) | (before.keys() - other.keys()):
            return None
        merged: Tree = {}
        for name in mine.keys() | other.keys():
            entries = before.get(name), mine.get(name), other.get(name)
            was, ours_now, theirs_now = entries
            if ours_now is not None and theirs_now in (ours_now, was):
                merged[name] = ours_now
            elif theirs_now is not None and ours_now == was:
                merged[name] = theirs_now
            elif all(entry is None or entry[0] == FOLDER for entry in entries):
                inside = self.plain_merge(*(entry and entry[1] for entry in entries))
                if inside is None:
                    return None
                merged[name] = (FOLDER, inside)
            else:
                return None
        return self.write_tree(merged)

    def _tree_id(self, name: str) -> str:
        found = self.ask(f"{name}^{{tree}}")
        assert found is not None, name
        return found.sha

    def _file(self, sha: str) -> Path:
        return self._path / "objects" / sha[:2] / sha[2:]

    def _peeled(self, sha: str, kind: str | None) -> GitObject | None:
        found = self._known.get(sha) or self._loose(sha) or self._ask(sha)
        if found is None or kind in (None, found.type):
            return found
        if found.type not in ("tag", "commit"):
            return None
        target = found.body.partition(b"\n")[0].decode().split(" ")[1]
        return self._peeled(target, kind)

    def _loose(self, sha: str) -> GitObject | None:
        try:
            data = zlib.decompress(self._file(sha).read_bytes())
        except FileNotFoundError:
            return None
        head, _, body = data.partition(b"\0")
        found = GitObject(sha, head.split(b" ")[0].decode(), body)
        self._known[sha] = found
        return found

    def _ask(self, expression: str) -> GitObject | None:
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
            return GitObject(sha.decode(), kind.decode(), body)

    def _start(self) -> subprocess.Popen[bytes]:
        command = ["git", f"--git-dir={self._path}", "cat-file", "--batch"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    # Reading to the end would never end in a fork of a test's process, whose parent keeps the pipe open.
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()
    process.wait()


def _entries(body: bytes) -> Iterator[tuple[str, str, str]]:
    """Yields (mode, name, sha) of what is in a tree."""
    while body:
        mode_name, _, rest = body.partition(b"\0")
        mode, _, name = mode_name.decode().partition(" ")
        yield mode, name, rest[:20].hex()
        body = rest[20:]
