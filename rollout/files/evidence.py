"""Observations and results as JSON files: how the product side hands its word to the side that decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from rollout.core.observation import Evidence, Observation, Results
from rollout.core.surfaces.payload import MalformedError, decode
from rollout.core.text import inert
from rollout.core.values import JsonValue
from rollout.errors import InputError, OutsideError
from rollout.files.plain_file import opened, write_whole

MAX_EVIDENCE = 5 * 1024 * 1024
_SCHEMA = 1
_KINDS: dict[str, type[Observation] | type[Results]] = {"observation": Observation, "results": Results}
_MAX_MISTAKES = 20
_LARGEST = 2**64 - 1
"""A whole number beyond it, such as one of 400 digits, is none that anything can be counted with."""
_WRITE_AGAIN = "write it again: rollout collect -o FILE, or rollout perform -o FILE"


def dump_evidence(evidence: Evidence) -> str:
    """Returns the document as JSON text that ends its last line."""
    document = evidence.model_dump(mode="json", by_alias=True)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def check_output(path: Path | None) -> None:
    """Raises InputError for a folder, before anything is read that takes long and could not be written."""
    if path is not None and path.is_dir():
        raise InputError(f"--output {path}: is a folder", hint="name a file in it", file=str(path))


def write_evidence(path: Path, evidence: Evidence) -> None:
    """Writes it as `write_whole` does.

    Raises InputError for a folder, OutsideError when the file system does not let it.
    """
    try:
        write_whole(path, dump_evidence(evidence).encode())
    except IsADirectoryError as error:
        hint = "nothing was written; name a file"
        raise InputError(f"{path}: is a folder", hint=hint, file=str(path)) from error
    except OSError as error:
        raise OutsideError(
            f"{path}: cannot be written: {error.strerror or error}",
            hint="nothing was written; check folder, space and permissions, and run it again",
        ) from error


def read_evidence(path: Path, *, limit: int = MAX_EVIDENCE) -> Evidence:
    """Returns the observation or results in a file of at most `limit` bytes, every text in it made inert.

    Raises InputError, every mistake as `file: field: message`.
    """
    try:
        with opened(path) as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise _refusal(
            str(path), error.strerror or str(error), "name a file that exists and can be read"
        ) from None
    return parse_evidence(str(path), content, limit=limit)


def parse_evidence(name: str, content: bytes, *, limit: int = MAX_EVIDENCE) -> Evidence:
    """Parses a file's content as `read_evidence` does; `name` is what it is called in messages."""
    try:
        return _evidence(name, _inert(decode(content, limit)))
    except MalformedError as problem:
        raise _refusal(name, str(problem), _WRITE_AGAIN) from None
    except RecursionError:
        raise _refusal(name, "JSON nested too deeply", _WRITE_AGAIN) from None


def _evidence(name: str, document: JsonValue) -> Evidence:
    if not isinstance(document, dict):
        raise _refusal(name, "is not an object", _WRITE_AGAIN)
    _refuse_other_schema(name, document.get("schema"))
    kind = document.get("kind")
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise _refusal(name, f"kind: is neither {' nor '.join(_KINDS)}", _WRITE_AGAIN)
    if place := next(_too_large(document, ()), None):
        problem = f"{inert('.'.join(place))}: is too large a number, at most {_LARGEST}"
        raise _refusal(name, problem, _WRITE_AGAIN)
    try:
        # Strict as JSON is: "0" and false are no numbers, "false" is no truth.
        return model.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise InputError(_mistakes(name, error), hint=_WRITE_AGAIN, file=name) from None


def _refuse_other_schema(name: str, schema: JsonValue) -> None:
    if isinstance(schema, bool):
        raise _refusal(name, f"schema: is {str(schema).lower()}, not {_SCHEMA}", _WRITE_AGAIN)
    if isinstance(schema, int) and schema > _SCHEMA:
        hint = "a newer rollout wrote it; use that version here too"
        raise _refusal(
            name, f"schema: is {inert(str(schema), 40)}, and this rollout reads up to {_SCHEMA}", hint
        )


def _too_large(value: JsonValue, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields where numbers are that no sum or share can be made of; state of older versions may hold some."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _too_large(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _too_large(item, (*place, str(index)))
    elif isinstance(value, int | float) and abs(value) > _LARGEST:
        yield place


def _mistakes(name: str, error: ValidationError) -> str:
    mistakes = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [
        f"{name}: {inert('.'.join(str(part) for part in mistake['loc']))}: {inert(mistake['msg'])}"
        for mistake in mistakes[:_MAX_MISTAKES]
    ]
    if len(mistakes) > _MAX_MISTAKES:
        lines.append(f"{name}: and {len(mistakes) - _MAX_MISTAKES} mistakes more")
    return "\n".join(lines)


def _inert(value: JsonValue) -> JsonValue:
    """Returns the same document without control characters in it: product code may have written this file."""
    if isinstance(value, str):
        return inert(value, len(value) + 1)
    if isinstance(value, list):
        return [_inert(item) for item in value]
    if isinstance(value, dict):
        cleaned = {inert(key, len(key) + 1): _inert(item) for key, item in value.items()}
        if len(cleaned) < len(value):
            raise MalformedError("contradictory: two keys differ in characters that are not shown only")
        return cleaned
    return value


def _refusal(name: str, problem: str, hint: str) -> InputError:
    return InputError(f"{name}: {problem}", hint=hint, file=name)
