"""`rollout contract schema`: the contract's models as JSON Schema, for editors and for checks without us."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from rollout.core import contract
from rollout.core.contract import Contract, metrics
from rollout.core.values import JsonValue, Model, format_duration

FieldTexts = dict[str, dict[str, str]]
"""Class -> field -> the string under the field."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contract_schema() -> dict[str, JsonValue]:
    """Returns the JSON Schema of a contract file. Rules between fields are left to `contract check`."""
    schema = _tidy(Contract.model_json_schema(by_alias=True, mode="validation"))
    texts = _field_texts()
    for name, definition in schema["$defs"].items():
        model = getattr(contract if hasattr(contract, name) else metrics, name)
        if issubclass(model, Model):
            _describe_fields(definition["properties"], model, texts)
    return {"$schema": DIALECT, "title": "Rollout contract", **schema}


@cache
def schema_text() -> str:
    """Returns the schema as `contract schema` prints it and `init` writes it, with its last line's end."""
    return json.dumps(contract_schema(), indent=2) + "\n"


def _tidy(node: JsonValue) -> JsonValue:
    """Removes what pydantic adds for its own use, and shows durations as people write them."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _tidy(value) for key, value in node.items() if not _is_noise(key, value)}
    if kept.get("type") == "string" and isinstance(kept.get("default"), int):
        kept["default"] = format_duration(kept["default"])
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    return kept


def _is_noise(key: str, value: JsonValue) -> bool:
    generated_title = key == "title" and isinstance(value, str)
    empty_default = key == "default" and (value is None or isinstance(value, dict))
    return generated_title or empty_default or key == "discriminator"


def _describe_fields(properties: dict[str, JsonValue], model: type[Model], texts: FieldTexts) -> None:
    for parent in reversed(model.__mro__):
        for field, text in texts.get(parent.__name__, {}).items():
            properties[model.model_fields[field].alias or field]["description"] = text


# Read here, and not by pydantic as it makes the classes, which would cost every start of the program.
def _field_texts() -> FieldTexts:
    modules = [
        ast.parse(inspect.getsource(part)) for part in vars(contract).values() if inspect.ismodule(part)
    ]
    return {
        node.name: dict(_texts_in(node))
        for module in modules
        for node in module.body
        if isinstance(node, ast.ClassDef)
    }


def _texts_in(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(definition.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, inspect.cleandoc(words)
            case _:
                pass
