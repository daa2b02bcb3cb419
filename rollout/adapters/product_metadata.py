"""Reads the release metadata that a product keeps beside its state: JSON from a folder, within limits."""

from __future__ import annotations

from pathlib import Path

from rollout.core.surfaces.payload import MalformedError, decode
from rollout.errors import InputError
from rollout.files.plain_file import opened

MAX_BYTES = 1 << 20


def read_documents(folder: Path, names: tuple[str, ...]) -> dict[str, object]:
    """Returns name -> parsed JSON of those that are there. Raises InputError, naming the file, for anything
    else.
    """
    return {name: _parsed(folder / name, name) for name in names if (folder / name).exists()}


def _parsed(path: Path, name: str) -> object:
    try:
        with opened(path) as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES} bytes", hint="such files are small: look at it")
    try:
        document: object = decode(text, MAX_BYTES)
    except MalformedError as problem:
        raise InputError(f"{name}: {problem}", hint="it may be half written: try again") from problem
    return document
