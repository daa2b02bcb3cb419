"""Finds and opens files below a folder that somebody may be changing: no link is ever followed by the system.

A path is walked one folder at a time, each opened from the one before, so whatever is put in its place
meanwhile is either what is read or an error, never a way out.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rollout.core.evidence_index import pattern_parts

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_MAGIC = re.compile(r"[*?\[]")
_MAX_DEPTH = 40
_EVERYTHING = "**"
OUTSIDE = "a link that leads out of the product's folder"


@dataclass(frozen=True)
class WalkEntry:
    path: str
    """Below the root, `/` between its parts."""
    refused: str = ""
    """Why it must not be opened."""


class TooManyError(Exception):
    """The globs lead through more than anybody would call evidence."""


class SafeWalk:
    """`root` is a real path, `visits` how many names it may look at in all."""

    def __init__(self, root: Path, visits: int) -> None:
        self._root = root
        self._visits = visits

    def find(self, pattern: str) -> list[WalkEntry]:
        """Returns what a glob finds, sorted, with the reason where it must not be read.
        Raises TooManyError.
        """
        found: dict[str, WalkEntry] = {}
        with self._folder(()) as root:
            for one in self._below(root, (), pattern_parts(pattern)):
                found.setdefault(one.path, one)
        return [found[path] for path in sorted(found)]

    @contextmanager
    def open(self, path: str) -> Iterator[int]:
        """Yields a descriptor of the regular file. Raises OSError."""
        *folders, name = path.split("/")
        with self._folder(tuple(folders)) as folder:
            descriptor = os.open(name, _FILE, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("not a regular file")
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _folder(self, parts: tuple[str, ...]) -> Iterator[int]:
        descriptor = os.open(self._root, _FOLDER)
        try:
            for part in parts:
                deeper = os.open(part, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor
        finally:
            os.close(descriptor)

    def _below(self, folder: int, at: tuple[str, ...], pattern: list[str]) -> Iterator[WalkEntry]:
        if len(at) > _MAX_DEPTH:
            return
        first, rest = pattern[0], pattern[1:]
        if first != _EVERYTHING:
            for name in self._names(folder, first):
                yield from self._at(folder, (*at, name), rest)
            return
        yield from self._below(folder, at, rest or ["*"])
        for name in self._names(folder, "*"):
            if stat.S_ISDIR(_mode(folder, name)):
                yield from self._into(folder, (*at, name), pattern)

    def _names(self, folder: int, part: str) -> list[str]:
        if not _MAGIC.search(part):
            return [part]
        try:
            names = os.listdir(folder)
        except OSError:
            return []
        self._visits -= len(names)
        if self._visits < 0:
            raise TooManyError
        return sorted(name for name in names if fnmatchcase(name, part))

    def _at(self, folder: int, at: tuple[str, ...], rest: list[str]) -> Iterator[WalkEntry]:
        """Yields what is at that place, `rest` being what the pattern still wants below it."""
        mode = _mode(folder, at[-1])
        if stat.S_ISLNK(mode):
            yield from self._behind_link(at, rest)
        elif rest:
            if stat.S_ISDIR(mode):
                yield from self._into(folder, at, rest)
        elif mode and not stat.S_ISDIR(mode):
            yield WalkEntry("/".join(at), "" if stat.S_ISREG(mode) else "not a regular file")

    def _into(self, folder: int, at: tuple[str, ...], pattern: list[str]) -> Iterator[WalkEntry]:
        try:
            deeper = os.open(at[-1], _FOLDER, dir_fd=folder)
        except OSError:
            return
        try:
            yield from self._below(deeper, at, pattern)
        finally:
            os.close(deeper)

    def _behind_link(self, at: tuple[str, ...], rest: list[str]) -> Iterator[WalkEntry]:
        """Walks to where a link leads by its real path, so that nothing is read twice under two names."""
        real = Path(os.path.realpath(self._root.joinpath(*at)))
        if not real.is_relative_to(self._root) or real == self._root:
            yield WalkEntry("/".join(at), OUTSIDE)
            return
        parts = real.relative_to(self._root).parts
        try:
            with self._folder(parts if rest else parts[:-1]) as folder:
                if rest:
                    yield from self._below(folder, parts, rest)
                elif not stat.S_ISLNK(_mode(folder, parts[-1])):
                    yield from self._at(folder, parts, [])
        except OSError:
            return


def _mode(folder: int, name: str) -> int:
    """Returns the kind of what is there; 0 for nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return 0
