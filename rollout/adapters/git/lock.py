"""One holder at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rollout.errors import OutsideError


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds the lock alone; the kernel releases it when its holder is killed.

    What the disk refuses meanwhile is raised as OutsideError.
    """
    try:
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise OutsideError(
            f"{error.filename or file}: {error.strerror}",
            hint="is the disk full, or the repository read-only?",
        ) from error
