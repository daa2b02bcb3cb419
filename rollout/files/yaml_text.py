"""YAML as text: a safe reader that names file and line of whatever it refuses, and a stable writer.

Both work on libyaml's events, without nodes in between: a limit is hit before anything it guards is built,
and reading and writing take a fifth of the time of yaml.load and yaml.dump.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from io import StringIO
from typing import Never, cast

import yaml
import yaml.reader
import yaml.representer

from rollout.core.text import escaped, is_invisible
from rollout.errors import InputError

MAX_BYTES = 1 << 20
MAX_DEPTH = 50
_MAX_NUMBER = 100  # longer scalars are text: a base-60 number takes quadratic time to read

_TEXT = "tag:yaml.org,2002:str"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_AS_TEXT = {_TIMESTAMP, *(f"tag:yaml.org,2002:{kind}" for kind in ("merge", "value", "yaml"))}
_NO_LINE_BREAK = 1 << 20


def load_yaml(text: str | bytes, *, file: str) -> object:
    """Returns the one document in `text` as dict, list, str, int, float, bool and None; empty text is None.

    Timestamps stay text. Raises InputError, its message beginning `file:line: `, for anything but plain data:
    broken syntax, more than 1 MiB or 50 levels, a second document, a duplicate or non-text key, an anchor,
    alias, tag or merge key.
    """
    reader = _Reader(_checked_bytes(text, file), file)
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _refuse(
            file, mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}", _SYNTAX_HINT
        )
    except yaml.reader.ReaderError as error:
        line = reader.raw.count(b"\n", 0, error.position) + 1
        _refuse(
            file, line, f"not YAML: {error.reason}", "remove the control character, or escape it in quotes"
        )


def dump_yaml(data: object) -> str:
    """Returns block YAML with keys in the given order, which `load_yaml` reads back as an equal value.

    Equal values give equal text; no anchors, no wrapped lines. Invisible characters are written as escapes.
    """
    text = StringIO()
    emitter = yaml.CSafeDumper(text, width=_NO_LINE_BREAK, allow_unicode=True)
    emitter.open()
    emitter.emit(yaml.DocumentStartEvent(explicit=False))
    _emit(data, emitter.emit)
    emitter.emit(yaml.DocumentEndEvent(explicit=False))
    emitter.close()
    # They stand in double quotes, where YAML knows these escapes (`_text_event`).
    return escaped(text.getvalue())


# --- reading ---------------------------------------------------------------------------------------------

_SYNTAX_HINT = "check the indentation, the colons and the quotes around that line"
_UTF8_HINT = "save the file as UTF-8"
_QUOTE_HINT = "put it in quotes to make it text"
_PLAIN_HINT = "state files are plain data: write the value out"


def _refuse(file: str, line: int, problem: str, hint: str) -> Never:
    raise InputError(f"{file}:{line}: {problem}", hint=hint, file=file)


def _checked_bytes(text: str | bytes, file: str) -> bytes:
    try:
        raw = text.encode() if isinstance(text, str) else text
        if len(raw) <= MAX_BYTES:
            raw.decode()
            return raw
    except UnicodeEncodeError as error:
        _refuse(file, error.object.count("\n", 0, error.start) + 1, "not Unicode text", _UTF8_HINT)
    except UnicodeDecodeError as error:
        _refuse(file, error.object.count(b"\n", 0, error.start) + 1, "not UTF-8 text", _UTF8_HINT)
    _refuse(file, 1, f"larger than {MAX_BYTES} bytes", "state is small: look for what does not belong there")


class _Reader:
    """One recursive descent over the events; the depth limit bounds the recursion."""

    def __init__(self, raw: bytes, file: str) -> None:
        self.raw = raw
        self._file = file
        self._next = cast(Callable[[], yaml.Event], yaml.CSafeLoader(raw).get_event)

    def document(self) -> object:
        self._next()  # StreamStart
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        value = self._value(self._next(), 1)
        self._next()  # DocumentEnd
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._refuse(after, "a second document", "keep one document in a file")
        return value

    def _value(self, event: yaml.Event, depth: int) -> object:
        if type(event) is yaml.ScalarEvent:
            return self._scalar(event)
        if type(event) is yaml.AliasEvent:
            self._refuse(event, f"an alias (*{str(event.anchor)[:60]})", _PLAIN_HINT)
        if depth > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels", _PLAIN_HINT)
        if type(event) is yaml.MappingStartEvent:
            self._refuse_decoration(event)
            return self._mapping(depth)
        self._refuse_decoration(cast(yaml.SequenceStartEvent, event))
        return self._sequence(depth)

    def _sequence(self, depth: int) -> list[object]:
        items = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, object]:
        items: dict[str, object] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._key(event)
            if key in items:
                self._refuse(event, f"duplicate key {key[:60]!r}", "keep one of them")
            items[key] = self._value(self._next(), depth + 1)
        return items

    def _key(self, event: yaml.Event) -> str:
        if type(event) is yaml.AliasEvent:
            self._refuse(event, f"an alias (*{str(event.anchor)[:60]})", _PLAIN_HINT)
        if type(event) is not yaml.ScalarEvent:
            self._refuse(event, "a key that is a list or a mapping", "use text as keys")
        key = self._scalar(event)
        if not isinstance(key, str):
            self._refuse(event, f"a key that is not text: {event.value[:60] or 'nothing'}", _QUOTE_HINT)
        if key == "<<" and event.implicit[0]:
            self._refuse(event, "a merge key (<<)", _PLAIN_HINT)
        return key

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        if event.anchor is not None or event.tag is not None:
            self._refuse_decoration(event)
        if not event.implicit[0] or len(event.value) > _MAX_NUMBER:
            return event.value
        try:
            return _plain_value(event.value)
        except ValueError:
            self._refuse(event, f"not a number: {event.value[:60]}", _QUOTE_HINT)

    def _refuse_decoration(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._refuse(event, f"an anchor (&{event.anchor[:60]})", _PLAIN_HINT)
        if event.tag is not None:
            self._refuse(event, f"a tag ({event.tag[:60]})", _PLAIN_HINT)

    def _refuse(self, event: yaml.Event, problem: str, hint: str) -> Never:
        _refuse(self._file, event.start_mark.line + 1 if event.start_mark else 1, problem, hint)


_scalars = yaml.SafeLoader("")
_resolve: Callable[[type, str, tuple[bool, bool]], str] = _scalars.resolve


@lru_cache(maxsize=4096)
def _plain_value(text: str) -> object:
    """Returns what an unquoted scalar means. Raises ValueError for what looks like a number and is none
    (`0x_`).
    """
    tag = _resolve(yaml.ScalarNode, text, (True, False))
    if tag == _TEXT or tag in _AS_TEXT:
        return text
    return _scalars.yaml_constructors[tag](_scalars, yaml.ScalarNode(tag, text))


# --- writing ---------------------------------------------------------------------------------------------

_Emit = Callable[[yaml.Event], None]

_MAPPING = yaml.MappingStartEvent(None, None, True, flow_style=False)
_SEQUENCE = yaml.SequenceStartEvent(None, None, True, flow_style=False)
_MAPPING_END, _SEQUENCE_END = yaml.MappingEndEvent(), yaml.SequenceEndEvent()


def _emit(value: object, emit: _Emit) -> None:
    if isinstance(value, dict):
        emit(_MAPPING)
        for key, item in value.items():
            emit(_scalar_event(key))
            _emit(item, emit)
        emit(_MAPPING_END)
    elif isinstance(value, list | tuple):
        emit(_SEQUENCE)
        for item in value:
            _emit(item, emit)
        emit(_SEQUENCE_END)
    else:
        emit(_scalar_event(value))


def _scalar_event(value: object) -> yaml.ScalarEvent:
    """Raises yaml.YAMLError for what is no plain data."""
    if isinstance(value, str):
        return _text_event(value)
    return yaml.ScalarEvent(None, None, (True, False), cast(yaml.ScalarNode, _represent(value)).value)


@lru_cache(maxsize=4096)
def _text_event(text: str) -> yaml.ScalarEvent:
    """Writes it plain where it reads back as text, time stamps included."""
    several_lines = len(text.splitlines()) > 1 or text.endswith("\n")
    is_plain = _resolve(yaml.ScalarNode, text, (True, False)) in (_TEXT, _TIMESTAMP)
    is_quoted = several_lines or (not text.isascii() and any(map(is_invisible, set(text))))
    return yaml.ScalarEvent(None, None, (is_plain, True), text, style='"' if is_quoted else None)


_represent = yaml.representer.SafeRepresenter().represent_data
