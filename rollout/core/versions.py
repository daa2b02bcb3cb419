"""Versions as releases carry them: SemVer 2.0, with or without a leading `v`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semver import Version


def parse(text: str) -> Version:
    """Parses `v0.1.5` or `1.0.0-rc.1+build.5`. Raises ValueError, in one line, for anything else."""
    from semver import Version

    try:
        return Version.parse(text.removeprefix("v"))
    except ValueError:
        raise ValueError(f"not a version (write v1.2.3 or 1.2.3-rc.1): {text[:128]!a}") from None


def is_valid(text: str) -> bool:
    """Returns whether `parse` reads it."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def spellings(version: str) -> tuple[str, str]:
    """Returns `v1.2.3` and `1.2.3`, which are one version, as it is written first."""
    bare = version.removeprefix("v")
    return (version, bare if version != bare else f"v{bare}")


def in_order(tags: Iterable[str]) -> tuple[str, ...]:
    """Returns the tags that are versions, oldest first, as they are written."""
    return tuple(sorted(filter(is_valid, tags), key=lambda tag: (parse(tag), tag)))


def newest(tags: Iterable[str]) -> str | None:
    """Returns the tag of highest precedence, as it is written; what is no version is passed over.

    Of tags that differ only in build metadata or a leading `v` the first by name is taken.
    """
    versions = sorted(tag for tag in tags if is_valid(tag))
    return max(versions, key=parse, default=None)
