"""Captures files of the product before any clean-up: copied, digested, and secrets left alone."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from rollout.adapters.safe_walk import SafeWalk, TooManyError, WalkEntry
from rollout.adapters.secrets import SecretScan, secret_name
from rollout.core.evidence_index import (
    MAX_BODIES,
    MAX_BODY,
    MAX_CAPTURED,
    CaptureState,
    EvidenceEntry,
    digest_of,
    name_of,
    path_matches,
)
from rollout.core.text import inert
from rollout.files.plain_file import opened

_CHUNK = 256 * 1024
_LONGEST = 200
"""Characters of a name, before what tells it from others."""
# An artifact's upload refuses some characters in names, and what remains has to mean nothing to any system.
_UNSAFE = re.compile(r"[^\w.+@=,~ -]", re.ASCII)


@dataclass(frozen=True)
class Limits:
    """How much is captured at most; what is over is in the index, refused."""

    file: int = 64 * 1024 * 1024
    """Bytes of one file."""
    all: int = 512 * 1024 * 1024
    """Bytes of all files together."""
    visits: int = 50_000
    """Names that the globs may lead past."""


_OUTPUTS = "command-output"
"""The folder, among what was captured, of what commands printed."""


def keep_output(into: Path, name: str, output: bytes) -> str:
    """Writes what a command printed, unless it looks like a secret; returns its path, or why not."""
    if secret := SecretScan().look(output):
        return f"left out, because it looks like a secret: {secret}"
    place = into / _OUTPUTS / f"{_safe(name)}.txt"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(output)
    except OSError as error:
        return f"left out: {_why(error)}"
    return str(place)


class RefusedFileError(Exception):
    """A file that is left alone, and why."""


class Capturer:
    """One capture, below `root`; copies go below `into`, nowhere when it is None."""

    def __init__(
        self, root: Path, into: Path | None, now: Callable[[], datetime], limits: Limits | None = None
    ) -> None:
        self._walk = SafeWalk(root, (limits or Limits()).visits)
        self._into = into
        self._now = now
        self._limits = limits or Limits()
        self._places: set[str] = set()
        self._read = 0
        self._bodies = 0

    def capture(self, patterns: Sequence[str], in_git: Sequence[str]) -> tuple[EvidenceEntry, ...]:
        """Implements the `Product` port; the index ends at MAX_CAPTURED entries, and the last one says so."""
        found: dict[str, WalkEntry] = {}
        index: list[EvidenceEntry] = []
        for pattern in dict.fromkeys(patterns):
            try:
                here = self._walk.find(pattern)
            except (TooManyError, OSError) as error:
                why = "leads past too many files" if isinstance(error, TooManyError) else _why(error)
                index.append(self._refused(pattern, why))
                continue
            found.update((one.path, one) for one in here)
            if not here:
                index.append(EvidenceEntry(path=name_of(pattern), state=CaptureState.MISSING, at=self._now()))
        room = max(0, MAX_CAPTURED - 1 - len(index))
        paths = sorted(found)
        index += [self._entry(found[path], in_git) for path in paths[:room]]
        index.sort(key=lambda entry: entry.path)
        if len(paths) > room:
            index = index[: MAX_CAPTURED - 1]
            index.append(self._refused("...", f"{len(paths) - room} more files, over the limit of the index"))
        return tuple(index[:MAX_CAPTURED])

    def _entry(self, found: WalkEntry, in_git: Sequence[str]) -> EvidenceEntry:
        named = secret_name(found.path)
        why = found.refused or (f"looks like a secret: {named}" if named else "")
        if why:
            return self._refused(found.path, why)
        wants_body = any(path_matches(found.path, pattern) for pattern in in_git)
        try:
            with self._walk.open(found.path) as descriptor:
                return self._taken(found.path, descriptor, wants_body=wants_body)
        except (OSError, RefusedFileError) as error:
            return self._refused(found.path, _why(error))

    def _taken(self, path: str, descriptor: int, *, wants_body: bool) -> EvidenceEntry:
        if self._into is None:
            return self._read_through(path, descriptor, None, wants_body=wants_body)
        parts = self._place(path)
        place = self._into.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        with _draft(place) as (draft, copy):
            taken = self._read_through(path, descriptor, copy, wants_body=wants_body)
            copy.close()
            kept = _keep(draft, place, taken.sha256 or "")
        name = "/".join((*parts[:-1], kept.name))
        if name == path:
            return taken
        why = f"copied as {name if len(name) <= _LONGEST else f'...{name[-_LONGEST:]}'}"
        return taken.model_copy(update={"why": f"{taken.why}; {why}" if taken.why else why})

    def _read_through(
        self, path: str, descriptor: int, copy: BinaryIO | None, *, wants_body: bool
    ) -> EvidenceEntry:
        size, at = os.fstat(descriptor).st_size, self._now()
        if size > self._limits.file:
            raise RefusedFileError(f"larger than {self._limits.file} bytes")
        if self._read + size > self._limits.all:
            raise RefusedFileError(f"all files together are larger than {self._limits.all} bytes")
        digest, scan, body, length = hashlib.sha256(), SecretScan(), bytearray(), 0
        for chunk in _chunks(descriptor, size):
            if secret := scan.look(chunk):
                raise RefusedFileError(f"looks like it holds a secret: {secret}")
            digest.update(chunk)
            length += len(chunk)
            if copy is not None:
                copy.write(chunk)
            if wants_body and length <= MAX_BODY:
                body += chunk
        self._read += length
        kept, why = self._body(bytes(body), length) if wants_body else (None, "")
        return EvidenceEntry(
            path=name_of(path),
            state=CaptureState.TAKEN,
            at=at,
            bytes=length,
            sha256=digest.hexdigest(),
            why=why,
            body=kept,
        )

    def _body(self, body: bytes, length: int) -> tuple[str | None, str]:
        """Returns the body for git, or why there is none."""
        if length > MAX_BODY:
            return None, f"not in git: larger than {MAX_BODY} bytes"
        if self._bodies + length > MAX_BODIES:
            return None, f"not in git: all bodies together are larger than {MAX_BODIES} bytes"
        self._bodies += length
        return base64.b64encode(body).decode("ascii"), ""

    def _refused(self, path: str, why: str) -> EvidenceEntry:
        return EvidenceEntry(path=name_of(path), state=CaptureState.REFUSED, at=self._now(), why=inert(why))

    def _place(self, path: str) -> tuple[str, ...]:
        """Returns where the copy goes: a path of its own, even where case is ignored."""
        parts = [_safe(part) for part in path.split("/")]
        if parts[0].casefold() == _OUTPUTS or "/".join(parts).casefold() in self._places:
            parts = [*parts[:-1], f"{parts[-1][:_LONGEST]}~{digest_of(path)}"]
        if parts[0].casefold() == _OUTPUTS:
            parts[0] = f"_{parts[0]}"
        self._places.add("/".join(parts).casefold())
        return tuple(parts)


@contextmanager
def _draft(place: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Yields a new file beside `place`, and deletes it at the end if it is still there."""
    draft = place.with_name(f"{digest_of(place.name)}.{os.urandom(4).hex()}.part")
    try:
        with draft.open("xb") as file:
            yield draft, file
    finally:
        draft.unlink(missing_ok=True)


def _keep(draft: Path, place: Path, sha256: str) -> Path:
    """Moves the copy to `place`, or to a name that ends in its digest where other bytes lie there.

    Returns where these bytes lie now. Raises RefusedFileError where no name is free.
    """
    named = (place.with_name(f"{place.name}~{sha256[:figures]}") for figures in (12, 24))
    for free in (place, *named):
        try:
            free.open("xb").close()  # a name that two captures want at once belongs to one of them
        except FileExistsError:
            if _holds(free, sha256):
                return free
            continue
        draft.replace(free)
        return free
    raise RefusedFileError("copies with other bytes are in its place")


def _holds(place: Path, sha256: str) -> bool:
    digest = hashlib.sha256()
    try:
        with opened(place) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == sha256


def _chunks(descriptor: int, size: int) -> Iterator[bytes]:
    """Yields what the file held when it was opened: it may grow, or be cut, while it is read."""
    while size > 0 and (chunk := os.read(descriptor, min(size, _CHUNK))):
        size -= len(chunk)
        yield chunk


def _safe(part: str) -> str:
    """Returns a name that every system can hold; one that had to change for that ends in its digest."""
    name = _UNSAFE.sub("_", part)
    name = name if name.strip(". ") else f"_{name}"
    return name if name == part and len(name) <= _LONGEST else f"{name[:_LONGEST]}~{digest_of(part)}"


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
