"""The product's checkout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollout.core.contract import Surface
from rollout.core.evidence_index import EvidenceEntry


@dataclass(frozen=True)
class Reading:
    """What a surface's command printed or its file holds; `error` set means it could not be read."""

    payload: bytes
    updated_at: datetime
    """When the command ended, or the file's modification time."""
    error: str = ""
    missing: bool = False
    """The error is that there is no such file."""
    failure: Failure | None = None
    """What the command printed, where it failed."""


@dataclass(frozen=True)
class Failure:
    """What a command printed that failed."""

    excerpt: tuple[str, ...]
    """The error and what follows it: inert lines, a few."""
    output: bytes
    """All of it; of an output too large to keep its beginning and its end."""


@dataclass(frozen=True)
class CommandRun:
    """How a command ended."""

    ok: bool
    detail: str
    """`exit 0`, or what went wrong: an inert line that begins with the error."""
    stdout: bytes
    failure: Failure | None = None
    """What it printed, where it failed."""


@dataclass(frozen=True)
class Checkout:
    """What git says of the product's folder, for evidence to carry."""

    head: str | None
    """The commit that is checked out; None when it is not a git checkout, or has no commit."""
    holds_release: bool | None = None
    """Whether that commit is the release's or one after it; None when the history here does not tell."""
    modified: str | None = None
    """Which tracked files differ from it, or why that cannot be told: an inert line. None: no file does."""


class Worker(Protocol):
    """Carries out what a request asks for."""

    def run(self, command: Sequence[str], workdir: str, timeout: int) -> CommandRun: ...

    def keep(self, name: str, output: bytes) -> str:
        """Keeps what a command printed where the product's evidence goes.

        Returns its path, or why it was left out; nothing where no evidence is kept.
        """

    def capture(self, patterns: Sequence[str], in_git: Sequence[str]) -> tuple[EvidenceEntry, ...]:
        """Returns every file that a glob below the product's folder finds, sorted, and every glob that finds
        none.

        Files are copied to where the product's evidence goes; those that a glob of `in_git` names bring
        their bodies along. What cannot or must not be read is in the index too, with the reason.
        """


class Product(Worker, Protocol):
    """The product's checkout: the only side that runs the contract's commands."""

    def head(self) -> str | None:
        """Returns the commit that is checked out; None when it is not a git checkout."""

    def checkout(self, release: str) -> Checkout:
        """Returns what is checked out, and whether it holds that commit. Never raises;
        None where nobody can tell.
        """

    def read(self, surface: Surface) -> Reading: ...

    def read_file(self, path: str, limit: int) -> Reading:
        """Returns a file below the product's folder, at most `limit` bytes."""

    def log_lines(self, path: str, offset: int) -> Iterator[bytes]:
        """Yields raw lines from that byte on, with their line ends. Raises FileNotFoundError, OSError."""

    def log_head(self, path: str, size: int) -> bytes:
        """Returns the first bytes of the log, at most `size`. Raises FileNotFoundError, OSError."""

    def log_inode(self, path: str) -> int:
        """Returns the number of the log's file on this machine. Raises FileNotFoundError, OSError."""

    def stop(self) -> None:
        """Kills every command that runs and starts no other: a person interrupted."""
