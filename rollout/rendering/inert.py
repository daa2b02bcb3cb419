"""Text of products and people, made inert: it can be read, and can do nothing.

One helper for each place that text is shown in: `line` (terminals), `plain` (commit messages, titles),
`code` (Markdown) and `marker_value` (hidden markers). Each gives one line without control, bidirectional
or invisible characters, cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from rollout.core.text import inert

LIMIT = 200
"""Characters that are shown of one text when nothing else is said."""
DOCUMENT_LIMIT = 60_000
"""GitHub refuses a body of more than 65,536 characters."""

_ACTIVE = (
    (re.compile("[@#]"), r"\g<0> "),  # @mention, #123
    (re.compile(r"\bgh-(?=\d)", re.I), r"\g<0> "),  # GH-123
    (re.compile("://"), ": //"),  # `closes https://...` closes an issue
    (re.compile(r"\["), "("),  # [skip ci] makes GitHub skip the checks
    (re.compile(r"\]"), ")"),
    (re.compile("`"), "'"),
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NARROW = re.compile(r"[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027✓✗]*")
"""Characters of one column each: text of these alone, which is nearly all, needs no table."""
_WORDS = re.compile(r"( *)([^ ]+)")


def line(text: str, limit: int = LIMIT) -> str:
    """One printable line of at most `limit` characters; `…` at its end says that it was cut."""
    return inert(text, limit)


def plain(text: str, limit: int = LIMIT) -> str:
    """A line for commit messages and titles: no mention, reference, closing link or `[skip ci]` in it."""
    shown = line(text, limit)
    for pattern, replacement in _ACTIVE:
        shown = pattern.sub(replacement, shown)
    return line(shown, limit)


class Markdown(str):
    """A fragment that is Markdown on purpose: the only text that a template shows as it is."""

    __slots__ = ()


def code(text: str, limit: int = LIMIT) -> Markdown:
    """A code span: in it GitHub looks for no markup, mention, reference or link.

    Nothing inside can end the span, because a backtick becomes `'`, or the table cell, because a pipe
    becomes `¦`. That changes what is shown a little, and needs no trust in any parser's corner cases.
    """
    shown = line(text, limit).replace("`", "'").replace("|", "¦")
    return Markdown(f"`{shown}`" if shown else "")


def finalize(value: object) -> str:
    """What a template prints for a value: numbers and Markdown as they are, all other text as code.

    Raises TypeError for anything else, so that no object's repr slips into a document.
    """
    if isinstance(value, Markdown):
        return value
    if isinstance(value, str):
        return code(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"a template prints text and whole numbers, not {type(value).__name__}")


def marker_value(text: str) -> str:
    """Text for a hidden marker: percent-encoded, so that it has no space and cannot end the comment."""
    return quote(line(text), safe="+").replace("--", "-%2D")


def cut(document: str, limit: int = DOCUMENT_LIMIT) -> str:
    """The document's first lines, at most `limit` characters, with a note when lines were left out."""
    if len(document) <= limit:
        return document
    note = "\n\n_Cut here: it is too long for a pull request. `rollout status` shows all of it._\n"
    return document[: max(document.rfind("\n", 0, limit - len(note)), 0)] + note


def width(text: str) -> int:
    """Columns that a line takes in a terminal."""
    if _NARROW.fullmatch(text):
        return len(text)
    from wcwidth import wcswidth

    return max(0, wcswidth(text))


def pad(text: str, columns: int) -> str:
    """The line filled with spaces up to so many columns; a longer one stays as it is."""
    return text + " " * (columns - width(text))


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line a row, indented by two; every row has the same number of cells."""
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(pad(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def fitted(text: str, columns: int) -> str:
    """The text for a terminal of so many columns: a wider line goes on below, two columns further in.

    A word that is wider than that stays whole: it may be something to copy, such as a command or a path.
    """
    return "\n".join(part for each in text.split("\n") for part in _broken(each, columns))


def _broken(text: str, columns: int) -> list[str]:
    if width(_COLOUR.sub("", text)) <= columns:
        return [text]
    indent = min(len(text) - len(text.lstrip(" ")) + 2, columns // 3)
    lines, used = [""], 0
    for spaces, word in _WORDS.findall(text):
        size = width(_COLOUR.sub("", word))
        if used > indent and used + len(spaces) + size > columns:
            lines, used, spaces = [*lines, " " * indent], indent, ""
        lines[-1] += spaces + word
        used += len(spaces) + size
    return lines
