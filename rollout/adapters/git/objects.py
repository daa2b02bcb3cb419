"""New git objects, each in a file of its own as git writes them: one a process would take longer than all."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

from rollout.errors import OutsideError

_ALGORITHMS = {40: "sha1", 64: "sha256"}


class LooseObjects:
    """The folder `objects` of a repository whose ids have `id_length` hexadecimal digits."""

    def __init__(self, folder: Path, id_length: int) -> None:
        self._folder = folder
        self._id_length = id_length

    def add(self, kind: str, body: bytes) -> str:
        """Stores an object, and returns its id. Raises OutsideError when the disk fails."""
        whole, name = _framed(kind, body), object_id(kind, body, self._id_length)
        file = self._folder / name[:2] / name[2:]
        try:
            if not file.exists():
                self._write(file, zlib.compress(whole, 1))
        except OSError as error:
            raise OutsideError(
                f"{file.parent} cannot be written: {error.strerror}",
                hint="is the disk full, or the repository read-only?",
            ) from error
        return name

    def _write(self, file: Path, content: bytes) -> None:
        # As open to others as the folder itself, which git sets up so that several people can share it.
        mode = stat.S_IMODE(self._folder.stat().st_mode)
        with suppress(FileExistsError):
            file.parent.mkdir()
            file.parent.chmod(mode)
        descriptor, draft = tempfile.mkstemp(prefix="tmp_obj_", dir=self._folder)  # `git gc` knows the prefix
        try:
            with open(descriptor, "wb") as written:
                written.write(content)
                os.fchmod(written.fileno(), mode & 0o444)
            os.replace(draft, file)
        except OSError:
            os.unlink(draft)
            raise


def object_id(kind: str, body: bytes, id_length: int) -> str:
    """Returns what git names such an object, in a repository whose ids have `id_length` hexadecimal
    digits.
    """
    return hashlib.new(_ALGORITHMS[id_length], _framed(kind, body), usedforsecurity=False).hexdigest()


def _framed(kind: str, body: bytes) -> bytes:
    return f"{kind} {len(body)}\0".encode() + body
