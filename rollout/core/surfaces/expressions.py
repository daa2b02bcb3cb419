"""What a contract's JMESPath expressions cannot do, found before any payload is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from rollout.core.contract import Contract, JsonMapping
from rollout.core.text import inert
from rollout.core.values import JsonValue

_TRIPS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a foreign interpreter may run into on foreign data: it has found nothing then."""
_PRINTED = ("down", "failing", "error", "starting", 1, 3, True)
"""Values that say something and are not empty."""
_EMPTY: tuple[JsonValue, ...] = (None, False, "", [])
_LONGEST_LIST = 200
_DEPTH = 4


class FailedError(ValueError):
    """An expression that cannot be evaluated on a document: the message may repeat the document."""


def expression_problems(contract: Contract) -> list[str]:
    """Returns every JMESPath expression of the contract that cannot work, as `surfaces.NAME.map.FIELD:
    message`.
    """
    return [
        f"{where}: {problem}"
        for where, expression in _all_expressions(contract)
        if (problem := expression_problem(expression))
    ]


def constant_problems(contract: Contract) -> Iterator[str]:
    """Yields every expression that gives the same for all payloads, as `surfaces.NAME.map.FIELD: message`."""
    for where, expression in _all_expressions(contract):
        if problem := constant_problem(expression, "the product prints"):
            yield f"{where}: {problem}"


def constant_problem(expression: str, read: str) -> str:
    """Returns that the expression gives the same for all payloads; empty where that is not certain.

    `read`: what its payloads are, such as `the product prints`.
    """
    node = _parsed(expression)
    if node is None or not _is_constant(node):
        return ""
    return f"{inert(expression, 60)} is the same whatever {read}{_as_a_name(node)}"


def constant_doubts(contract: Contract) -> Iterator[str]:
    """Yields every expression that gave the same for all payloads it was tried on, as `WHERE: message`.

    Every name in it had a value in them that is not empty, the expression's own literals among them. Where it
    gives something else for empty values, it tells these apart.
    """
    for where, expression in _all_expressions(contract):
        if doubt := constant_doubt(expression):
            yield f"{where}: {doubt}"


def constant_doubt(expression: str) -> str:
    """Returns that the expression gave the same for all payloads it was tried on; empty where it did not."""
    node = _parsed(expression)
    if node is None or _is_constant(node):
        return ""
    found = [find(expression, payload) for payload in _payloads(node)]
    others = (*_empty_payloads(node), *_list_payloads(node))
    found += filter(_says_something, (find(expression, payload) for payload in others))
    if found[0] is None or not all(_same(each, found[0]) for each in found):
        return ""
    shown, always = inert(expression, 60), inert(json.dumps(found[0]), 40)
    return f"{shown} gave {always} for each of {len(found)} payloads it was tried on"


def find(expression: str, document: JsonValue) -> JsonValue:
    """Returns what the expression finds; None when it finds nothing or cannot be evaluated on this
    document.
    """
    try:
        return evaluated(expression, document)
    except FailedError:
        return None


def evaluated(expression: str, document: JsonValue) -> JsonValue:
    """Returns what the expression finds; None when it finds nothing.

    Raises FailedError where it cannot be evaluated on this document.
    """
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, document)
    except (JMESPathError, *_TRIPS) as error:
        raise FailedError(_words(error)) from None


def _words(error: Exception) -> str:
    try:
        return str(error)
    except (RecursionError, ValueError):  # it quotes a value that Python cannot write
        return "it cannot be evaluated"


def fallback(expression: str) -> str | None:
    """Returns the text that an expression such as `status || 'healthy'` gives where nothing is found;
    else None.
    """
    node = _parsed(expression)
    is_choice = node is not None and (node["type"] == "or_expression" or node.get("value") == "not_null")
    last = node["children"][-1] if node is not None and is_choice else {"type": ""}
    return last["value"] if last["type"] == "literal" and isinstance(last["value"], str) else None


def counter_names(expression: str) -> frozenset[str] | None:
    """Returns the names that an expression such as `{failed: errors, served: ok}` gives;
    None where any may come.
    """
    node = _parsed(expression)
    if node is None:
        return None
    while node["type"] in ("subexpression", "pipe"):
        node = node["children"][-1]
    if node["type"] != "multi_select_dict":
        return None
    return frozenset(pair["value"] for pair in node["children"])


def _all_expressions(contract: Contract) -> Iterator[tuple[str, str]]:
    for name, surface in contract.surfaces.items():
        for field, expression in _expressions(surface.map) if surface.map else ():
            yield f"surfaces.{name}.map.{field}", expression


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


def expression_problem(expression: str) -> str:
    """Returns why the expression cannot work; empty when it can."""
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


def _parsed(expression: str) -> JsonValue:
    """Returns the expression as jmespath has parsed it; None when it is none."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(expression).parsed
    except (JMESPathError, RecursionError):
        return None


# --- constant for certain --------------------------------------------------------------------------------

_STARTS = ("subexpression", "pipe", "index_expression", "projection", "filter_projection", "flatten", "slice")
"""Expressions that look only at what their first part finds."""


def _is_constant(node: JsonValue) -> bool:
    kind, children = node["type"], node["children"]
    if kind == "literal":
        return True
    if kind == "pipe" and _is_constant(children[-1]):
        return True
    if kind in _STARTS:
        chosen = _chosen(node)
        return chosen is not None and _is_constant(chosen)
    if kind in ("or_expression", "and_expression") and (truth := _truth(children[0])) is not None:
        return _is_constant(children[0 if truth is (kind == "or_expression") else 1])
    if kind == "comparator" and node["value"] in ("eq", "ne") and children[0] == children[1]:
        return True
    if kind == "function_expression" and node["value"] == "not_null":
        first = next((each for each in children if not _is_null(each)), None)
        return first is not None and _is_constant(first)
    return bool(children) and all(map(_is_constant, children))


def _chosen(node: JsonValue) -> JsonValue:
    """Returns the part of a list or object made on the spot that the expression takes;
    else what it starts from.
    """
    start, rest = node["children"][0], node["children"][1:]
    if start["type"] == "multi_select_list" and rest and rest[0]["type"] == "index":
        place = rest[0]["value"]
        return start["children"][place] if -len(start["children"]) <= place < len(start["children"]) else None
    if start["type"] == "multi_select_dict" and rest and rest[0]["type"] == "field":
        pairs = {pair["value"]: pair["children"][0] for pair in start["children"]}
        return pairs.get(rest[0]["value"])
    return start


def _truth(node: JsonValue) -> bool | None:
    """Returns whether jmespath takes what the node gives as true, for any payload;
    None where that depends on it.
    """
    if node["type"] == "function_expression" and node["value"] == "type":
        return True
    if not _is_constant(node):
        return None
    value = _evaluated(node)
    return bool(value) or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_null(node: JsonValue) -> bool:
    return _is_constant(node) and _evaluated(node) is None


def _evaluated(node: JsonValue) -> JsonValue:
    from jmespath.exceptions import JMESPathError
    from jmespath.visitor import TreeInterpreter

    try:
        return TreeInterpreter().visit(node, {})
    except JMESPathError:
        return None


def _as_a_name(node: JsonValue) -> str:
    value = node["value"] if node["type"] == "literal" else None
    is_name = isinstance(value, str) and value.isidentifier()
    return f"; did you mean {value}, without quotes?" if is_name else ""


# --- constant as far as it can be tried ------------------------------------------------------------------


def _names(node: JsonValue) -> list[str]:
    """Returns the keys that the expression asks for; one of any name where it asks for none."""
    return sorted({each["value"] for each in _all_nodes(node) if each["type"] == "field"}) or ["status"]


_LISTS: tuple[JsonValue, ...] = ([1], [1, 2])
"""Payloads for an expression that asks for no key: it may be of a list, such as `length(@)`."""


def _list_payloads(node: JsonValue) -> tuple[JsonValue, ...]:
    return () if any(each["type"] == "field" for each in _all_nodes(node)) else _LISTS


def _empty_payloads(node: JsonValue) -> Iterator[JsonValue]:
    names = _names(node)
    return (dict.fromkeys(names, empty) for empty in _EMPTY)


def _says_something(value: JsonValue) -> bool:
    return bool(value) or _same(value, 0)


def _payloads(node: JsonValue) -> Iterator[JsonValue]:
    names = _names(node)
    literals = [each["value"] for each in _all_nodes(node) if each["type"] == "literal"]
    leaves = [*_PRINTED, *(value for each in literals for value in _around(each))]
    for turn in range(len(leaves) * 2):
        yield _payload(names, leaves, turn, depth=0)


def _payload(names: list[str], leaves: list[JsonValue], turn: int, depth: int) -> JsonValue:
    """Returns an object with every name: most hold a value, some an object or a list of objects like it."""
    return {name: _value(names, leaves, turn + place, depth) for place, name in enumerate(names)}


def _value(names: list[str], leaves: list[JsonValue], turn: int, depth: int) -> JsonValue:
    leaf = leaves[turn // 2 % len(leaves)]
    if depth == _DEPTH or turn % 2 == 0:
        return leaf
    inner = _payload(names, leaves, turn // 2, depth + 1)
    return [inner] if turn // 2 % 2 else inner


def _around(literal: JsonValue) -> Iterable[JsonValue]:
    """Returns the values on both sides of what an expression compares with."""
    if isinstance(literal, bool) or not isinstance(literal, int | float):
        return [literal] if literal else []
    return [literal - 1, literal, literal + 1, list(range(min(int(abs(literal)) + 1, _LONGEST_LIST)))]


def _same(one: JsonValue, other: JsonValue) -> bool:
    return type(one) is type(other) and one == other  # for Python true is 1


def _all_nodes(node: JsonValue) -> Iterator[JsonValue]:
    yield node
    for child in node["children"]:
        yield from _all_nodes(child)
