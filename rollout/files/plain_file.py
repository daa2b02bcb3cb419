"""Files that a person names: read without waiting, written whole, never in the place of something else."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_STREAMS = ("/dev/fd/", "/dev/null", "/dev/std", "/proc/")
"""What is open already, such as /dev/stdin, is read and written as it is; /dev/shm holds files."""
_LONGEST_NAME = 200


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Yields a file to read. Raises OSError for a named pipe, device or socket, which could block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode) and not _is_stream(path):
            raise OSError(errno.EINVAL, "is no regular file")
        os.set_blocking(descriptor, True)
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Writes it whole or not at all, through a link; a pipe or a device is written to. Raises OSError."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode) or _is_stream(path):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), "wb") as file:
            file.write(content)
        return
    target = Path(os.path.realpath(path))
    # A name of its own: two writers must not meet in one draft.
    draft = target.with_name(f"{target.name[:_LONGEST_NAME]}.{os.urandom(4).hex()}.part")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def _is_stream(path: Path) -> bool:
    return os.path.abspath(path).startswith(_STREAMS)
