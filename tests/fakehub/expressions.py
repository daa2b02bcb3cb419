"""The few expressions that the fake itself has to understand, and tokens written into a workflow's."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\b(github\.token|secrets\.GITHUB_TOKEN)\b")


def evaluate(text: str, context: Mapping[str, Any]) -> str:
    """`text` with each `${{ a.b || 'c' }}` replaced. Raises ValueError for any other expression."""
    return _EXPRESSION.sub(lambda found: _first(found[1], context), text)


def _first(expression: str, context: Mapping[str, Any]) -> str:
    for option in expression.split("||"):
        value = _value(option.strip(), context)
        if value:
            return str(value)
    return ""


def _value(option: str, context: Mapping[str, Any]) -> Any:
    if literal := re.fullmatch(r"'([^']*)'", option):
        return literal[1]
    if not re.fullmatch(r"[\w.-]+", option):
        raise ValueError(f"fakehub cannot evaluate the expression {option!r}")
    value: Any = context
    for part in option.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def with_token(
    job: Mapping[str, Any], token: str, token_inputs: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The job with its own token wherever it speaks of `github.token`.

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
