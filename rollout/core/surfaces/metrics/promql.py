"""PromQL: where placeholders may stand in it, and how a value is quoted there.

Lexical rules: https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import partial

from rollout.core.surfaces.metrics.holes import NAMES, TEXTS, Hole, as_it_is

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)
    |(?P<open>["'`])
    |(?P<hole>\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})
    |(?P<operator>=~|!~|==|!=|[<>]=|=)
    |(?P<space>\s+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_STRING = re.compile(r"\\[pP]\{\w+\}|\\\\[pP]\{\w+\}|\\.|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}", re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_LITERAL = ("=", "!=")
_PATTERN = ("=~", "!~")
_INVISIBLE = frozenset("C")
"""The first letter of the Unicode categories that are no visible character."""


def holes(query: str) -> Iterator[Hole]:
    """Yields the placeholders of a query, in order.

    Braces that hold no bare word are PromQL's own, such as `{job="api"}`.
    """
    before = ""
    for token in _TOKEN.finditer(query):
        kind = token.lastgroup if token["name"] is None else "hole"
        if kind in ("comment", "space"):
            continue
        if kind == "string":
            yield from _holes_in_string(token["string"], token.start(), before)
        elif kind == "hole":
            yield _bare(token)
        before = token[0]


def _bare(token: re.Match[str]) -> Hole:
    name = token["name"]
    misplaced = "stands only inside the string of a label, such as label=" if name in TEXTS else ""
    example = f'"{{{name}}}"' if misplaced else ""
    return Hole(token.start(), token.end(), name, as_it_is, f"{misplaced}{example}")


def _holes_in_string(string: str, start: int, operator: str) -> Iterator[Hole]:
    quote, misplaced = string[0], _why_not_in(string[0], operator)
    for found in _IN_STRING.finditer(string, 1, len(string) - 1):
        name = found["name"]
        if name is None or (operator in _PATTERN and name not in NAMES):
            continue  # an escape, or braces of a regular expression
        why = misplaced if name in TEXTS else "stands bare, outside of strings"
        yield Hole(start + found.start(), start + found.end(), name, partial(_quoted, quote=quote), why)


def _why_not_in(quote: str, operator: str) -> str:
    if quote == "`":
        return "cannot be quoted between backticks; use double quotes"
    if operator in _PATTERN:
        return f"cannot stand in a regular expression; compare with = instead of {operator}"
    if operator not in _LITERAL:
        return 'stands only in the string that a label is compared with, such as version="..."'
    return ""


def _quoted(value: str, quote: str) -> str:
    return "".join(_escaped(character, quote) for character in value)


def _escaped(character: str, quote: str) -> str:
    if character in ("\\", quote):
        return f"\\{character}"
    if unicodedata.category(character)[0] not in _INVISIBLE:
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return "\\ufffd"  # half a character: no text holds it
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def mistakes(query: str) -> Iterator[str]:
    """Yields what the server is sure to reject: brackets without their partner, a string without its end."""
    opened: list[str] = []
    if all(token.lastgroup in ("comment", "space") for token in _TOKEN.finditer(query)):
        yield "asks nothing; write a query"
    for token in _TOKEN.finditer(query):
        sign = token[0]
        if token["open"]:
            yield f"not PromQL: a string begins with {sign} and does not end"
            return
        if token["other"] is None:
            continue
        if sign in _PAIRS.values():
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            yield f"not PromQL: {sign} closes nothing that is open"
            return
    if opened:
        yield f"not PromQL: {opened[-1]} is not closed"


_RATE = re.compile(r"\b(?:rate|irate)\s*\(")


def counts_by_rate(query: str) -> bool:
    """Returns whether the query uses `rate` or `irate`, which give no counts."""
    code = "".join(token[0] for token in _TOKEN.finditer(query) if token["string"] is None)
    return _RATE.search(code) is not None


def duration(seconds: int) -> str:
    """Returns seconds as PromQL writes a range, in the largest unit that leaves no rest: `90m`."""
    unit, size = next(
        (unit, size) for unit, size in (("h", 3600), ("m", 60), ("s", 1)) if seconds % size == 0
    )
    return f"{seconds // size}{unit}"
