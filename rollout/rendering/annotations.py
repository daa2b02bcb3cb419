"""Workflow commands: what a job's log makes GitHub show beside a file, and text that must not become one."""

from __future__ import annotations

import re
from typing import Literal

from rollout.core.text import inert

Level = Literal["error", "warning", "notice"]

LONGEST = 2000
_FILE = re.compile(r"(state/[\w./-]+\.ya?ml):(?:(\d+):)? ")
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"##(?=\[)")


def annotation(level: Level, text: str, *, file: str = "", line: str = "", title: str = "") -> str:
    """Returns one workflow command, with everything escaped that could end it or begin another."""
    places = {"file": file, "line": line, "title": title}
    given = ",".join(f"{name}={_value(value)}" for name, value in places.items() if value)
    return f"::{level} {given}::{_data(text)}" if given else f"::{level}::{_data(text)}"


def error_annotation(text: str, file: str = "") -> str:
    """Renders one line of an error's message, at its place where it begins with `file:line: `."""
    place = _FILE.match(text)
    where, line = (place[1], place[2] or "") if place else (file, "")
    return annotation("error", text, file=where, line=line)


def tamed(text: str) -> str:
    """Returns text in which a runner finds no command, wherever a line happens to be broken."""
    return _OLD_COMMAND.sub("## ", _COMMAND.sub(r"\1: ", text))


def _data(text: str) -> str:
    return inert(text, LONGEST).replace("%", "%25")


def _value(text: str) -> str:
    value = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return value.replace(":", "%3A").replace(",", "%2C")
