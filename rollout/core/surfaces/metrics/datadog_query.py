"""Datadog's metrics queries: where placeholders may stand in them, and how a value is written there.

A tag's value cannot be quoted. Datadog stores tags in lower case with underscores for most signs, so a value
is written as it was stored: https://docs.datadoghq.com/getting_started/tagging/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rollout.core.surfaces.metrics.holes import TEXTS, Hole, as_it_is

_HOLE = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")
_GROUPED = re.compile(r"\bby\s*$")
_METRIC = re.compile(r"[A-Za-z0-9_.]$")
_LONGEST_TAG = 200
_SIGNS = frozenset("_-:./")


def holes(query: str) -> Iterator[Hole]:
    """Yields the placeholders of a query, in order. `by {host}` and `metric{tag}` are Datadog's own."""
    for found in _HOLE.finditer(query):
        before, name = query[: found.start()], found["name"]
        if before.count("{") > before.count("}"):
            why = "" if name in TEXTS else "stands outside of the braces of a scope"
            yield Hole(found.start(), found.end(), name, as_tag, why)
        elif _GROUPED.search(before) or (_METRIC.search(before) and name not in TEXTS):
            continue
        else:
            why = f"stands only for the value of a tag, such as {{tag:{{{name}}}}}" if name in TEXTS else ""
            yield Hole(found.start(), found.end(), name, as_it_is, why)


def as_tag(value: str) -> str:
    """Returns the value as Datadog stores it in a tag, which has no sign that means anything in a query."""
    stored = "".join(sign if sign.isalnum() or sign in _SIGNS else "_" for sign in value.lower())
    return stored[:_LONGEST_TAG]
