"""Every hint has one form: what to do, then a colon and the command, in plain text without a full stop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "rollout").rglob("*.py"))


def hints(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each hint that is written out: as an argument, or as a constant that is one."""
    for node in ast.walk(tree):
        is_argument = isinstance(node, ast.keyword) and node.arg == "hint"
        if is_argument or (isinstance(node, ast.Assign) and any(map(_is_for_a_hint, node.targets))):
            assert isinstance(node, ast.keyword | ast.Assign)
            yield from texts(node.value)


def _is_for_a_hint(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and (target.id == "hint" or "HINT" in target.id)


def texts(node: ast.expr) -> Iterator[tuple[int, str]]:
    """The text as far as it is known here; `{}` stands for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        yield node.lineno, "".join(map(str, parts))
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def problems(text: str) -> Iterator[str]:
    if text.endswith("."):
        yield "ends with a full stop"
    if "`" in text:
        yield "has a command in backticks"
    if text[:1].isupper():
        yield "begins with a capital letter"


@pytest.mark.parametrize(
    ("hint", "is_good"),
    [
        ("see what the release waits for: rollout status", True),
        ("give one of them", True),
        ("`rollout status` says more", False),
        ("Name a file.", False),
    ],
)
def test_the_form(hint: str, is_good: bool) -> None:
    assert (not list(problems(hint))) is is_good


def test_every_hint_has_the_form() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {problem}: {text}"
        for path in SOURCES
        for line, text in hints(ast.parse(path.read_text(encoding="utf-8")))
        for problem in problems(text)
    ]
    assert found == []
