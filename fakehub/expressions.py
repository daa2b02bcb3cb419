"""Expressions of workflows, as far as this project writes them, and tokens written into a workflow's."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_WORD = re.compile(r"'(?:[^']|'')*'|&&|\|\||==|!=|[!(),]|[\w.*-]+")
_LITERALS = {"true": True, "false": False, "null": None}
_TOKEN = re.compile(r"\b(github\.token|secrets\.GITHUB_TOKEN)\b")


def evaluate(text: str, context: Mapping[str, Any]) -> str:
    """Returns `text` with each `${{ }}` replaced by its value.

    Knows paths (`*` for each of a list), strings, `true`, `false`, `null`, `!`, `==`, `!=`, `&&`, `||`,
    parentheses, `contains`, `startsWith`, `format`, `fromJSON`, `toJSON` and what tells how the job goes: the
    context's `success()` and the like. Raises ValueError for any other expression.
    """
    return _EXPRESSION.sub(lambda found: as_text(_Reader(found[1], context).value()), text)


def value_of(text: str, context: Mapping[str, Any]) -> Any:
    """Returns what one expression is, with or without `${{ }}` around it. Raises ValueError as `evaluate`."""
    whole = _EXPRESSION.fullmatch(text.strip())
    return _Reader(whole[1] if whole else text, context).value()


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    """Evaluates one expression from left to right; `&&` and `||` give one of their operands."""

    def __init__(self, expression: str, context: Mapping[str, Any]) -> None:
        self._expression = expression.strip()
        self._words = [match for match in _WORD.findall(self._expression) if match.strip()]
        self._context = context
        if "".join(self._words) != _outside_strings(self._expression):
            raise self._unknown()

    def value(self) -> Any:
        found = self._either()
        if self._words:
            raise self._unknown()
        return found

    def _unknown(self) -> ValueError:
        return ValueError(f"fakehub cannot evaluate the expression {self._expression!r}")

    def _takes(self, word: str) -> bool:
        if self._words[:1] != [word]:
            return False
        self._words.pop(0)
        return True

    def _either(self) -> Any:
        found = self._both()
        while self._takes("||"):
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Any:
        found = self._compared()
        while self._takes("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Any:
        found = self._single()
        if self._takes("=="):
            return _are_equal(found, self._single())
        if self._takes("!="):
            return not _are_equal(found, self._single())
        return found

    def _single(self) -> Any:
        if self._takes("!"):
            return not self._single()
        if self._takes("("):
            found = self._either()
            self._close()
            return found
        if not self._words:
            raise self._unknown()
        word = self._words.pop(0)
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if word in _LITERALS:
            return _LITERALS[word]
        if self._takes("("):
            return self._called(word)
        if not re.fullmatch(r"[A-Za-z_][\w.*-]*", word):
            raise self._unknown()
        return self._looked_up(word)

    def _called(self, name: str) -> Any:
        arguments = [] if self._words[:1] == [")"] else [self._either()]
        while self._takes(","):
            arguments.append(self._either())
        self._close()
        match name, arguments:
            case "startsWith", [text, begin]:
                return as_text(text).lower().startswith(as_text(begin).lower())
            case "contains", [list() as texts, text]:
                return text in texts
            case "contains", [text, part]:
                return as_text(part).lower() in as_text(text).lower()
            case "format", [form, *values]:
                return as_text(form).format(*map(as_text, values))
            case "fromJSON", [text]:
                return self._further(json.loads(text))
            case "toJSON", [value]:
                return json.dumps(value, indent=2, ensure_ascii=False)
            case _, [] if f"{name}()" in self._context:
                return self._context[f"{name}()"]
        raise self._unknown()

    def _further(self, found: Any) -> Any:
        """Returns what `.name` after a call leads to."""
        return (
            _followed(found, self._words.pop(0)[1:])
            if self._words[:1] and self._words[0][0] == "."
            else found
        )

    def _close(self) -> None:
        if not self._takes(")"):
            raise self._unknown()

    def _looked_up(self, path: str) -> Any:
        return _followed(self._context, path)


def _are_equal(one: Any, other: Any) -> bool:
    """Compares strings without regard to case, different types as numbers, as GitHub's expressions do."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return bool(one == other if type(one) is type(other) else _number(one) == _number(other))


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0
    try:
        return float(value)
    except (TypeError, ValueError):
        return nan


def _followed(found: Any, path: str) -> Any:
    part, _, rest = path.partition(".")
    if part == "*":
        each = found if isinstance(found, list) else []
        return [_followed(one, rest) if rest else one for one in each]
    inside = found.get(part) if isinstance(found, Mapping) else None
    return _followed(inside, rest) if rest else inside


def _outside_strings(expression: str) -> str:
    """Returns the expression without blanks, but for those in its strings."""
    parts = re.split(r"('(?:[^']|'')*')", expression)
    return "".join(part if index % 2 else re.sub(r"\s", "", part) for index, part in enumerate(parts))


def with_token(
    job: Mapping[str, Any], token: str, token_inputs: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Returns the job with its own token wherever it names `github.token`.

    `token_inputs` names, for each `uses:`, the inputs whose default is `github.token`: they are given
    the token too when the step leaves them out.
    """
    changed = _rewritten(copy.deepcopy(dict(job)), token)
    assert isinstance(changed, dict)
    for step in changed.get("steps") or []:
        for name in token_inputs.get(step.get("uses", ""), ()):
            step["with"] = {name: token, **(step.get("with") or {})}
    return changed


def _rewritten(value: Any, token: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _rewritten(item, token, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_rewritten(item, token) for item in value]
    if not isinstance(value, str):
        return value
    literal = f"'{token}'"
    if key == "if":
        return _TOKEN.sub(literal, value)
    return _EXPRESSION.sub(lambda found: "${{" + _TOKEN.sub(literal, found[1]) + "}}", value)
