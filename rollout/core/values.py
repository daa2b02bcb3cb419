"""The small values that state files are made of: times, durations, names and paths."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:[0-9]+[smhd])+")
_DURATION_PART = re.compile(r"([0-9]+)([smhd])")


class Model(BaseModel):
    """A frozen record that refuses unknown keys; every file of state is a tree of these."""

    # Deferred: a command builds validators for the few models that it meets, which halves its cold start.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, defer_build=True
    )


def parse_duration(text: object) -> int:
    """`90s`, `30m`, `1h30m`, `24h`, `7d` -> whole seconds.

    Raises ValueError for anything else, a bare number included: it has no unit.
    """
    if isinstance(text, str) and _DURATION.fullmatch(text):
        return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    raise ValueError(f"not a duration (write 30m, 24h or 1h30m): {text!r}")


def format_duration(seconds: float) -> str:
    """Whole seconds -> the shortest text that `parse_duration` reads back; days stay hours (`24h`)."""
    left = int(seconds)
    text = ""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def to_utc_seconds(moment: datetime) -> datetime:
    """The same moment in UTC, cut to the second: the resolution that state files carry."""
    return moment.astimezone(UTC).replace(microsecond=0)


def format_instant(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, `2026-11-23T10:15:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix_ms(moment: datetime) -> int:
    """Milliseconds since 1970, the unit that the product's own files use."""
    return int(moment.timestamp() * 1000)


def from_unix_ms(milliseconds: int) -> datetime:
    """The UTC moment of a product's millisecond time stamp, cut to the second."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def seconds_between(earlier: datetime, later: datetime) -> int:
    """Whole seconds from `earlier` to `later`; negative when they are the other way round."""
    return (later - earlier) // timedelta(seconds=1)


def _inside_its_folder(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ".." in parts or any(ord(c) < 32 for c in path):
        raise ValueError(f"a path must be relative and stay inside its folder: {path!r}")
    return path


def _text(value: object) -> object:
    # YAML reads an unquoted 1.5 as a number; say so instead of "should be a valid string".
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"is a number to YAML; put it in quotes: '{value}'")
    return value


JsonValue = Any  # what json.loads gives: only the payload parsers touch it, and they check each piece

Instant = Annotated[
    AwareDatetime, AfterValidator(to_utc_seconds), PlainSerializer(format_instant, return_type=str)
]
Duration = Annotated[
    int,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(format_duration, return_type=str),
    Field(json_schema_extra={"type": "string", "pattern": r"^([0-9]+[smhd])+$"}),
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""A train, surface, phase or sign-off item: also part of branch names, so narrow on purpose."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
"""A field or counter as a product names it."""
Sha = Annotated[str, BeforeValidator(_text), StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
"""A whole git object id, SHA-1 or SHA-256."""
Version = Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1, max_length=128)]
RelativePath = Annotated[
    str, StringConstraints(min_length=1, max_length=500), AfterValidator(_inside_its_folder)
]
Line = Annotated[str, StringConstraints(max_length=500)]
"""One line of text that a person or a product wrote: shown inert, never interpreted."""
