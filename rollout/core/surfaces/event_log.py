"""Counts reason codes in a runtime-events log: JSON lines, appended indefinitely, sometimes rotated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from rollout.core.observation import MAX_COUNTERS, LogCursor
from rollout.core.surfaces.payload import (
    MalformedError,
    a_list,
    an_object,
    decode,
    hides_something,
    is_identifier,
)

HEAD_BYTES = 4096
"""How much of a log's beginning identifies it."""
MAX_LINE = 1024 * 1024
"""Bytes; a longer line is unreadable and is never held in memory whole."""

MOST_ROTATED = 9
"""How many rotated files are looked through."""
_LOST = "the events log was rotated, and what it held since the last reading is nowhere to be found"
_UNSURE = (
    "the events log is another file that begins like the one before, so that nobody can tell whether"
    " it was rotated: its first lines have to state their time"
)
_MOMENT = re.compile(rb"\b[1-9]\d{9}(?:\d{3}){0,3}\b|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
"""A time as logs write it: since 1970 in seconds or a smaller unit, or ISO 8601."""

ReadFrom = Callable[[int], Iterable[bytes]]
"""Byte offset -> the lines from there on with their line ends; a long line may come in pieces."""


@dataclass(frozen=True)
class LogFile:
    """One file of a log: the one that is written to, or one that was rotated away."""

    read_from: ReadFrom
    head: bytes
    """Its first bytes, up to HEAD_BYTES."""
    inode: int | None = None


@dataclass(frozen=True)
class LogCount:
    """Totals so far, in the cursor to go on from, and why they cannot be believed this time."""

    cursor: LogCursor
    unknown: str | None = None


def count_log(log: LogFile, cursor: LogCursor | None, rotated: Iterable[LogFile] = ()) -> LogCount:
    """Goes on counting where the cursor stands, or at the beginning when there is none.

    When the log is another file now, or was cut, what it held since the last reading is counted in the
    `rotated` files (newest first, opened as needed). Where none of them is the file of the cursor, that much
    is lost, and this one count is unknown. So it is where nobody can tell whether the log is another file.
    Totals go on over rotations; a half-written last line waits for the next time; an unreadable whole line
    makes this one count unknown. Whatever reading raises passes through.
    """
    totals = dict(cursor.totals) if cursor else {}
    offset, problems = _resume(cursor, log, rotated, totals) if cursor else (0, [])
    size, unreadable, _ = _count(log.read_from(offset), totals)
    problems += _unreadable(unreadable)
    if len(totals) >= MAX_COUNTERS:
        problems = [f"the events log has {MAX_COUNTERS} or more different reason codes"]
    return LogCount(_cursor(offset + size, log, totals), "; ".join(problems) or None)


def _resume(
    cursor: LogCursor, log: LogFile, rotated: Iterable[LogFile], totals: dict[str, int]
) -> tuple[int, list[str]]:
    """Returns where to go on in the log, once the cursor's file is counted, and what is wrong with that."""
    looks_alike = _holds_counted(cursor, log)
    if looks_alike and (cursor.inode is None or log.inode is None or cursor.inode == log.inode):
        return cursor.offset, []
    unreadable = _count_rotated(cursor, rotated, totals)
    if unreadable is not None:
        return 0, _unreadable(unreadable)
    # Counting the same lines twice would look like new errors, so a log that looks alike is gone on with.
    return (cursor.offset, [_UNSURE]) if looks_alike and cursor.offset > 0 else (0, [_LOST])


def _count_rotated(cursor: LogCursor, rotated: Iterable[LogFile], totals: dict[str, int]) -> int | None:
    """Counts what the log held after the cursor and before its present file.

    How many lines of that are unreadable; None where the cursor's file is not among `rotated`.
    """
    newer: list[LogFile] = []
    for file in rotated:
        if not _is_rotated_from(cursor, file):
            newer.append(file)
            continue
        unreadable = 0
        for each, offset in ((file, cursor.offset), *((later, 0) for later in reversed(newer))):
            _, broken, is_cut = _count(each.read_from(offset), totals)
            unreadable += broken + is_cut  # nobody writes the rest of a line into a rotated file
        return unreadable
    return None


def _is_rotated_from(cursor: LogCursor, file: LogFile) -> bool:
    """Returns whether the rotated file is the one that the cursor stands in."""
    if cursor.inode is None:
        return cursor.offset > 0 and _holds_counted(cursor, file)
    return cursor.inode == file.inode and _holds_counted(cursor, file)


def _holds_counted(cursor: LogCursor, file: LogFile) -> bool:
    """Returns whether the file holds what was counted, as far as that is known."""
    if cursor.offset == 0:
        return True
    beginning = file.head[: cursor.head_bytes]
    if len(beginning) < cursor.head_bytes or sha256(beginning).hexdigest() != cursor.head_sha256:
        return False
    # the last counted byte ended a line; anything else there, or nothing, means that the log was cut
    return next(iter(file.read_from(cursor.offset - 1)), b"") == b"\n"


def _cursor(offset: int, log: LogFile, totals: dict[str, int]) -> LogCursor:
    counted = log.head[: min(offset, HEAD_BYTES)]
    return LogCursor(
        offset=offset,
        head_bytes=len(counted),
        head_sha256=sha256(counted).hexdigest(),
        totals=totals,
        # Lines that state a time tell the file, on any machine and in a run that is repeated.
        inode=None if _MOMENT.search(counted) else log.inode,
    )


def _unreadable(lines: int) -> list[str]:
    return [f"{lines} unreadable line{'s' if lines > 1 else ''} in the events log"] if lines else []


def _count(pieces: Iterable[bytes], totals: dict[str, int]) -> tuple[int, int, bool]:
    """Returns the bytes of whole lines, how many are unreadable, and whether an unfinished line follows."""
    counted = unreadable = 0
    is_cut = False
    for size, line, is_whole in _lines(pieces):
        if is_whole:
            counted += size
            unreadable += not _add(line, totals)
        is_cut = not is_whole
    return counted, unreadable, is_cut


def _lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes | None, bool]]:
    """Yields (size, line, whether it has its end) of each line; None for one that is too long."""
    size = 0
    held: bytes | None = b""
    for piece in pieces:
        size += len(piece)
        held = held + piece if held is not None and size <= MAX_LINE else None
        if piece.endswith(b"\n"):
            yield size, held, True
            size, held = 0, b""
    if size:
        yield size, held, False


def _add(line: bytes | None, totals: dict[str, int]) -> bool:
    """Counts the line's codes; False when it cannot be read. A blank line has none."""
    if line is None:
        return False
    if not line.strip():
        return True
    try:
        codes = a_list(an_object(decode(line), "the line").get("reason_codes"), "reason_codes")
    except MalformedError:
        return False
    if not all(isinstance(code, str) and not hides_something(code) for code in codes):
        return False
    for code in codes:
        if code in totals or (is_identifier(code) and len(totals) < MAX_COUNTERS):
            totals[code] = totals.get(code, 0) + 1
    return True
