"""What pydantic found wrong with a file, as lines that a person can act on: `phases.1.soak: message`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, TypeGuard, Union, get_args, get_origin

from rollout.core.contract.product import ReadWhenGiven
from rollout.core.nearest import did_you_mean
from rollout.core.values import IDENTIFIER_PATTERN, NAME_PATTERN, POINTER_PATTERN, SHA_PATTERN, Model

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]

_KEY = "[key]"  # how pydantic ends a location when a mapping's key is at fault, not its value
_MAX_SHOWN = 60
_PLAIN_KEY = re.compile(r"[\w-][\w. -]*")
_OWN_FIELD = re.compile(r"(\w+): (.+)", re.DOTALL)


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a document."""

    place: Place
    """Keys and list indices that lead there; empty for the document itself."""
    message: str
    is_unknown_key: bool = False

    @property
    def line(self) -> str:
        return f"{dotted(self.place)}: {self.message}" if self.place else self.message


def describe(error: ValidationError, model: type[Model]) -> list[str]:
    """Returns every mistake in data that was meant to be a `model`, each as `dotted.field: message`, in its
    order.

    A mistake of the whole document has no field, only the message.
    """
    return [mistake.line for mistake in find_mistakes(error, model)]


def find_mistakes(error: ValidationError, model: type[Model]) -> list[Mistake]:
    """Returns every mistake in data that was meant to be a `model`, in its order, each once."""
    found = ((details, _find(details["loc"], model)) for details in error.errors(include_url=False))
    mistakes = (_mistake(details, spot) for details, spot in found if not _is_echo(details, spot))
    return list(dict.fromkeys(mistakes))


def dotted(place: Place) -> str:
    """Joins `("phases", 1, "soak")` to `phases.1.soak`; a key that would garble the line is quoted."""
    return ".".join(part if _PLAIN_KEY.fullmatch(part) else ascii(part) for part in map(str, place))


# --- where -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Spot:
    """Where a mistake is: as people write it, and in the types."""

    place: Place
    owner: object
    """The type that holds the last part of `place`."""
    here: object
    """The type that belongs there; None where nothing does."""
    is_branch: bool
    """Whether `here` is only one of several types that would do."""


def _find(location: Place, model: type[Model]) -> _Spot:
    # A location names union members between the keys; nobody wrote those, so they are left out.
    place: list[str | int] = []
    owner: object = None
    here: object = model
    is_branch = False
    for part in location:
        is_branch = len(_members(here)) > 1
        if is_branch:
            here = _branch(here, part)
        elif part != _KEY:
            place.append(part)
            owner, here = here, _bare(_child(here, part))
    return _Spot(tuple(place), owner, here, is_branch)


def _bare(annotation: object) -> object:
    """Returns the annotation without its constraints and without `| None`."""
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        annotation = next((each.annotation for each in more if isinstance(each, ReadWhenGiven)), annotation)
    members = _members(annotation)
    return _bare(members[0]) if len(members) == 1 else annotation


def _members(annotation: object) -> list[object]:
    """Returns what a union is made of, None apart; empty for anything else."""
    if get_origin(annotation) not in (Union, UnionType):
        return []
    return [member for member in get_args(annotation) if member is not NoneType]


def _branch(union: object, label: str | int) -> object:
    models = [member for member in _members(union) if _is_model(member)]
    return next((each for each in models if label == each.__name__ or label in _kinds(each)), None)


_TAGS = ("kind", "provider")
"""The keys that tell one model of a union from another."""


def _tag(model: type[Model]) -> str:
    return next((tag for tag in _TAGS if tag in model.model_fields), _TAGS[0])


def _kinds(model: type[Model]) -> tuple[object, ...]:
    kind = model.model_fields.get(_tag(model))
    return get_args(kind.annotation) if kind else ()


def _tag_of(union: object) -> str:
    """Returns the key by which the models of a union are told apart."""
    return next((_tag(member) for member in _members(union) if _is_model(member)), _TAGS[0])


def _child(holder: object, part: str | int) -> object:
    if _is_model(holder):
        return _fields(holder).get(str(part))
    types = get_args(holder)
    return types[-1] if get_origin(holder) is dict else types[0] if get_origin(holder) is tuple else None


def _is_model(annotation: object) -> TypeGuard[type[Model]]:
    return isinstance(annotation, type) and issubclass(annotation, Model)


def _fields(model: type[Model]) -> dict[str, object]:
    """Maps keys as people write them to annotations."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


# --- what ------------------------------------------------------------------------------------------------


def _is_echo(details: ErrorDetails, spot: _Spot) -> bool:
    """Returns whether it only repeats, in the words of another type or of the whole list, what is said
    elsewhere.
    """
    if details["type"] == "too_short":
        return bool(len(details["input"]) >= details["ctx"]["min_length"])
    return spot.is_branch and isinstance(details["input"], Mapping) != _is_model(spot.here)


def _mistake(details: ErrorDetails, spot: _Spot) -> Mistake:
    place, message = spot.place, _message(details, spot)
    if details["type"] in ("union_tag_invalid", "union_tag_not_found"):
        place = (*place, _tag_of(spot.here))
    own = _OWN_FIELD.fullmatch(message)
    if details["type"] == "value_error" and own and _is_model(spot.here) and own[1] in _fields(spot.here):
        place, message = (*place, own[1]), own[2]
    if details["loc"][-1:] == (_KEY,):
        message = f"as a key {message}"
    return Mistake(place, message, is_unknown_key=details["type"] == "extra_forbidden")


def _message(details: ErrorDetails, spot: _Spot) -> str:
    context = details.get("ctx", {})
    seen = _shown(details["input"])
    match details["type"]:
        case "extra_forbidden":
            known = _fields(spot.owner) if _is_model(spot.owner) else ()
            return f"unknown key{did_you_mean(str(spot.place[-1]), known)}"
        case "union_tag_not_found":
            return f"is missing; it is one of {', '.join(_all_kinds(spot.here))}"
        case "union_tag_invalid":
            tag = str(context["tag"])
            return f"unknown {_tag_of(spot.here)} {_shown(tag)}{did_you_mean(tag, _all_kinds(spot.here))}"
        case "string_pattern_mismatch":
            return f"{seen} {_PATTERNS.get(context['pattern'], 'does not match ' + context['pattern'])}"
        case "value_error":
            return _cut(str(context["error"]))
        case "literal_error":
            # Python's words for what YAML writes in small letters.
            expected = re.sub(r"\b(True|False)\b", lambda word: word[0].lower(), context["expected"])
            return _ONE_OF.format(expected=expected, seen=seen)
        case kind if kind in _SENTENCES:
            return _SENTENCES[kind].format(seen=seen, **context)
        case _:
            return f"{details['msg']}: {seen}"


def _all_kinds(union: object) -> list[str]:
    return [str(kind) for member in _members(union) if _is_model(member) for kind in _kinds(member)]


def _shown(value: object) -> str:
    """Escapes and cuts it: a file may hold anything."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return _cut("nothing" if value is None else ascii(value), _MAX_SHOWN)


def _cut(text: str, length: int = 300) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


_PATTERNS = {
    NAME_PATTERN: "is not a name: use lower-case letters, digits, dots, dashes and underscores, at most 63",
    IDENTIFIER_PATTERN: "is not an identifier: use letters, digits, dots, dashes and underscores",
    POINTER_PATTERN: "is not a JSON Pointer: write /KEY/KEY, with ~1 for a slash in a key and ~0 for a tilde",
    SHA_PATTERN: "is not a whole commit id of 40 (or 64) hexadecimal digits",
}

_A_MAPPING = "must be a mapping of keys to values, not {seen}"
_A_NUMBER = "must be a number, not {seen}"
_A_WHOLE_NUMBER = "must be a whole number, not {seen}"
_ONE_OF = "must be {expected}, not {seen}"
_TRUE_OR_FALSE = "must be true or false, not {seen}"
_SENTENCES = {
    "missing": "is missing",
    "enum": _ONE_OF,
    "greater_than": "must be above {gt:g}, not {seen}",
    "greater_than_equal": "must be at least {ge}, not {seen}",
    "less_than": "must be below {lt:g}, not {seen}",
    "less_than_equal": "must be at most {le}, not {seen}",
    "too_short": "must have at least {min_length}, has {actual_length}",
    "too_long": "must have at most {max_length}, has {actual_length}",
    "string_too_short": "must have at least {min_length} characters, not {seen}",
    "string_too_long": "must have at most {max_length} characters, not {seen}",
    "string_type": "must be text, not {seen}",
    "bool_type": _TRUE_OR_FALSE,
    "bool_parsing": _TRUE_OR_FALSE,
    "int_type": _A_WHOLE_NUMBER,
    "int_parsing": _A_WHOLE_NUMBER,
    "int_from_float": _A_WHOLE_NUMBER,
    "float_type": _A_NUMBER,
    "float_parsing": _A_NUMBER,
    "finite_number": "must be a finite number, not {seen}",
    "tuple_type": "must be a list, not {seen}",
    "dict_type": _A_MAPPING,
    "model_type": _A_MAPPING,
    "model_attributes_type": _A_MAPPING,
}
