"""Makes text that products and people wrote inert, where it enters.

Escaping for Markdown is rendering's work.
"""

from __future__ import annotations

import re
import unicodedata

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles and links
    r"|\x1b[ -/]*[0-~]"
)
_NEVER_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories: controls, bidi and zero-width marks, lone surrogates, private and unassigned."""
_IGNORABLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Fillers and variation selectors: letters and marks to Unicode, and drawn as nothing
(Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt)."""
_STYLES = "\ufe0e\ufe0f"
"""As text or as emoji: seen, where they follow what can be drawn both ways."""
_DRAWN_BOTH_WAYS = frozenset({"So", "Sm", "Po", "Nd"})
_SCANNED_PER_CHARACTER_KEPT = 20
"""Bounds the work on megabytes of text of which only a line is kept."""
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_LAST_OF_FOUR_DIGITS = 0xFFFF
_ELLIPSIS = "…"
_SHORTEST_WORD = 8
"""Characters of a word whose middle is left out."""


def inert(text: str, limit: int = 200) -> str:
    """Returns one line of at most `limit` characters, without ANSI sequences, control and invisible
    characters.

    What was cut ends in an ellipsis. Applying it again changes nothing.
    """
    scanned = text[: limit * _SCANNED_PER_CHARACTER_KEPT]
    line = _one_line(scanned)
    if len(line) <= limit and len(scanned) == len(text):
        return line
    return line[: limit - 1].rstrip() + _ELLIPSIS


def inert_tail(text: str, limit: int = 200) -> str:
    """Escapes as `inert` does, and keeps the end: that is where a command says what went wrong."""
    scanned = text[-limit * _SCANNED_PER_CHARACTER_KEPT :]
    line = _one_line(scanned)
    if len(line) <= limit and len(scanned) == len(text):
        return line
    return _ELLIPSIS + line[max(0, len(line) - limit + 1) :].lstrip()


def shortened(text: str, limit: int) -> str:
    """Returns one line of at most `limit` characters in which the longest words lack their middle.

    So no word is lost while each keeps a few characters; a text of too many words loses its end.
    """
    words = inert(text, limit * _SCANNED_PER_CHARACTER_KEPT).split(" ")
    lengths = [len(word) for word in words]
    while sum(lengths) + len(words) - 1 > limit and max(lengths) > _SHORTEST_WORD:
        lengths[lengths.index(max(lengths))] -= 1
    return inert(" ".join(map(_without_middle, words, lengths)), limit)


def _without_middle(word: str, length: int) -> str:
    if len(word) <= length:
        return word
    tail = (length - 1) // 2
    return word[: length - 1 - tail] + _ELLIPSIS + word[-tail:]


def plain(text: str) -> str:
    """Returns the text without ANSI sequences, control and invisible characters; white space stays."""
    if text.isprintable() and (text.isascii() or _IGNORABLE.isdisjoint(text)):
        return text  # nearly every text is so
    rest = _ANSI.sub("", text)
    return "".join(
        c
        for before, c in zip(" " + rest, rest, strict=False)
        if c.isspace() or not (unicodedata.category(c) in _NEVER_SHOWN or _is_ignored(before, c))
    )


def whole(text: str) -> str:
    r"""Returns the text with each byte that was not UTF-8 written as `\xNN`.

    Python hands such bytes of a command line over as lone surrogates, which no file of state can hold.
    """
    return _UNDECODABLE.sub(lambda byte: f"\\x{ord(byte[0]) - 0xDC00:02x}", text)


def escaped(text: str) -> str:
    r"""Returns the text with each invisible character as `\uNNNN` or `\UNNNNNNNN`; line ends stay.

    Bidirectional and zero-width marks, tags and the like look like nothing, or change how other text looks.
    """
    if text.isascii():
        return text
    hidden = {c for c in set(text) if is_invisible(c)}
    if not hidden:
        return text
    return "".join(
        escape(c) if c in hidden and not _is_style(before, c) else c
        for before, c in zip(" " + text, text, strict=False)
    )


def is_invisible(char: str) -> bool:
    """Returns whether a reader does not see the character. White space is seen."""
    if char.isascii() or char.isspace():
        return False
    return char in _IGNORABLE or unicodedata.category(char) in _NEVER_SHOWN


def escape(char: str) -> str:
    r"""Returns `\uNNNN`, or `\UNNNNNNNN` for a character that four figures do not hold."""
    return f"\\u{ord(char):04x}" if ord(char) <= _LAST_OF_FOUR_DIGITS else f"\\U{ord(char):08x}"


def _is_ignored(before: str, char: str) -> bool:
    return char in _IGNORABLE and not _is_style(before, char)


def _is_style(before: str, char: str) -> bool:
    return char in _STYLES and unicodedata.category(before) in _DRAWN_BOTH_WAYS


def _one_line(text: str) -> str:
    return " ".join(plain(text).split())
