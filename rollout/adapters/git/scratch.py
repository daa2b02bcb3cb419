"""A repository to work something out in: nothing of the product's or a person's configuration acts in it.

Hooks, filters, merge drivers and attributes of a repository are code and settings of whoever can write to it.
None of them is here, and the side that decides runs no product code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rollout.adapters.git.process import TOOL_IDENTITY, usual_environment
from rollout.adapters.git.repository import Git, Layout

_KEPT = ("GIT_EXEC_PATH", "GIT_SSL_")
_CONFIG = """[core]
	repositoryformatversion = 1
	bare = true
	attributesFile = /dev/null
[extensions]
	objectFormat = {}
[gc]
	auto = 0
[http]
	lowSpeedLimit = 1000
	lowSpeedTime = 30
"""


@contextmanager
def scratch(
    more: Mapping[str, str] | None = None, *, beside: Git | None = None, below: Path | None = None
) -> Iterator[Git]:
    """Yields an empty bare repository, deleted afterwards, with the objects of `beside` if there is one.

    `more` is added to git's environment, in which nothing of a person's configuration is left.
    It lies `below` a folder, the system's for temporary ones when None. Raises OutsideError.
    """
    with TemporaryDirectory(prefix="rollout-", dir=below) as folder:
        home = Path(folder)
        _make(home, _format(beside))
        if beside is not None:
            _borrow(home, beside)
        git = Git(home, {**_isolated(), **(more or {})}, layout=Layout(home, home))
        try:
            yield git
        finally:
            git.close()


def _make(home: Path, object_format: str) -> None:
    """Leaves what `git init --bare` leaves, without a process."""
    for name in ("objects", "refs"):
        (home / name).mkdir()
    (home / "HEAD").write_text("ref: refs/heads/scratch\n", encoding="utf-8")
    (home / "config").write_text(_CONFIG.format(object_format), encoding="utf-8")


def hand_over(commit: str, of: Git, to: Git, *, known: str) -> None:
    """Puts a commit, and all that `known` does not have of it, into another repository's objects."""
    wanted = f"{commit}\n^{known}\n".encode()
    pack = of.runner.feed("pack-objects", "--revs", "--stdout", "-q", stdin=wanted)
    to.runner.feed("unpack-objects", "-q", stdin=pack)


def _isolated() -> dict[str, str]:
    kept = {
        name: value
        for name, value in usual_environment().items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    return {
        **kept,
        **TOOL_IDENTITY,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
    }


def _format(git: Git | None) -> str:
    head = git.read("HEAD") if git else None
    return "sha256" if head and len(head.id) == 64 else "sha1"


def _borrow(home: Path, other: Git) -> None:
    alternates = home / "objects" / "info" / "alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    alternates.write_bytes(os.fsencode(other.common_dir / "objects") + b"\n")
    cut = other.common_dir / "shallow"
    if cut.exists():
        (home / "shallow").write_bytes(cut.read_bytes())
