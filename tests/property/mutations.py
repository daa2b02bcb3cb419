"""Healthy JSON documents, and what can become of one: structure, numbers, times, keys, encodings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

DEEP = 100_000


class Pairs(list[tuple[str, Any]]):
    """A JSON object that may give a key twice."""


def tree(text: bytes) -> Any:
    return json.loads(text, object_pairs_hook=Pairs)


def written(node: Any) -> str:
    if isinstance(node, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(value)}" for key, value in node) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(written(each) for each in node) + "]"
    return node.text if isinstance(node, Raw) else json.dumps(node)


class Raw:
    """A value that Python's own `dumps` would not write."""

    def __init__(self, text: str) -> None:
        self.text = text


WORDS = [
    "healthy",
    "failing",
    "degraded",
    "passed",
    "failed",
    "ok",
    "",
    "HEALTHY",
    "pass\u200bed",
    "\ud800",
    "0",
]
NUMBERS = [0, 1, -1, 2, 5, 0.5, -0.0, 99, 2**63, 10**25, Raw("1e999"), Raw("-1e999"), Raw("NaN"), Raw("1E2")]
TIMES = [0, 1, -1, 1795392937, 1795392937107, 4102444800000, 10**17, "2026-11-23T00:15:37Z"]
VALUES = st.sampled_from(
    [*WORDS, *NUMBERS, *TIMES, None, True, False, [], ["voice"], Pairs(), Pairs([("voice", 1)])]
)


@st.composite
def mutated(draw: st.DrawFn, document: bytes) -> bytes:
    """The document after one to three changes of its structure, then perhaps one of its bytes."""
    root = [tree(document)]
    for _ in range(draw(st.integers(0, 3))):
        _change(draw, root)
    return _encoded(draw, written(root[0]))


def _change(draw: st.DrawFn, root: list[Any]) -> None:
    holders = [holder for holder in _holders(root) if holder]
    holder = draw(st.sampled_from(holders))
    at = draw(st.integers(0, len(holder) - 1))
    if not isinstance(holder, Pairs):
        how = draw(st.sampled_from(["set", "drop", "twice"])) if holder is not root else "set"
        value: Any = deepcopy(draw(VALUES))
    else:
        key, old = holder[at]
        how = draw(st.sampled_from(["set", "drop", "twice", "again", "rename", "before"]))
        other = draw(
            st.sampled_from([f"{key}\u200b", key.upper(), f" {key}", "voice", "health_state", "status"])
        )
        value = (key, deepcopy(draw(VALUES))) if how != "rename" else (other, old)
    if how in ("set", "rename"):
        holder[at] = value
    elif how == "drop":
        del holder[at]
    elif how == "again":
        holder.append(holder[at])
    else:
        holder.insert(at if how == "before" else len(holder), value)


def _holders(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, list):
        yield node
        for each in node:
            yield from _holders(each[1] if isinstance(node, Pairs) else each)


def _encoded(draw: st.DrawFn, text: str) -> bytes:
    content = text.encode("utf-8", "surrogatepass")
    match draw(st.sampled_from(["as it is"] * 12 + ["utf-16", "bom", "latin", "cut", "more", "deep", "nul"])):
        case "utf-16":
            return text.encode("utf-16", "surrogatepass")
        case "bom":
            return b"\xef\xbb\xbf" + content
        case "latin":
            return content.replace(b"a", b"\xe4", 1)
        case "cut":
            return content[: draw(st.integers(0, len(content)))]
        case "more":
            return content + draw(st.sampled_from([b"}", b" {}", b"\x00", b",", b"\n\n"]))
        case "deep":
            return content.replace(b"0", b"[" * DEEP + b"]" * DEEP, 1)
        case "nul":
            return content.replace(b",", b",\x00", 1)
        case _:
            return content


# --- what an oracle needs ---------------------------------------------------------------------------------


class UnclearError(Exception):
    """There is no one way to read it."""


def clear(content: bytes) -> Any:
    """The document, where nobody can read it in two ways. Raises UnclearError."""
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UnclearError(str(error)[:80]) from None
    if any(isinstance(leaf, float) and math.isinf(leaf) for leaf in leaves(document)):
        raise UnclearError("infinite")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if sorted(keys) != sorted(set(keys)):
        raise UnclearError("a key twice")
    return dict(pairs)


def _no_number(name: str) -> None:
    raise UnclearError(name)


def leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from leaves(each)
    else:
        yield node
