"""Filters of `on:`: GitHub's globs, in order, where a later `!` takes away again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fakehub.entities import Event

_DEFAULT_TYPES = {"pull_request": ("opened", "synchronize", "reopened")}
_SKIPS = re.compile(
    r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|^skip-checks: ?true$", re.MULTILINE
)


def skips_ci(message: str) -> bool:
    """Returns whether a commit with this message starts nothing on push and pull_request."""
    return _SKIPS.search(message) is not None


def matches(event: Event, filters: Mapping[str, Any]) -> bool:
    """Returns whether the filters under an event's name let it through."""
    types = _listed(filters.get("types")) or _DEFAULT_TYPES.get(event.name, ())
    if types and event.action not in types:
        return False
    if event.name == "push":
        return _push_matches(event, filters)
    if event.name == "pull_request":
        return _passes(filters, "branches", [event.branch]) and _passes(filters, "paths", event.paths)
    return True


def _push_matches(event: Event, filters: Mapping[str, Any]) -> bool:
    if event.branch.startswith("refs/tags/"):
        tag = event.branch.removeprefix("refs/tags/")
        only_branches = _has(filters, "branches") and not _has(filters, "tags")
        return not only_branches and _passes(filters, "tags", [tag])
    branch = event.branch.removeprefix("refs/heads/")
    if _has(filters, "tags") and not _has(filters, "branches"):
        return False
    return _passes(filters, "branches", [branch]) and _passes(filters, "paths", event.paths)


def _has(filters: Mapping[str, Any], name: str) -> bool:
    return name in filters or f"{name}-ignore" in filters


def _passes(filters: Mapping[str, Any], name: str, values: Sequence[str]) -> bool:
    """Returns whether any of the values passes; every value has to be ignored for `-ignore` to hold."""
    if name in filters:
        return any(selected(value, _listed(filters[name])) for value in values)
    if f"{name}-ignore" in filters:
        return not all(selected(value, _listed(filters[f"{name}-ignore"])) for value in values)
    return True


def selected(value: str, patterns: Iterable[str]) -> bool:
    """Returns whether it is selected: the last pattern that matches decides."""
    chosen = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if _regex(pattern.removeprefix("!")).fullmatch(value):
            chosen = not negated
    return chosen


def _regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\+|\[[^\]]*\])", pattern)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}
    return re.compile(
        "".join(words.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts)
    )


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)
