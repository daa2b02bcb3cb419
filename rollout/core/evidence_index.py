"""What was captured of the product before any clean-up: the index of an incident's evidence.

It crosses from the side that runs product code to the side that may write, so all of it is bounded.
"""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Annotated

from pydantic import Field

from rollout.core.text import escape, whole
from rollout.core.values import Instant, Line, Model

MAX_NAME = 500
"""Characters of a path in the index."""
MAX_CAPTURED = 200
"""Entries of one index."""
MAX_BODY = 256 * 1024
"""Bytes of one body that may go into git."""
MAX_BODIES = 256 * 1024
"""Bytes of all bodies of one index together: they are part of the incident, and GitHub's API gives no larger
file of state whole."""
_BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"

NOT_COPIED = "read and not copied"
"""What a step says of files of which only digests were taken."""


class CaptureState(StrEnum):
    TAKEN = "taken"
    MISSING = "missing"
    """Nothing is there; the path is the glob."""
    REFUSED = "refused"
    """It is there and was left alone."""


class EvidenceEntry(Model):
    """One file, or one glob that found none."""

    path: Line
    """Below the product's folder, as `name_of` writes it."""
    state: CaptureState
    at: Instant
    """When it was read, or looked for."""
    bytes: int | None = Field(default=None, ge=0, le=2**63 - 1)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    why: Line = ""
    """Why it was refused, or has no body though the contract asks for one; the name of its copy where that
    differs."""
    body: Annotated[str, Field(max_length=4 * (MAX_BODY // 3 + 1), pattern=_BASE64)] | None = None
    """All its bytes in base64, where `rollback.evidence_in_git` asks for them."""


def name_of(path: str) -> str:
    r"""Returns one line that stands for that path and for no other, and that cleaning leaves as it is.

    Bytes that are no UTF-8 (lone surrogates in Python's names) become `\xNN`, characters that are not seen
    `\uNNNN`, a backslash two of them; so do spaces that a line would lose. A path too long for the index is
    cut, and ends in its digest.
    """
    name = "".join(_seen(char, path, at) for at, char in enumerate(path))
    if len(name) <= MAX_NAME:
        return name
    end = f"~{digest_of(path)}"
    return name[: MAX_NAME - len(end)].rstrip() + end


def digest_of(name: str) -> str:
    """Returns the first figures of the name's sha256: tells names apart where the names themselves cannot be
    kept.
    """
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _seen(char: str, path: str, at: int) -> str:
    if char == "\\":
        return "\\\\"
    if char == " ":
        is_lost = at in (0, len(path) - 1) or path[at - 1] == " "
        return "\\x20" if is_lost else char
    if char.isprintable():
        return char
    byte = whole(char)
    return byte if byte != char else escape(char)


def in_words(index: Sequence[EvidenceEntry], *, copied: bool) -> str:
    """Returns `7 captured, 1 missing, 1 refused`; `7 read and not copied` where only digests were taken."""
    counts = [(sum(one.state is state for one in index), state) for state in CaptureState]
    words = {CaptureState.TAKEN: "captured" if copied else NOT_COPIED}
    return ", ".join(f"{count} {words.get(state, state)}" for count, state in counts if count) or "nothing"


def path_matches(path: str, pattern: str) -> bool:
    """Returns whether a glob of the contract names that path; `**` stands for any folders, and at its end for
    all that is below."""
    return _parts_match(path.split("/"), pattern_parts(pattern))


def pattern_parts(pattern: str) -> list[str]:
    return [part for part in pattern.split("/") if part not in ("", ".")]


def _parts_match(path: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        rest = pattern[1:] or ["*"]
        return any(_parts_match(path[skipped:], rest) for skipped in range(len(path)))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _parts_match(path[1:], pattern[1:])
