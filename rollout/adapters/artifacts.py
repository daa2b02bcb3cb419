"""Evidence in the artifacts that other jobs hand over: zip archives, read in memory and never unpacked.

Whoever runs code on the product's side can put anything into one, so nothing that it says about itself is
believed: not names, sizes or kinds of files. What is no evidence stops the whole reading.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from rollout.core.observation import Evidence
from rollout.core.text import inert
from rollout.errors import InputError
from rollout.files.evidence import MAX_EVIDENCE, parse_evidence

MAX_ARCHIVES = 100
"""One a runner, and nobody has as many."""
MAX_ARCHIVE = 2 * MAX_EVIDENCE + 64 * 1024
"""Bytes: two files of evidence, even if nothing in them could be made smaller."""
_NAMES = ("observation.json", "results.json")
_DEPTHS = (1, 2)
_HINT = "hand over only what collect and perform of this run wrote"


def evidence_in(folder: Path) -> list[Evidence]:
    """Returns what is in the archives of a folder, each in it or one folder deeper; no folder is no evidence.

    Raises InputError for a file that is no archive of evidence: a link, a file of another name, kind or size
    in it, or what `parse_evidence` refuses.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    if len(found) > MAX_ARCHIVES:
        raise InputError(f"{len(found)} artifacts, at most {MAX_ARCHIVES}", hint=_HINT)
    return [evidence for path in found for evidence in _read(path, path.relative_to(folder))]


def _read(path: Path, place: Path) -> list[Evidence]:
    if path.is_symlink() or not path.is_file() or len(place.parts) not in _DEPTHS:
        raise _refusal(place, "not an artifact's archive")
    if path.stat().st_size > MAX_ARCHIVE:
        raise _refusal(place, f"larger than {MAX_ARCHIVE} bytes")
    try:
        with path.open("rb") as file:
            return [parse_evidence(f"{_shown(place)}/{name}", text) for name, text in _files(file, place)]
    except OSError as error:
        raise _refusal(place, error.strerror or str(error)) from error


def _files(file: IO[bytes], place: Path) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check(entries, place)
            return [(entry.filename, _content(archive, entry, place)) for entry in entries]
    # Encrypted is a RuntimeError, an unknown way of compressing NotImplementedError; a header cut off any of
    # the others.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise _refusal(place, f"not a zip archive that can be read: {inert(str(error))}") from error


def _check(entries: list[zipfile.ZipInfo], place: Path) -> None:
    names = [entry.orig_filename for entry in entries]
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if entry.orig_filename not in _NAMES or kind not in (0, stat.S_IFREG):
            raise _refusal(place, f"{inert(entry.orig_filename)}: no such file of evidence is expected")
    if len(set(names)) != len(names):
        raise _refusal(place, "holds a file twice")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path) -> bytes:
    """Unpacks it up to the size limit, whatever size the archive claims."""
    with archive.open(entry) as packed:
        content = packed.read(MAX_EVIDENCE + 1)
    if len(content) > MAX_EVIDENCE:
        raise _refusal(place, f"{entry.filename}: larger than {MAX_EVIDENCE} bytes")
    return content


def _refusal(place: Path, problem: str) -> InputError:
    return InputError(f"{_shown(place)}: {problem}", hint=_HINT)


def _shown(place: Path) -> str:
    """Returns the artifact: its folder is named like it, whatever the archive in it is called."""
    return inert(str(place.parent if len(place.parts) > 1 else place))
