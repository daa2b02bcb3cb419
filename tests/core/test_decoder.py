"""All JSON that the tool reads goes through one decoder, which refuses what can be read in two ways."""

from __future__ import annotations

import ast
from pathlib import Path

from rollout.core.surfaces import payload
from rollout.files import evidence

PACKAGE = Path(__file__).parent.parent.parent / "rollout"
DECODERS = {"load", "loads", "from_json", "model_validate_json", "JSONDecoder", "raw_decode"}


def test_nothing_else_decodes_json() -> None:
    found = {
        (path, node.attr)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in DECODERS and _is_of_json(node)
    }
    # Evidence is decoded by it first, and checked as JSON then.
    checked = (Path(evidence.__file__), "model_validate_json")
    assert found == {(Path(payload.__file__), "JSONDecoder"), checked}


def _is_of_json(node: ast.Attribute) -> bool:
    """Whether it is json's, or a model's own way; `yaml.load` has its own rules against keys given twice."""
    return node.attr == "model_validate_json" or (
        isinstance(node.value, ast.Name) and node.value.id in ("json", "pydantic_core")
    )
