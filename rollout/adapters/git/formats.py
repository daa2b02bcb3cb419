"""What git writes and reads: objects, trees, and its log."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import IO, NamedTuple

FILE, FOLDER = "100644", "40000"
_GONE = "000000"
TRAILERS = "%(trailers:only=yes,unfold=yes,key_value_separator=%x1f,separator=%x1e)"
"""The log's form of a commit's trailers."""


class GitObject(NamedTuple):
    id: str
    kind: str
    """`commit`, `tree`, `blob` or `tag`."""
    body: bytes


class TreeEntry(NamedTuple):
    mode: str
    id: str

    @property
    def is_folder(self) -> bool:
        return self.mode == FOLDER


class Merge(NamedTuple):
    tree: str
    conflicts: tuple[str, ...]
    """Paths, sorted; the tree is of use only when there is none."""


class LogEntry(NamedTuple):
    commit: str
    parents: tuple[str, ...]
    at: datetime
    author: str
    subject: str
    trailers: Mapping[str, str]
    paths: tuple[str, ...]
    """Changed against the first parent, of those asked for."""
    modes: Mapping[str, str]
    """Path -> mode, of those that are now there and no plain file."""


def tree_entries(tree: GitObject) -> Iterator[tuple[str, TreeEntry]]:
    size, at, body = len(tree.id) // 2, 0, tree.body
    while at < len(body):
        space, end = body.index(b" ", at), body.index(b"\0", at)
        following = end + 1 + size
        yield (
            os.fsdecode(body[space + 1 : end]),
            TreeEntry(body[at:space].decode(), body[end + 1 : following].hex()),
        )
        at = following


def tree_body(entries: Mapping[str, TreeEntry]) -> bytes:
    rows = [(os.fsencode(name), entry) for name, entry in entries.items()]
    rows.sort(key=lambda row: row[0] + b"/" if row[1].is_folder else row[0])
    return b"".join(b"%s %s\0%s" % (e.mode.encode(), name, bytes.fromhex(e.id)) for name, e in rows)


def nul_separated(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := stream.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from (os.fsdecode(each) for each in whole)


def log_entries(tokens: Iterator[str]) -> Iterator[LogEntry]:
    """Each commit is an empty token, its fields, then its changes, the first after a line break.

    A change is `:OLD-MODE NEW-MODE OLD-ID NEW-ID LETTER`, then the path.
    """
    next(tokens, None)
    while len(fields := list(islice(tokens, 6))) == 6:
        commit, parents, seconds, author, subject, trailers = fields
        changes = [token.removeprefix("\n") for token in takewhile(bool, tokens)]
        modes = dict(zip(changes[1::2], (change.split(" ", 2)[1] for change in changes[::2]), strict=True))
        yield LogEntry(
            commit=commit,
            parents=tuple(parents.split()),
            at=datetime.fromtimestamp(int(seconds), UTC),
            author=author,
            subject=subject,
            trailers=dict(_key_and_value(each) for each in trailers.split("\x1e") if each),
            paths=tuple(modes),
            modes={path: mode for path, mode in modes.items() if mode not in (FILE, _GONE)},
        )


def _key_and_value(trailer: str) -> tuple[str, str]:
    key, _, value = trailer.partition("\x1f")
    return key, value
