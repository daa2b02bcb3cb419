"""The one number of a flag file that says the percent: found, and replaced without touching another byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn, cast

import yaml
import yaml.reader

from rollout.core.contract import FlagFile
from rollout.core.surfaces.payload import STRICT_JSON, MalformedError
from rollout.errors import InputError
from rollout.files.yaml_text import MAX_BYTES, MAX_DEPTH, load_yaml

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONGEST = 100
"""Characters of a number; nobody writes a percent with more."""
_SPACE = re.compile(r"[ \t\r\n]*")
_MARK = "\ufeff"
"""What some editors begin a file with."""
_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class FlagNumber:
    """The number that a pointer names."""

    value: float
    start: int
    """In characters of the text."""
    end: int


def number_in(content: bytes, flag: FlagFile) -> FlagNumber:
    """Returns the number that the flag file's pointer names.

    Raises InputError, beginning `path: pointer: `, for a file that cannot be read, or a pointer that names
    nothing, several things or no number.
    """
    text = _text(content, flag)
    start = len(text) - len(text.removeprefix(_MARK))
    find = _in_yaml if flag.path.lower().endswith(_YAML) else _in_json
    start, end = find(text, start, flag)
    written = text[start:end]
    if len(written) > _LONGEST or not _NUMBER.fullmatch(written):
        _refuse(flag, f"is no number but {written[:60]!r}", "name the number that says the percent")
    return FlagNumber(float(written), start, end)


def with_number(content: bytes, flag: FlagFile, percent: float) -> bytes:
    """Returns the file with `percent` in the place of that number; all else stays byte for byte.

    A file that says the percent already, in whatever spelling, is returned as it is. Raises as `number_in`.
    """
    found = number_in(content, flag)
    if found.value == percent:
        return content
    text = content.decode()
    return f"{text[: found.start]}{percent}{text[found.end :]}".encode()


def path_in(contract: bytes) -> str | None:
    """Returns the path of the flag file that a contract names, whatever else is wrong with the contract."""
    if b"flag_file" not in contract:
        return None
    try:
        found = load_yaml(contract, file="contract.yaml")
    except InputError:
        return None
    for key in ("apply", "flag_file", "path"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _text(content: bytes, flag: FlagFile) -> str:
    if len(content) > MAX_BYTES:
        _refuse(
            flag, f"cannot be looked for: the file is larger than {MAX_BYTES} bytes", "use a smaller file"
        )
    try:
        return content.decode()
    except UnicodeDecodeError:
        _refuse(flag, "cannot be looked for: the file is not UTF-8 text", "save the file as UTF-8")


def _refuse(flag: FlagFile, problem: str, hint: str) -> NoReturn:
    raise InputError(f"{flag.path}: {flag.pointer}: {problem}", hint=hint, file=flag.path)


def _nowhere(flag: FlagFile) -> NoReturn:
    _refuse(flag, "names nothing in the file", "a pointer has the keys, and indices of lists, from the top")


# --- JSON ------------------------------------------------------------------------------------------------


def _in_json(text: str, start: int, flag: FlagFile) -> tuple[int, int]:
    try:
        at = _after_space(text, start)
        end = STRICT_JSON.raw_decode(text, at)[1]
        if _after_space(text, end) != len(text):
            _refuse(flag, "cannot be looked for: there is more after the JSON document", "remove it")
        for token in flag.tokens:
            found = next((place for key, place in _members(text, at) if key == token), None)
            if found is None:
                _nowhere(flag)
            at = found
        return at, STRICT_JSON.raw_decode(text, at)[1]
    except MalformedError as error:
        _refuse(flag, f"cannot be looked for: the file is {error}", "fix the file")
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        _refuse(flag, f"cannot be looked for: the file is not JSON: {why[:200]}", "fix the file")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yields key or index, and where the value begins, of what begins at `at`. The text has to be JSON."""
    closing = {"{": "}", "[": "]"}.get(text[at])
    if closing is None:
        return
    is_list, index = closing == "]", 0
    at = _after_space(text, at + 1)
    while text[at] != closing:
        key = str(index)
        if not is_list:
            key, at = cast(tuple[str, int], STRICT_JSON.raw_decode(text, at))
            at = _after_space(text, _after_space(text, at) + 1)
        yield key, at
        at, index = _after_space(text, STRICT_JSON.raw_decode(text, at)[1]), index + 1
        if text[at] == ",":
            at = _after_space(text, at + 1)


# --- YAML ------------------------------------------------------------------------------------------------


def _in_yaml(text: str, start: int, flag: FlagFile) -> tuple[int, int]:
    walk = _Walk(text[start:], flag)
    try:
        found = walk.found()
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        _refuse(flag, f"cannot be looked for: the file is not YAML: {line}{error.problem}", "fix the file")
    except yaml.reader.ReaderError as error:
        _refuse(flag, f"cannot be looked for: the file is not YAML: {error.reason}", "fix the file")
    first, last = found.start_mark, found.end_mark
    assert first is not None
    assert last is not None
    if text[start + first.index : start + last.index] != found.value:
        _refuse(flag, f"is no number but {found.value[:60]!r}", "name the number that says the percent")
    return start + first.index, start + last.index


class _Walk:
    """One descent over a YAML document's events, along the pointer; the depth limit bounds the recursion."""

    def __init__(self, text: str, flag: FlagFile) -> None:
        self._flag = flag
        self._next = cast(Callable[[], yaml.Event], yaml.CSafeLoader(text).get_event)
        self._found: list[yaml.ScalarEvent] = []

    def found(self) -> yaml.ScalarEvent:
        self._next()  # StreamStart
        if isinstance(self._next(), yaml.StreamEndEvent):
            _nowhere(self._flag)
        self._node(self._next(), self._flag.tokens, 1)
        self._next()  # DocumentEnd
        if not isinstance(self._next(), yaml.StreamEndEvent):
            _refuse(self._flag, "cannot be looked for: the file has a second document", "keep one in a file")
        if not self._found:
            _nowhere(self._flag)
        return self._found[0]

    def _node(self, event: yaml.Event, tokens: tuple[str, ...] | None, depth: int) -> None:
        """Looks at a node. `tokens` lead on from it; None where it is not on the way."""
        if depth > MAX_DEPTH:
            _refuse(self._flag, f"cannot be looked for: nested deeper than {MAX_DEPTH}", "fix the file")
        if tokens is not None and isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            shared = f"is shared by an anchor or alias ({event.anchor[:60]}), so it counts elsewhere too"
            _refuse(self._flag, shared, "write the number out where it is used")
        if isinstance(event, yaml.ScalarEvent):
            if tokens == ():
                self._found.append(self._plain(event))
        elif isinstance(event, yaml.MappingStartEvent):
            self._mapping(tokens, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._sequence(tokens, depth)

    def _plain(self, event: yaml.ScalarEvent) -> yaml.ScalarEvent:
        if event.tag is not None or not event.implicit[0]:
            _refuse(
                self._flag, f"is no plain number but {event.value[:60]!r}", "write it without quotes or tag"
            )
        return event

    def _mapping(self, tokens: tuple[str, ...] | None, depth: int) -> None:
        self._refuse_end(tokens, "a mapping")
        is_met = False
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            name = key.value if isinstance(key, yaml.ScalarEvent) else None
            if name is None:
                self._node(key, None, depth + 1)
            rest = _rest(tokens, name)
            if is_met and rest is not None:
                twice = f"key {(name or '')[:60]!r} is there twice, and readers differ on which one counts"
                _refuse(self._flag, twice, "keep one of them")
            is_met = is_met or rest is not None
            self._node(self._next(), rest, depth + 1)

    def _sequence(self, tokens: tuple[str, ...] | None, depth: int) -> None:
        self._refuse_end(tokens, "a list")
        index = 0
        while not isinstance(item := self._next(), yaml.SequenceEndEvent):
            self._node(item, _rest(tokens, str(index)), depth + 1)
            index += 1

    def _refuse_end(self, tokens: tuple[str, ...] | None, what: str) -> None:
        if tokens == ():
            _refuse(self._flag, f"is no number but {what}", "name the number that says the percent")


def _rest(tokens: tuple[str, ...] | None, name: str | None) -> tuple[str, ...] | None:
    return tokens[1:] if tokens and tokens[0] == name else None
