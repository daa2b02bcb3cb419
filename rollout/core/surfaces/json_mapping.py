"""The generic adapter: a contract's JMESPath expressions say where a product's own JSON keeps things."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rollout.core.contract import Contract, JsonMapping, Surface
from rollout.core.observation import COUNTERS, HEALTH_STATE, TIMELINE, BadStep, HealthState, Sample, Timeline
from rollout.core.surfaces.payload import (
    CYCLE_FIELDS,
    MalformedError,
    count,
    decode,
    health_state,
    label,
    moment,
    number,
    totals,
)
from rollout.core.surfaces.tau_browser_summary import MAX_EXAMPLES
from rollout.core.text import inert
from rollout.core.values import JsonValue

_FINE = ("ok", "success")
_TRIPS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a foreign interpreter may run into on foreign data: it has found nothing then."""


def parse_json(surface: Surface, payload: bytes, read_at: datetime) -> Sample:
    """What is not mapped is not applicable, what is mapped and not found unknown. Raises MalformedError."""
    mapping = surface.map or JsonMapping()
    document = decode(payload)
    counters, counters_unknown = _counters(mapping, document)
    return Sample(
        updated_at=_updated_at(mapping, document, read_at),
        health_state=_health_state(mapping, document),
        fields=_fields(mapping, document),
        labels=_labels(mapping, document),
        counters=counters,
        counters_unknown=counters_unknown,
        timeline=_timeline(_search(mapping.timeline, document)),
        not_applicable=tuple(_not_mapped(surface, mapping)),
    )


def expression_problems(contract: Contract) -> list[str]:
    """Every JMESPath expression of the contract that cannot work, as `surfaces.NAME.map.FIELD: message`."""
    return [
        f"surfaces.{name}.map.{field}: {problem}"
        for name, surface in contract.surfaces.items()
        if surface.map is not None
        for field, expression in _expressions(surface.map)
        if (problem := _expression_problem(expression))
    ]


def _expressions(mapping: JsonMapping) -> Iterator[tuple[str, str]]:
    single = {
        "health_state": mapping.health_state,
        "updated_unix_ms": mapping.updated_unix_ms,
        "counters": mapping.counters,
        "timeline": mapping.timeline,
    }
    yield from ((field, expression) for field, expression in single.items() if expression is not None)
    yield from ((f"fields.{name}", expression) for name, expression in mapping.fields.items())
    yield from ((f"labels.{name}", expression) for name, expression in mapping.labels.items())


def _expression_problem(expression: str) -> str:
    import jmespath
    from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

    try:
        compiled = jmespath.compile(expression)
    except (JMESPathError, RecursionError) as error:
        return f"not a JMESPath expression: {inert(str(error))}"
    try:
        compiled.search({})
    except (ArityError, UnknownFunctionError) as error:
        return inert(str(error))
    except JMESPathError:
        pass  # a complaint about the empty document, not about the expression
    return ""


def constant_problems(contract: Contract) -> Iterator[str]:
    """Every expression that looks at nothing the product prints, as `surfaces.NAME.map.FIELD: message`."""
    for name, surface in contract.surfaces.items():
        for field, expression in _expressions(surface.map) if surface.map else ():
            node = _parsed(expression)
            if node is not None and _is_constant(node):
                yield (
                    f"surfaces.{name}.map.{field}: {inert(expression, 60)} is the same whatever the product"
                    f" prints{_as_a_name(node)}"
                )


def _as_a_name(node: JsonValue) -> str:
    value = node["value"] if node["type"] == "literal" else None
    is_name = isinstance(value, str) and value.isidentifier()
    return f"; did you mean {value}, without quotes?" if is_name else ""


_STARTS = ("subexpression", "pipe", "index_expression", "projection", "filter_projection", "flatten", "slice")
"""Expressions that look only at what their first part finds."""


def _is_constant(node: JsonValue) -> bool:
    children = node["children"]
    if node["type"] in _STARTS:
        children = children[:1]
    return node["type"] == "literal" or (bool(children) and all(map(_is_constant, children)))


def fallback(expression: str) -> str | None:
    """The text that an expression such as `status || 'healthy'` gives where nothing is found; else None."""
    node = _parsed(expression)
    is_choice = node is not None and (node["type"] == "or_expression" or node.get("value") == "not_null")
    last = node["children"][-1] if node is not None and is_choice else {"type": ""}
    return last["value"] if last["type"] == "literal" and isinstance(last["value"], str) else None


def _parsed(expression: str) -> JsonValue:
    """The expression as jmespath has parsed it; None when it is none."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(expression).parsed
    except (JMESPathError, RecursionError):
        return None


def counter_names(expression: str) -> frozenset[str] | None:
    """The names that an expression such as `{failed: errors, served: ok}` gives; None where any may come."""
    node = _parsed(expression)
    if node is None:
        return None
    while node["type"] in ("subexpression", "pipe"):
        node = node["children"][-1]
    if node["type"] != "multi_select_dict":
        return None
    return frozenset(pair["value"] for pair in node["children"])


def _search(expression: str | None, document: JsonValue) -> JsonValue:
    """What the expression finds; None when it finds nothing or cannot be evaluated on this document."""
    if expression is None:
        return None
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, document)
    except (JMESPathError, *_TRIPS):
        return None


def _updated_at(mapping: JsonMapping, document: JsonValue, read_at: datetime) -> datetime:
    if mapping.updated_unix_ms is None:
        return read_at
    return moment(_search(mapping.updated_unix_ms, document), "updated_unix_ms")


def _health_state(mapping: JsonMapping, document: JsonValue) -> HealthState | None:
    word = _search(mapping.health_state, document)
    return health_state(mapping.health_states.get(word, word)) if isinstance(word, str) else None


def _fields(mapping: JsonMapping, document: JsonValue) -> dict[str, int | float]:
    found = {name: _search(expression, document) for name, expression in mapping.fields.items()}
    numbers = {name: count(value) if name in CYCLE_FIELDS else number(value) for name, value in found.items()}
    return {name: value for name, value in numbers.items() if value is not None}


def _labels(mapping: JsonMapping, document: JsonValue) -> dict[str, str]:
    found = {name: label(_search(expression, document)) for name, expression in mapping.labels.items()}
    return {name: value for name, value in found.items() if value is not None}


def _counters(mapping: JsonMapping, document: JsonValue) -> tuple[dict[str, int] | None, str | None]:
    if mapping.counters is None:
        return None, None
    try:
        return totals(_search(mapping.counters, document), COUNTERS), None
    except MalformedError as problem:
        return None, str(problem)


def _timeline(steps: JsonValue) -> Timeline | None:
    """None, unknown, when there is no step at all or one is no object with a status."""
    if not isinstance(steps, list) or not steps:
        return None
    if not all(isinstance(step, dict) and isinstance(step.get("status"), str) for step in steps):
        return None
    bad = [step for step in steps if step["status"] not in _FINE or step.get("error")]
    examples = tuple(_example(step) for step in bad[:MAX_EXAMPLES])
    return Timeline(steps=len(steps), bad=len(bad), examples=examples)


def _example(step: dict[str, JsonValue]) -> BadStep:
    name, error = step.get("id", "?"), step.get("error") or ""
    return BadStep(step=_text(name), status=_text(step["status"]), error=_text(error))


def _text(value: JsonValue) -> str:
    return inert(value if isinstance(value, str) else type(value).__name__)


def _not_mapped(surface: Surface, mapping: JsonMapping) -> Iterator[str]:
    yield from (field for field in CYCLE_FIELDS if field not in mapping.fields)
    if mapping.health_state is None:
        yield HEALTH_STATE
    if mapping.counters is None and surface.events is None:
        yield COUNTERS
    if mapping.timeline is None:
        yield TIMELINE
