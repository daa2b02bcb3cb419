"""Finds the lines that say why a command failed in what it printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rollout.core.text import inert, inert_tail, plain

MAX_LINES = 10
"""Lines of one excerpt."""
_LONGEST_LINE = 2000
"""Characters of a line that are looked at; no error begins further right."""
_PANIC = re.compile(
    r"thread '[^']*'(?: \(\d+\))? panicked at"  # Rust
    r"|panic: |fatal error: "  # Go
    r"|Exception in thread \""  # Java; Python continues without the quote, and with a traceback
    r"|(?:.*: )?Assertion [`'].*failed"  # C
    r"|.*\b(?:Segmentation fault|AddressSanitizer:)"
)
_TRACEBACK = re.compile(r"[\s+]*(?:Exception Group )?Traceback \(most recent call last\):")
_ERROR = re.compile(
    r"\s*(?i:error|fatal)(?:\[\w+\])?: "  # cargo, git, anyhow, most command line tools
    r"|npm (?:ERR!|error) "
    r"|(?:Uncaught )?(?:\w+\.)*\w*(?:Error|Exception)(?: \[\w+\])?: "  # Node, Python without a traceback
)
_ERROR_INSIDE = re.compile(
    r"\S: (?:fatal |internal compiler )?error: "  # compilers: `file:line:column: error: `
    r"|\bERROR\b|\blevel=(?:error|fatal)\b|\"level\": ?\"(?:error|fatal)\""  # logs
)
_COMPLAINT = re.compile(
    r"command not found|: not found$|No such file or directory|Permission denied|\bcannot \w|\bcan't \w"
    r"|\*\*\* .*\bError \d"
)
_OF_A_BACKTRACE = re.compile(
    r"\s*\d+: +\S|\s+at \S|\s*\.\.\. \d+ |stack backtrace:|goroutine \d+ \[|\t\S+:\d+ "
    r"|note: (?:run with|Some details)"
)
_FRAME = " |+"
"""What Python draws around a group of exceptions."""


@dataclass(frozen=True)
class Excerpt:
    """What of a command's output says why it failed."""

    lines: tuple[str, ...] = ()
    """Inert, at most MAX_LINES; the first states the error, where one was recognized."""
    recognized: bool = False
    """Whether a line states an error; else `lines` are the last ones."""

    def in_one_line(self, limit: int) -> str:
        """Returns at most `limit` characters: from the error on, or the end where none was recognized."""
        text = " ".join(self.lines)
        return inert(text, limit) if self.recognized else inert_tail(text, limit)


def error_excerpt(output: str) -> Excerpt:
    """Returns the line that states the error, and what follows it without the frames of a backtrace.

    A crash counts before a line that says `error`, and that before a shell's complaint. Of several of
    one sort the first counts, because the others follow from it. Python ends with the exception that
    ended the program, so there the last traceback counts.
    """
    lines = [shown for line in output.split("\n") if (shown := _as_shown(line)).strip()]
    start = _first_error(lines)
    if start is None:
        return Excerpt(tuple(inert(line) for line in lines[-MAX_LINES:]))
    first, *after = lines[start:]
    kept = [first.lstrip(_FRAME), *(line for line in after if not _OF_A_BACKTRACE.match(line))]
    return Excerpt(tuple(inert(line) for line in kept[:MAX_LINES]), recognized=True)


def _as_shown(line: str) -> str:
    """Returns what a terminal shows of it: after a carriage return a line is written over."""
    return plain(line.rstrip("\r").rpartition("\r")[2][:_LONGEST_LINE])


def _first_error(lines: Sequence[str]) -> int | None:
    crashes = [_first(lines, _PANIC.match), _raised(lines)]
    errors = [_first(lines, _ERROR.match), _first(lines, _ERROR_INSIDE.search)]
    for found in (crashes, errors, [_first(lines, _COMPLAINT.search)]):
        if numbers := [number for number in found if number is not None]:
            return min(numbers)
    return None


def _first(lines: Sequence[str], states: Callable[[str], object]) -> int | None:
    return next((number for number, line in enumerate(lines) if states(line)), None)


def _raised(lines: Sequence[str]) -> int | None:
    """Returns the line of the exception that Python's last traceback ends with."""
    heads = [number for number, line in enumerate(lines) if _TRACEBACK.match(line)]
    if not heads:
        return None
    head, *frames = range(heads[-1], len(lines))
    return next((number for number in frames if _indent(lines[number]) <= _indent(lines[head])), None)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(_FRAME))
