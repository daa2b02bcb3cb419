"""A worktree in memory."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from rollout.errors import InputError, RefusedError


class FakeWorktree:
    def __init__(self, files: Mapping[str, str] | None = None, tags: tuple[str, ...] = ()) -> None:
        self.files = dict(files or {})
        self._tags = tags

    def exists(self, path: str) -> bool:
        return path in self.files

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise InputError(f"{path}: cannot be read: No such file or directory", file=path)
        return self.files[path].encode()

    def contracts(self) -> tuple[str, ...]:
        return tuple(sorted(path for path in self.files if fnmatchcase(path, "state/*/contract.yaml")))

    def tags(self) -> tuple[str, ...]:
        return self._tags

    def write(self, files: Mapping[str, str]) -> None:
        self.files.update(files)

    def write_new(self, files: Mapping[str, str]) -> None:
        for path in files:
            if path in self.files:
                raise RefusedError(f"{path} is there already", file=path)
        self.files.update(files)
