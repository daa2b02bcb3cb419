"""What git writes and reads: objects, trees, and its log."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from typing import IO, NamedTuple

from rollout.core.state import CommitMessage
from rollout.core.text import inert
from rollout.core.values import from_unix
from rollout.ports import LoggedCommit

FILE, PROGRAM, FOLDER, LINK = "100644", "100755", "40000", "120000"
_GONE = "000000"
_TRAILER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*): *(.*)")
_NO_TRAILER = "(cherry picked from commit "
"""What git adds to trailers, and is none."""
_SKIP_CI = "[skip ci]"
_LONGEST_LINE = 500
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
"""Compiled when a commit is made: that takes milliseconds, and most commands make none."""


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


def mode_text(mode: int) -> str:
    """Returns a file mode that was read as a number, as git prints it: 33188 is 100644."""
    return f"{mode:06o}"


class Merge(NamedTuple):
    tree: str
    conflicts: tuple[str, ...]
    """Paths, sorted; the tree is of use only when there is none."""


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


def log_entries(tokens: Iterator[str]) -> Iterator[LoggedCommit]:
    """Parses a log: each commit is an empty token, its fields, then its changes, the first after a line
    break.

    A change is `:OLD-MODE NEW-MODE OLD-ID NEW-ID LETTER`, then the path.
    """
    next(tokens, None)
    while len(fields := list(islice(tokens, 6))) == 6:
        commit, parents, seconds, author, subject, body = fields
        changes = [token.removeprefix("\n") for token in takewhile(bool, tokens)]
        modes = dict(zip(changes[1::2], (change.split(" ", 2)[1] for change in changes[::2]), strict=True))
        yield LoggedCommit(
            commit=commit,
            parents=tuple(parents.split()),
            at=from_unix(int(seconds or 0)),
            author=author,
            subject=subject,
            trailers=trailers(body),
            paths=tuple(modes),
            modes={path: mode for path, mode in modes.items() if mode not in (FILE, _GONE)},
        )


def trailers(message: str) -> dict[str, str]:
    """Returns the trailers of a commit's message: its last paragraph, where that holds nothing else.

    Read here and not by git, for which it depends on each person's `trailer.separators` and
    `core.commentChar`. A key that is given twice has all of its values, so that no value hides another.
    """
    *others, last = re.split(r"\n[ \t\r]*\n", message.strip("\n"))
    if not others:
        return {}
    found: dict[str, str] = {}
    key = ""
    for line in last.splitlines():
        trailer = _TRAILER.fullmatch(line.rstrip())
        if trailer:
            key, value = trailer.groups()
            before = found.get(key, value)
            found[key] = value if before == value else f"{before}, {value}"
        elif key and line[:1] in (" ", "\t"):
            found[key] = f"{found[key]} {line.strip()}"
        elif not line.startswith(_NO_TRAILER):
            return {}
    return found


def message_text(message: CommitMessage, *, skips_ci: bool = False) -> str:
    """Returns subject, body and trailers as git stores them; no text in it can pose as a trailer.

    With `skips_ci`, a quiet one says `[skip ci]`.
    """
    body = re.sub(_CONTROL, "", message.body.replace("\r\n", "\n")).strip()
    named = "\n".join(f"{key}: {inert(value, _LONGEST_LINE)}" for key, value in message.trailers)
    skip = _SKIP_CI if skips_ci and message.quiet else ""
    parts = (inert(message.subject, _LONGEST_LINE), body, skip, named)
    return "\n\n".join(part for part in parts if part) + "\n"
