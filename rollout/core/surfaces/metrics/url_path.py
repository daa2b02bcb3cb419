"""Paths of HTTP answers: placeholders are percent-encoded, and stay inside their part of the path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

from rollout.core.surfaces.metrics.holes import Hole, UnfilledError

_HOLE = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")


def holes(path: str) -> Iterator[Hole]:
    """Yields the placeholders of a path, in order."""
    for found in _HOLE.finditer(path):
        yield Hole(found.start(), found.end(), found["name"], encoded)


def encoded(value: str) -> str:
    """Returns the value percent-encoded. Raises UnfilledError for one that no UTF-8 holds."""
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise UnfilledError("a value is no text that an address can hold") from None


def refuse_steps(path: str) -> str:
    """Returns the path. Raises UnfilledError where a part of it leads to another folder: `.` or `..`."""
    for part in path.partition("?")[0].split("/"):
        if unquote(part) in (".", ".."):
            raise UnfilledError(f"{part} in a path leads elsewhere")
    return path


def mistakes(path: str) -> Iterator[str]:
    """Yields what is wrong with a path of the contract, placeholders aside."""
    try:
        refuse_steps(path)
    except UnfilledError as problem:
        yield str(problem)
    if path.startswith("//"):
        yield "begins with two slashes, which would name another host"
