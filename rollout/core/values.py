"""The small values that state files are made of: times, durations, names and paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic_core.core_schema import (
    CoreSchema,
    SerSchema,
    datetime_schema,
    float_schema,
    no_info_after_validator_function,
    no_info_before_validator_function,
    no_info_plain_validator_function,
    plain_serializer_function_ser_schema,
    str_schema,
)

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:[0-9]+[smhd])+")
_LONGEST = 60
"""Characters of a duration: Python refuses to read numbers of some thousand digits."""
_DURATION_PART = re.compile(r"([0-9]+)([smhd])")


class Model(BaseModel):
    """A frozen record that refuses unknown keys; every file of state is a tree of these."""

    # Deferred: a command builds validators for the few models that it meets, which halves its cold start.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, defer_build=True
    )


def parse_duration(text: object) -> int:
    """Returns whole seconds, for `90s`, `30m`, `1h30m`, `24h`, `7d`.

    Raises ValueError for anything else, a bare number included: it has no unit.
    """
    if isinstance(text, str) and len(text) <= _LONGEST and _DURATION.fullmatch(text):
        return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    raise ValueError(f"not a duration (write 30m, 24h or 1h30m): {text!r}")


@lru_cache(maxsize=256)
def format_duration(seconds: float) -> str:
    """Writes seconds as the shortest text that `parse_duration` reads back; days stay hours (`24h`)."""
    left = int(seconds)
    text = ""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def to_utc_seconds(moment: datetime) -> datetime:
    """Returns the same moment in UTC, cut to the second: the resolution that state files carry.

    Raises ValueError where its offset leads out of the calendar.
    """
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError("is outside years 1 to 9999 in UTC") from None


def format_instant(moment: datetime) -> str:
    """Returns RFC 3339 in UTC to the second, `2026-11-23T10:15:00Z`."""
    # Not strftime: its %Y has fewer than four figures before year 1000, which no reader takes.
    return f"{to_utc_seconds(moment).replace(tzinfo=None).isoformat()}Z"


def compact_instant(moment: datetime) -> str:
    """Returns the same for names and ids, `20261123T101500Z`."""
    return format_instant(moment).replace("-", "").replace(":", "")


def unix_ms(moment: datetime) -> int:
    """Returns milliseconds since 1970, the unit that the product's own files use."""
    return int(moment.timestamp() * 1000)


def from_unix(seconds: float) -> datetime:
    """Returns the time that many seconds after 1970, or the last of year 9999 where that is later."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return _LAST if seconds > 0 else _FIRST


_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
Milliseconds = Annotated[int, Field(ge=0, le=253_402_300_799_999)]
"""Since 1970, up to the end of year 9999."""


def from_unix_ms(milliseconds: int) -> datetime:
    """Returns the UTC moment of a product's millisecond time stamp, cut to the second."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def seconds_between(earlier: datetime, later: datetime) -> int:
    """Returns whole seconds from `earlier` to `later`; negative when they are the other way round."""
    return (later - earlier) // timedelta(seconds=1)


def _inside_its_folder(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ".." in parts or any(ord(c) < 32 for c in path):
        raise ValueError(f"a path must be relative and stay inside its folder: {path!r}")
    return path


_WHOLE = 100
LEAST_PERCENT = 0.0001
"""One user in a million. Python writes each percent from here on as the shortest decimal."""


def _shortest(percent: float) -> float:
    """Returns a whole number as int, so that 5 and 5.0 are both written as 5."""
    number = int(percent) if percent.is_integer() else percent
    if not 0 <= number <= _WHOLE:
        raise ValueError(f"must be {'at least 0' if number < 0 else f'at most {_WHOLE}'}, not {number}")
    if 0 < number < LEAST_PERCENT:
        raise ValueError(f"must be 0, or at least {LEAST_PERCENT}")
    return number


def _text(value: object) -> object:
    # YAML reads an unquoted 1.5 as a number; say so instead of "should be a valid string".
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"is a number to YAML; put it in quotes: '{value}'")
    return value


JsonValue = Any  # what json.loads gives: only the payload parsers touch it, and they check each piece


class _Kind:
    """Tells pydantic at once how a small value is read and written.

    A contract and a status have hundreds of them: worked out from constraints and validators each time, they
    were a quarter of what a cold start spends on building models.
    """

    def __init__(self, schema: CoreSchema, *, shown: Mapping[str, str | int] | None = None) -> None:
        """`shown` is the JSON Schema, where pydantic cannot tell it."""
        self._schema = schema
        self._shown = shown

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        return copy(self._schema)  # pydantic writes on what it is given

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) if self._shown is None else dict(self._shown)


def _written_by(write: Callable[[Any], str]) -> SerSchema:
    return plain_serializer_function_ser_schema(write, return_schema=str_schema())


NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
IDENTIFIER_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"
POINTER_PATTERN = r"^(/([^~/\x00-\x1f\x7f]|~[01])*)+$"
SHA_PATTERN = r"^[0-9a-f]{40}([0-9a-f]{24})?$"

_instant = no_info_after_validator_function(
    to_utc_seconds, datetime_schema(tz_constraint="aware"), serialization=_written_by(format_instant)
)
_duration = no_info_plain_validator_function(parse_duration, serialization=_written_by(format_duration))
_sha = no_info_before_validator_function(_text, str_schema(pattern=SHA_PATTERN))
_version = no_info_before_validator_function(_text, str_schema(min_length=1, max_length=128))
_percent = no_info_after_validator_function(
    _shortest,
    float_schema(allow_inf_nan=False),
    serialization=plain_serializer_function_ser_schema(lambda percent: percent),
)
_path = no_info_after_validator_function(_inside_its_folder, str_schema(min_length=1, max_length=500))

Instant = Annotated[datetime, _Kind(_instant)]
Duration = Annotated[int, _Kind(_duration, shown={"type": "string", "pattern": r"^([0-9]+[smhd])+$"})]
Name = Annotated[str, _Kind(str_schema(pattern=NAME_PATTERN))]
"""A train, surface, phase or sign-off item: also part of branch names, so narrow on purpose."""
Identifier = Annotated[str, _Kind(str_schema(pattern=IDENTIFIER_PATTERN))]
"""A field or counter as a product names it."""
Sha = Annotated[str, _Kind(_sha)]
"""A whole git object id, SHA-1 or SHA-256."""
Version = Annotated[str, _Kind(_version)]
Percent = Annotated[float, _Kind(_percent, shown={"type": "number", "minimum": 0, "maximum": _WHOLE})]
"""A share of users, from 0 to 100; fractions too. A whole number is an int."""
RelativePath = Annotated[str, _Kind(_path)]
Line = Annotated[str, _Kind(str_schema(max_length=500))]
"""One line of text that a person or a product wrote: shown inert, never interpreted."""
