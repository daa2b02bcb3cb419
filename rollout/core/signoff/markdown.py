"""Which lines a reader of a comment sees, outside of code, quotations, HTML and struck text.

The comment is parsed as CommonMark, as GitHub does it, so that whoever reads the page and the tool agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_NOT_SAID = frozenset(
    {"blockquote", "code", "del", "kbd", "pre", "q", "s", "samp", "script", "strike", "style", "tt", "var"}
)
"""HTML elements whose text is quoted, struck or no text at all."""
_WORTH_PARSING = re.compile(r"[/&<]")
"""Without one of these a paragraph holds neither a command nor HTML."""
LONGEST_PARAGRAPH = 8_000
"""What comes after that many characters of a paragraph is not read: some texts take the square of their
length to parse, and anybody may write them."""
_SKIPPED = "`"
"""A line that begins with something that nobody says; no command begins so."""


def visible_lines(body: str) -> Iterator[str]:
    """Yields lines as a reader sees them, but for what is in code, quotations, HTML or struck.

    After the first visible word, code and links stand for themselves: `a.md` in backticks is a.md, a link
    is its address. Marks of emphasis are kept there, since a path may well hold them. Code that comes before
    it is left out with the blank behind it.
    """
    reader = _Reader()
    for token in reader.blocks(body):
        yield from reader.block(token)


class _Reader:
    """Takes the tokens of one comment, and gives its lines."""

    def __init__(self) -> None:
        # Paragraphs are parsed one by one, as far as they are worth it.
        self._markdown = MarkdownIt("commonmark").enable("strikethrough").disable("inline")
        self._references: dict[str, object] = {}
        self._quotes = 0
        self._tags: list[str] = []
        """Open HTML elements of `_NOT_SAID`: they may span paragraphs."""
        self._line = ""

    def blocks(self, body: str) -> Sequence[Token]:
        return self._markdown.parse(body, self._references)

    def block(self, token: Token) -> Iterator[str]:
        if token.type in ("blockquote_open", "blockquote_close"):
            self._quotes += token.nesting
        elif self._quotes:
            return
        elif token.type == "html_block":
            self._html(token.content)
        elif token.type == "inline" and _WORTH_PARSING.search(token.content):
            found: list[Token] = []
            text = token.content[:LONGEST_PARAGRAPH]
            self._markdown.inline.parse(text, self._markdown, self._references, found)
            yield from self._inline(found)

    def _inline(self, tokens: Sequence[Token]) -> Iterator[str]:
        struck = 0
        link: Token | None = None
        kept_marks: list[bool] = []
        for token in tokens:
            if link is not None:
                link = None if token.type == "link_close" else link
            elif token.type == "link_open" and self._has_begun:
                link = token
                self._line += str(token.attrs["href"])
            elif token.type in ("softbreak", "hardbreak") or _is_break(token):
                yield self._end_line()
            elif token.type == "html_inline":
                self._html(token.content)
            elif token.type in ("s_open", "s_close"):
                struck += token.nesting
            elif token.type in ("em_open", "strong_open"):
                kept_marks.append(self._has_begun)
                self._mark(token, kept_marks[-1])
            elif token.type in ("em_close", "strong_close"):
                self._mark(token, kept_marks.pop())
            elif token.type in ("text", "text_special") and not struck and not self._tags:
                self._say(token.content)
            elif token.type in ("text", "text_special", "code_inline", "image"):
                self._skip(token.content)
        yield self._end_line()

    @property
    def _has_begun(self) -> bool:
        return self._line not in ("", _SKIPPED)

    def _say(self, text: str) -> None:
        if self._line == _SKIPPED and text[:1].isspace():
            self._line = ""
        self._line += text if self._line else text.lstrip()

    def _skip(self, text: str) -> None:
        self._line = self._line + text if self._has_begun else _SKIPPED

    def _mark(self, token: Token, is_kept: bool) -> None:
        self._line += token.markup if is_kept else ""

    def _end_line(self) -> str:
        line, self._line = self._line, ""
        return line

    def _html(self, content: str) -> None:
        for closing, name in _TAG.findall(_HTML_COMMENT.sub("", content)):
            tag = name.lower()
            if tag not in _NOT_SAID:
                continue
            if not closing:
                self._tags.append(tag)
            elif tag in self._tags:
                self._tags.remove(tag)


def _is_break(token: Token) -> bool:
    return token.type == "html_inline" and bool(re.fullmatch(r"<br\s*/?>", token.content, re.IGNORECASE))
