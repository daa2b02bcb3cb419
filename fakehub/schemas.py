"""GitHub's published schema: fills in what a response must have, and refuses what does not fit."""

from __future__ import annotations

import functools
import importlib
import types
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

Json = dict[str, Any]

EPOCH = "2026-01-01T00:00:00Z"


class SchemaViolationError(AssertionError):
    """A document is not what GitHub's schema says."""


@functools.cache
def _models() -> types.ModuleType:
    # By name at run time: mypy would need minutes for four thousand generated models.
    return importlib.import_module("githubkit_schemas.latest.models")


def model(name: str) -> type[BaseModel]:
    """Returns the generated model of that name. Raises AttributeError if GitHub does not publish it."""
    found: type[BaseModel] = getattr(_models(), name)
    assert issubclass(found, BaseModel)
    return found


def build(schema: str, /, **given: Any) -> Json:
    """Builds a whole object of the schema: `given` (by its names in JSON), and filler where a field is
    required.

    A nested dict is filled in the same way. Raises SchemaViolationError for a field that the schema lacks.
    """
    return _filled(model(schema), given)


def check_response(name: str, document: Any, *, many: bool = False) -> None:
    """Raises SchemaViolationError when the document does not validate."""
    try:
        _adapter(name, many).validate_python(document)
    except ValidationError as error:
        raise SchemaViolationError(f"response is not a valid {name}: {error}") from error


def check_request(names: tuple[str, ...], document: Any) -> None:
    """Raises SchemaViolationError when it is none of these models, or has a field that they do not know."""
    problems = []
    for name in names:
        try:
            parsed = _adapter(name, False).validate_python(document)
        except ValidationError as error:
            problems.append(str(error))
            continue
        unknown = list(_unknown(parsed, document))
        if not unknown:
            return
        problems.append(f"unknown fields {', '.join(unknown)}")
    raise SchemaViolationError(f"request is not a valid {' or '.join(names)}: {'; '.join(problems)}")


@functools.cache
def _adapter(name: str, many: bool) -> TypeAdapter[Any]:
    if name == "[str]":
        return TypeAdapter(list[str])
    wanted = model(name)
    return TypeAdapter(list[wanted] if many else wanted)  # type: ignore[valid-type]


def _unknown(parsed: Any, document: Any, at: str = "") -> list[str]:
    if isinstance(parsed, list):
        return [
            path
            for item, raw in zip(parsed, document, strict=True)
            for path in _unknown(item, raw, at + "[]")
        ]
    if not isinstance(parsed, BaseModel):
        return []
    fields = {field.alias or name: name for name, field in type(parsed).model_fields.items()}
    found = []
    if type(parsed).model_config.get("extra") != "allow":
        found = [f"{at}.{key}" for key in document if key not in fields]
    for key in document.keys() & fields.keys():
        found += _unknown(getattr(parsed, fields[key]), document[key], f"{at}.{key}")
    return found


@dataclass(frozen=True)
class _Field:
    """What `build` has to know of a model's field. Read once: GitHub's models are large."""

    annotation: Any
    model: type[BaseModel] | None
    """Of a nested dict; None where it is no model, or one of several."""
    item: _Field | None
    """Of a list."""
    is_required: bool


@functools.cache
def _fields(wanted: type[BaseModel]) -> dict[str, _Field]:
    """Returns name in JSON -> field."""
    return {
        field.alias or name: _field(field.annotation, is_required=field.is_required())
        for name, field in wanted.model_fields.items()
    }


def _field(annotation: Any, *, is_required: bool) -> _Field:
    models = [option for option in _options(annotation) if _is_model(option)]
    items = get_args(annotation) if get_origin(annotation) is list else ()
    item = _field(items[0], is_required=True) if items else None
    return _Field(annotation, models[0] if len(models) == 1 else None, item, is_required)


def _filled(wanted: type[BaseModel], given: Json) -> Json:
    fields = _fields(wanted)
    if unknown := given.keys() - fields.keys():
        raise SchemaViolationError(f"{wanted.__name__} has no {', '.join(sorted(unknown))}")
    fillers = _fillers(wanted)
    return {
        name: _nested(field, given[name]) if name in given else deepcopy(fillers[name])
        for name, field in fields.items()
        if name in given or field.is_required
    }


def _nested(field: _Field, value: Any) -> Any:
    """Completes a dict that stands for a model; returns everything else unchanged."""
    if isinstance(value, dict):
        return value if field.model is None else _filled(field.model, value)
    if isinstance(value, list) and field.item is not None:
        return [_nested(field.item, each) for each in value]
    return value


@functools.cache
def _fillers(wanted: type[BaseModel]) -> Json:
    """Returns name in JSON -> filler of each required field: to be copied."""
    return {name: _filler(field.annotation) for name, field in _fields(wanted).items() if field.is_required}


def _filler(annotation: Any) -> Any:
    options = _options(annotation)
    if type(None) in options:
        return None
    first = options[0]
    if get_origin(first) is Literal:
        return get_args(first)[0]
    if get_origin(first) is list or first is list:
        return []
    if _is_model(first):
        return _filled(first, {})
    fillers: Json = {"str": "", "int": 0, "float": 0.0, "bool": False, "datetime": EPOCH, "date": EPOCH[:10]}
    return {} if first is Any or get_origin(first) is dict else fillers[first.__name__]


def _options(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(leaf for option in get_args(annotation) for leaf in _options(option))
    if get_origin(annotation) is not None and hasattr(annotation, "__metadata__"):
        return _options(annotation.__origin__)
    return (annotation,)


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def stamp(at: datetime | None) -> str | None:
    """Writes RFC 3339 as GitHub does."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
