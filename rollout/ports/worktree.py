"""The files that a person edits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Worktree(Protocol):
    """The files that a person edits, committed or not. Paths are relative to the repository's root."""

    def exists(self, path: str) -> bool: ...

    def read(self, path: str) -> bytes:
        """Raises InputError when the file is not there or not a file."""

    def contracts(self) -> tuple[str, ...]:
        """Returns every `state/*/contract.yaml`, sorted."""

    def tags(self) -> tuple[str, ...]:
        """Returns names of the repository's tags."""

    def write(self, files: Mapping[str, str]) -> None:
        """Writes the files, in the place of those that are there. Raises RefusedError as `write_new`."""

    def write_new(self, files: Mapping[str, str]) -> None:
        """Writes all of the files or, when one of them exists (RefusedError) or cannot be written, none."""
