"""What `make real` installs: events as GitHub sent them, and what it publishes of events and of GraphQL."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import graphql
import jsonschema  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".cache" / "real" / "node_modules" / "@octokit"

Shape = dict[str, set[str]]
"""Path of a key, such as `issue.labels[].name` -> the types that it was seen with."""


def _read(name: str) -> str:
    path = PACKAGES / name
    assert path.is_file(), f"{path} is missing: run these tests by `make real`"
    return path.read_text(encoding="utf-8")


@functools.cache
def examples() -> dict[str, list[dict[str, Any]]]:
    """Event -> its payloads as they were recorded on the public GitHub."""
    listed = json.loads(_read("webhooks-examples/api.github.com/index.json"))
    return {each["name"]: each["examples"] for each in listed}


@functools.cache
def _definitions() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_read("webhooks-schemas/schema.json"))["definitions"]
    return found


def problems(event: str, payload: Mapping[str, Any]) -> list[str]:
    """What the published schema of the event has against a payload."""
    definitions = _definitions()
    names = (f"{event}${payload.get('action')}", f"{event}$event")
    name = next(one for one in names if one in definitions)
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    found = jsonschema.Draft7Validator(schema).iter_errors(payload)
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


def shape(*documents: object) -> Shape:
    """What all of these documents hold."""
    found: Shape = {}
    for document in documents:
        for path, kind in _walk(document, ""):
            found.setdefault(path, set()).add(kind)
    return found


def _walk(value: object, path: str) -> Iterator[tuple[str, str]]:
    yield path, _kind(value)
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from _walk(inside, f"{path}.{key}" if path else key)
    if isinstance(value, list):
        for inside in value:
            yield from _walk(inside, f"{path}[]")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return kinds[type(value)]


@functools.cache
def recorded(event: str) -> Shape:
    """Of an event, with what other events recorded of the repository and of who did it.

    Recordings are of different years, and the keys of a repository have become more.
    """
    found = shape(*examples()[event])
    everywhere = [
        {key: each[key] for key in ("repository", "sender") if key in each}
        for documents in examples().values()
        for each in documents
    ]
    return {**shape(*everywhere), **found}


@functools.cache
def schema() -> graphql.GraphQLSchema:
    """GitHub's GraphQL schema. It defines fields twice now and then, so it is taken as it is."""
    return graphql.build_schema(_read("graphql-schema/schema.graphql"), assume_valid=True)
