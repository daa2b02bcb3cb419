"""Text of products and people, made inert: it can be read, and can do nothing.

One helper for each place that text is shown in: `line` (terminals), `plain` (commit messages, titles),
`text` and `prose` (Markdown), `code` (commands and identifiers in Markdown) and `marker_value` (hidden
markers). Each gives one line without control, bidirectional or invisible characters, cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from rollout.core.text import inert, shortened

LIMIT = 200
"""Characters that are shown of one text when nothing else is said."""
TITLE_LIMIT = 60
"""Characters of an issue's title: what a list on a phone shows."""
DOCUMENT_LIMIT = 60_000
"""GitHub refuses a body of more than 65,536 characters."""

_FOLDED = "\n\n</details>"
_FENCE = "\n```"

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
    """Returns one printable line of at most `limit` characters; `…` at its end says that it was cut."""
    return inert(text, limit)


def plain(text: str, limit: int = LIMIT) -> str:
    """Returns a line for commit messages and titles: no mention, reference, closing link or `[skip ci]` in
    it.
    """
    shown = line(text, limit)
    for pattern, replacement in _ACTIVE:
        shown = pattern.sub(replacement, shown)
    return line(shown, limit)


def title(text: str) -> str:
    """Returns the title of a pull request or issue: what `plain` does, with long names shortened."""
    return plain(shortened(text, TITLE_LIMIT), TITLE_LIMIT)


class Markdown(str):
    """A fragment that is Markdown on purpose: the only text that a template shows as it is."""

    __slots__ = ()


_APART = "&#8203;"
"""A zero-width space: it keeps GitHub from seeing a mention, reference, address or emoji.

A backslash would not: GitHub looks for these in the page, after the Markdown is gone. Renovate does the same
to the release notes that it quotes.
"""
_MARKUP = re.compile(
    r"""
    (?P<begins>^(?:[>+=-]|\#(?!\d)|\d+(?=[.)])))       # a heading, a quote, a list, a line
    | (?P<mark>[\\`*\[\]~|] | (?<![^\W_])_ | _(?![^\W_]) | <(?=[A-Za-z/!?]) | &(?=[\w\#])
        | \#(?=\#*$))
    | (?P<left>@(?=[\w.-]) | \#(?=\d) | (?<![^\W_])(?:gh|ghsa|cve)-(?=\w) | :(?=//) | \b(?:mailto|xmpp):
        | :(?=[\w+-]+:))
    | (?P<www>(?<![^\W_])www(?=\.))
    | (?P<dollar>\$)
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What GitHub makes something of: Markdown, HTML, mentions, references, addresses, emoji, formulas."""
_GROUPS = "channel|contract|local|quarantine|signoff"
_VERBS = (
    "check|collect|completion|demo|doctor|evaluate|freeze|history|init|list|perform|plan|reconcile|rehearse"
    "|reopen|rollback|start|status|tick|unfreeze|verify|withdraw"
)
_COMMAND = re.compile(
    rf"""
    `(?P<quoted>[^`]+)`
    | (?<![\w/.-])(?P<command>
        (?: rollout\ (?:(?:{_GROUPS})\ [a-z]+|{_VERBS})\b | --[a-z][a-z-]* | /(?:signoff|withdraw)\b )
        (?:\ (?: --[a-z][a-z-]* | [A-Z][A-Z_]*\b | [\w.-]+(?=\ (?:[A-Z]{{3,}}\b|--)) ))*
      )
    """,
    re.VERBOSE,
)
"""A command in a sentence of ours: up to its last option or placeholder."""


def text(shown: str, limit: int = LIMIT) -> Markdown:
    """Returns text for Markdown: GitHub shows it as it is, and makes no markup, mention, reference or link of
    it.
    """
    return Markdown(_MARKUP.sub(_escaped, line(shown, limit)))


def _escaped(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "begins" if found[0].isdigit():
            return f"{found[0]}\\"  # the point behind it is what counts
        case "begins" | "mark":
            return f"\\{found[0]}"
        case "dollar":
            # As GitHub's documentation does it, "Writing mathematical expressions".
            return "<span>$</span>"
        case _:
            return f"{found[0]}{_APART}"


def prose(sentence: str, limit: int = LIMIT) -> Markdown:
    """Returns a sentence of ours for Markdown: `text`, with the commands in it as code."""
    shown, at = line(sentence, limit), 0
    parts: list[str] = []
    for found in _COMMAND.finditer(shown):
        command = code(found["quoted"] or found["command"], limit)
        parts += [_MARKUP.sub(_escaped, shown[at : found.start()]), command]
        at = found.end()
    return Markdown("".join([*parts, _MARKUP.sub(_escaped, shown[at:])]))


def link(shown: str, address: str) -> Markdown:
    """Returns a link to an address that is ours, such as one built of a repository's page and an id."""
    return Markdown(f"[{shown if isinstance(shown, Markdown) else text(shown)}]({address})")


def code(text: str, limit: int = LIMIT) -> Markdown:
    """Returns a code span: in it GitHub looks for no markup, mention, reference or link.

    Nothing inside can end the span, because a backtick becomes `'`, or the table cell, because a pipe
    becomes `¦`. That changes what is shown a little, and needs no trust in any parser's corner cases.
    """
    shown = line(text, limit).replace("`", "'").replace("|", "¦")
    return Markdown(f"`{shown}`" if shown else "")


def finalize(value: object) -> str:
    """Returns what a template prints for a value: numbers and Markdown as they are, all other text as text.

    Raises TypeError for anything else, so that no object's repr slips into a document.
    """
    if isinstance(value, Markdown):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"a template prints text and numbers, not {type(value).__name__}")


def marker_value(text: str) -> str:
    """Returns text for a hidden marker: percent-encoded, so that it has no space and cannot end the
    comment.
    """
    return quote(line(text), safe="+").replace("--", "-%2D")


def cut(document: str, limit: int = DOCUMENT_LIMIT) -> str:
    """Returns the document's first lines, at most `limit` characters, with a note when lines were left
    out.
    """
    if len(document) <= limit:
        return document
    note = "\n\n_Cut here: it is too long for GitHub. `rollout status` shows all of it._\n"
    room = limit - len(note) - len(_FOLDED) - len(_FENCE)
    kept = document[: max(document.rfind("\n", 0, room), 0)]
    # What follows, a hidden marker too, would be part of the code or the fold.
    ends = _FENCE if kept.count(_FENCE) % 2 else ""
    ends += _FOLDED if kept.count("\n<details>") > kept.count("\n</details>") else ""
    return f"{kept}{ends}{note}"


def width(text: str) -> int:
    """Returns the columns that a line takes in a terminal."""
    if _NARROW.fullmatch(text):
        return len(text)
    from wcwidth import wcswidth

    return max(0, wcswidth(text))


def pad(text: str, columns: int) -> str:
    """Returns the line filled with spaces up to so many columns; a longer one stays as it is."""
    return text + " " * (columns - width(text))


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns one line a row, indented by two; every row has the same number of cells."""
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(pad(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def fitted(text: str, columns: int) -> str:
    """Returns the text for a terminal of so many columns: a wider line goes on below, two columns further in.

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
