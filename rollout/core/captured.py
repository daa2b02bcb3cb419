"""What was captured of the product before any clean-up: the index of an incident's evidence.

It crosses from the side that runs product code to the side that may write, so all of it is bounded.
"""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from rollout.core.values import Instant, Line, Model

MAX_CAPTURED = 200
"""Entries of one index."""
MAX_BODY = 256 * 1024
"""Bytes of one body that may go into git."""
MAX_BODIES = 256 * 1024
"""Bytes of all bodies of one index together: they are part of the incident, and GitHub's API gives no larger
file of state whole."""
_BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"


class CaptureState(StrEnum):
    TAKEN = "taken"
    MISSING = "missing"
    """Nothing is there; the path is the glob."""
    REFUSED = "refused"
    """It is there and was left alone."""


class Captured(Model):
    """One file, or one glob that found none."""

    path: Line
    """Below the product's folder."""
    state: CaptureState
    at: Instant
    """When it was read, or looked for."""
    bytes: int | None = Field(default=None, ge=0, le=2**63 - 1)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    why: Line = ""
    """Why it was refused, or why a body that the contract asks for is not here."""
    body: Annotated[str, Field(max_length=4 * (MAX_BODY // 3 + 1), pattern=_BASE64)] | None = None
    """All its bytes in base64, where `rollback.evidence_in_git` asks for them."""


def in_words(index: Sequence[Captured], *, copied: bool) -> str:
    """`7 captured, 1 missing, 1 refused`; `7 read and not copied` where only digests were taken."""
    counts = [(sum(one.state is state for one in index), state) for state in CaptureState]
    words = {CaptureState.TAKEN: "captured" if copied else "read and not copied"}
    return ", ".join(f"{count} {words.get(state, state)}" for count, state in counts if count) or "nothing"


def path_matches(path: str, pattern: str) -> bool:
    """Whether a glob of the contract names that path; `**` stands for any folders, and at its end for all
    that is below."""
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
