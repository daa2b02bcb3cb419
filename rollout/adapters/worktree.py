"""The repository's files as they lie on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from rollout.errors import InputError, OutsideError, RefusedError
from rollout.files.plain_file import opened, write_whole
from rollout.files.yaml_text import MAX_BYTES


class DiskWorktree:
    """Port Worktree over a folder; `list_tags` asks git, when asked."""

    def __init__(self, root: Path, list_tags: Callable[[], Iterable[str]]) -> None:
        self._root = root
        self._list_tags = list_tags

    def exists(self, path: str) -> bool:
        return os.path.lexists(self._root / path)

    def read(self, path: str) -> bytes:
        try:
            with opened(self._root / path) as file:
                return file.read(MAX_BYTES + 1)  # one too many is enough for the reader to refuse it
        except OSError as error:
            hint = "make a train: rollout init" if isinstance(error, FileNotFoundError) else ""
            raise InputError(f"{path}: cannot be read: {error.strerror}", hint=hint, file=path) from error

    def contracts(self) -> tuple[str, ...]:
        return tuple(sorted(path.relative_to(self._root).as_posix() for path in self._root.glob(_CONTRACTS)))

    def tags(self) -> tuple[str, ...]:
        return tuple(self._list_tags())

    def write_new(self, files: Mapping[str, str]) -> None:
        for path in files:
            if self.exists(path):
                raise RefusedError(f"{path} is there already", hint=_CHOOSE_ANOTHER, file=path)
            self._refuse_to_leave(path)
        written: list[Path] = []
        for path, text in files.items():
            try:
                _write_new(self._root / path, text)
                written.append(self._root / path)
            except OSError as error:
                for each in written:
                    with suppress(OSError):
                        each.unlink()
                raise OutsideError(f"cannot write {path}: {error.strerror}", hint=_TRY_AGAIN) from error

    def write(self, files: Mapping[str, str]) -> None:
        for path in files:
            self._refuse_to_leave(path)
        for path, text in files.items():
            try:
                (self._root / path).parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._root / path, text.encode())
            except OSError as error:
                raise OutsideError(f"cannot write {path}: {error.strerror}", hint=_RUN_AGAIN) from error

    def _refuse_to_leave(self, path: str) -> None:
        if not (self._root / path).resolve().is_relative_to(self._root.resolve()):
            raise RefusedError(f"{path} leads out of the repository", hint=_NO_LINKS, file=path)


_CONTRACTS = "state/*/contract.yaml"
_CHOOSE_ANOTHER = "nothing was written; remove it first, or choose another --train"
_NO_LINKS = "nothing was written; a folder on the way is a link"
_RUN_AGAIN = "files before it are written; make room or fix the permissions, and run it again"
_TRY_AGAIN = "nothing was written; make room or fix the permissions, and try again"


def _write_new(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink()
            raise
