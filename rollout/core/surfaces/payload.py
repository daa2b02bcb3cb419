"""What every payload parser needs: strict JSON, and values that are checked before they are believed.

`decode` is the only JSON decoder of the tool: whatever it reads, a key that is given twice is no answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from datetime import datetime

from rollout.core.observation import MAX_COUNTERS, MAX_FIELDS, HealthState
from rollout.core.text import inert
from rollout.core.values import JsonValue, from_unix_ms

MAX_PAYLOAD = 4 * 1024 * 1024
"""Bytes of one payload: far above what a surface prints, far below what hurts."""
FAILURE_STREAK = "failure_streak"
LAST_CYCLE_FAILED = "last_cycle_failed"
CYCLE_FIELDS = (FAILURE_STREAK, "queue_depth", LAST_CYCLE_FAILED)
"""The numeric fields that the runbook's contract speaks of: counts, so never below zero."""
CYCLE = frozenset(
    {
        *CYCLE_FIELDS,
        "active_runs",
        "cycle_duration_ms",
        "last_cycle_completed",
        "last_cycle_discovered",
        "last_cycle_duplicates",
        "last_cycle_processed",
    }
)
"""Every number of tau's `health` objects."""
LARGEST = 2**63 - 1
"""The largest number that a surface can report, and below zero the smallest."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class MalformedError(ValueError):
    """A payload that says nothing: the message is one line and says why."""


def decode(payload: bytes, limit: int = MAX_PAYLOAD) -> JsonValue:
    """Returns the JSON document in UTF-8 bytes.

    Raises MalformedError when it is empty, larger than `limit` bytes, not UTF-8, not JSON (NaN and
    Infinity are not), nested too deeply, or ambiguous: an object that gives a key twice, a number that no
    float holds.
    """
    if len(payload) > limit:
        raise MalformedError(f"larger than {limit} bytes")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise MalformedError("empty")
    try:
        return STRICT_JSON.decode(text)
    except MalformedError:
        raise
    except RecursionError:
        raise MalformedError("JSON nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"not JSON: {inert(str(error), 120)}") from None
    except ValueError:
        # Python reads no whole number of some thousand digits, and advises on how to make it do so.
        raise MalformedError("a number too large to read") from None


def _refuse_constant(name: str) -> None:
    raise MalformedError(f"not JSON: {name} is not a number")


def _unambiguous(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Returns the object; of two values for one key nobody can say which one holds."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedError(f"contradictory: the key {inert(twice, 40)!r} is given twice")
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise MalformedError(f"a number too large to read: {inert(digits, 40)}")
    return value


# Made once: `json.loads` with hooks makes a decoder anew at each call, which costs as much as decoding.
STRICT_JSON = json.JSONDecoder(
    object_pairs_hook=_unambiguous, parse_float=_finite, parse_constant=_refuse_constant
)


def an_object(value: JsonValue, what: str) -> dict[str, JsonValue]:
    """Returns the value, which has to be a JSON object. Raises MalformedError."""
    if not isinstance(value, dict):
        raise MalformedError(f"{what} is not an object")
    return value


def a_list(value: JsonValue, what: str) -> list[JsonValue]:
    """Returns the value, which has to be a JSON array. Raises MalformedError."""
    if not isinstance(value, list):
        raise MalformedError(f"{what} is not a list")
    return value


def is_identifier(name: str) -> bool:
    """Returns whether a contract could name such a field or counter at all."""
    return _IDENTIFIER.fullmatch(name) is not None


def hides_something(name: str) -> bool:
    """Returns whether the name holds what is not seen: left out, it would hide the count that it looks
    like.
    """
    return inert(name, len(name) + 1) != name


def number(value: JsonValue) -> int | float | None:
    """Returns a finite number within 64 bits, true and false as 1 and 0; None for anything else."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float) and abs(value) <= LARGEST:  # false for NaN too
        return value
    return None


def count(value: JsonValue) -> int | None:
    """Returns a whole number from 0 up, true and false as 1 and 0; None for anything else."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def shown(value: JsonValue, limit: int = 40) -> str:
    """Returns a value as messages show it, on one line."""
    try:
        return inert(repr(value), limit)
    except (RecursionError, ValueError):  # Python writes no whole number of some thousand digits
        return "a value too large to show"


def numeric_fields(values: Mapping[str, JsonValue], counts: Collection[str]) -> dict[str, int | float]:
    """Returns the numbers among the values. What is no number is left out, and so unknown to whoever asks.

    Raises MalformedError when a cycle field is there and is no count, or one of `counts` is below zero: such
    a payload cannot be trusted.
    """
    fields: dict[str, int | float] = {}
    for name, value in values.items():
        if name in CYCLE_FIELDS and count(value) is None:
            raise MalformedError(f"{name} is not a count: {inert(repr(value), 40)}")
        found = number(value)
        if found is not None and found < 0 and name in counts:
            raise MalformedError(f"{name} is a count, and below zero: {inert(repr(value), 40)}")
        if found is not None and is_identifier(name) and len(fields) < MAX_FIELDS:
            fields[name] = found
    return fields


def totals(value: JsonValue, what: str) -> dict[str, int]:
    """Returns a map of absolute totals.

    Raises MalformedError for anything in it that is no total: left out, it would read as 0.
    """
    counters: dict[str, int] = {}
    for name, total in an_object(value, what).items():
        counted = None if isinstance(total, bool) else count(total)
        if counted is None:
            raise MalformedError(f"{what}.{inert(name, 40)} is not a total")
        if hides_something(name):
            raise MalformedError(f"{what}: a name that looks like {inert(name, 40)}, and is another")
        if is_identifier(name):
            counters[name] = counted
    if len(counters) > MAX_COUNTERS:
        raise MalformedError(f"{what} has more than {MAX_COUNTERS} counters")
    return counters


def health_state(value: JsonValue) -> HealthState:
    """Raises MalformedError for a word that is none of ours: nobody can say whether it means healthy."""
    if isinstance(value, str) and value in set(HealthState):
        return HealthState(value)
    raise MalformedError(f"health_state is not one of {', '.join(HealthState)}: {inert(repr(value), 40)}")


def moment(value: JsonValue, what: str) -> datetime:
    """Returns a time in milliseconds since 1970. Raises MalformedError."""
    milliseconds = None if isinstance(value, bool) else count(value)
    try:
        if milliseconds is not None:
            return from_unix_ms(milliseconds)
    except (OverflowError, ValueError, OSError):
        pass  # beyond the calendar
    raise MalformedError(f"{what} is not a time in milliseconds: {inert(repr(value), 40)}")


def label(value: JsonValue) -> str | None:
    """Returns text that is already inert, so that cleaning can never turn one word into another;
    None otherwise.
    """
    return value if isinstance(value, str) and inert(value, 500) == value else None
