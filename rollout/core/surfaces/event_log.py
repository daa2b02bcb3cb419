"""Counts reason codes in a runtime-events log: JSON lines, appended for ever, sometimes rotated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from rollout.core.observation import MAX_COUNTERS, LogCursor
from rollout.core.surfaces.payload import (
    MalformedError,
    a_list,
    an_object,
    decode,
    is_identifier,
)

HEAD_BYTES = 4096
"""How much of a log's beginning identifies it."""
MAX_LINE = 1024 * 1024
"""Bytes; a longer line is unreadable and is never held in memory whole."""

ReadFrom = Callable[[int], Iterable[bytes]]
"""Byte offset -> the lines from there on with their line ends; a long line may come in pieces."""


@dataclass(frozen=True)
class LogCount:
    """Totals so far, in the cursor to go on from, and why they cannot be believed this time."""

    cursor: LogCursor
    unknown: str | None = None


def count_log(read_from: ReadFrom, cursor: LogCursor | None, head: bytes) -> LogCount:
    """Go on counting where the cursor stands, or at the beginning when the log is another or was cut.

    `head` holds the log's first bytes, up to HEAD_BYTES. Totals go on over rotations; a half-written
    last line waits for the next time; an unreadable whole line makes this one count unknown.
    Whatever `read_from` raises passes through.
    """
    totals = dict(cursor.totals) if cursor else {}
    offset = cursor.offset if cursor and _is_same_log(read_from, cursor, head) else 0
    unreadable = 0
    for size, line in _whole_lines(read_from(offset)):
        offset += size
        unreadable += not _add(line, totals)
    return LogCount(_cursor(offset, head, totals), _why_unknown(unreadable, totals))


def _is_same_log(read_from: ReadFrom, cursor: LogCursor, head: bytes) -> bool:
    beginning = head[: cursor.head_bytes]
    if len(beginning) < cursor.head_bytes or sha256(beginning).hexdigest() != cursor.head_sha256:
        return False
    # the last counted byte ended a line; anything else there, or nothing, means that the log was cut
    return cursor.offset == 0 or next(iter(read_from(cursor.offset - 1)), b"") == b"\n"


def _cursor(offset: int, head: bytes, totals: dict[str, int]) -> LogCursor:
    counted = head[: min(offset, HEAD_BYTES)]
    return LogCursor(
        offset=offset, head_bytes=len(counted), head_sha256=sha256(counted).hexdigest(), totals=totals
    )


def _why_unknown(unreadable: int, totals: dict[str, int]) -> str | None:
    if unreadable:
        return f"{unreadable} unreadable line{'s' if unreadable > 1 else ''} in the events log"
    if len(totals) >= MAX_COUNTERS:
        return f"the events log has {MAX_COUNTERS} or more different reason codes"
    return None


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """(size, line) of each line that has its end; None for a line that is too long to look at."""
    size = 0
    held: bytes | None = b""
    for piece in pieces:
        size += len(piece)
        held = held + piece if held is not None and size <= MAX_LINE else None
        if piece.endswith(b"\n"):
            yield size, held
            size, held = 0, b""


def _add(line: bytes | None, totals: dict[str, int]) -> bool:
    """Count the line's codes; False when it cannot be read. A blank line has none."""
    if line is None:
        return False
    if not line.strip():
        return True
    try:
        codes = a_list(an_object(decode(line), "the line").get("reason_codes"), "reason_codes")
    except MalformedError:
        return False
    if not all(isinstance(code, str) for code in codes):
        return False
    for code in codes:
        if code in totals or (is_identifier(code) and len(totals) < MAX_COUNTERS):
            totals[code] = totals.get(code, 0) + 1
    return True
