"""Markdown as GitHub shows it: GFM, and what GitHub looks for in the page afterwards.

Sources: the GFM specification, "Autolinks (extension)"; GitHub's documentation, "Autolinked references and
URLs" and "Basic writing and formatting syntax"; for mentions and emoji the filters of
gjtorikian/html-pipeline. Footnotes are looked for in the Markdown, all others in the page's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

_FOUND = re.compile(
    r"""
    (?P<address>(?:https?|ftp)://[^\s<]+ | \bwww\.[^\s<]+)
    | (?P<email>(?:mailto:|xmpp:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    | (?<![\w`/])@(?P<mention>[a-z0-9][a-z0-9-]*(?:/[\w-]+)?)
    | (?P<reference>(?<![\w&])(?:[\w.-]+/[\w.-]+)?\#\d+ | \bGH-\d+)
    | (?P<advisory>\b(?:GHSA|CVE)-[\w-]+)
    | (?P<emoji>:[\w+-]*[a-z][\w+-]*:)
    | (?P<commit>(?<![\w@-])(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b)
    | (?P<formula>\$(?!\s)[^$\n]+\$)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FOOTNOTE = re.compile(r"(?<!\\)\[\^[^\]\s]+\]")
_TASK = re.compile(r"\[([ xX])\] ")
APART = "\u200b"


def as_html(markdown: str, commits: Mapping[str, str] | None = None) -> str:
    """The page's HTML. An element that GitHub makes of text has its kind as class.

    `commits`, if given, says which ids exist, and where they lead; others stay text.
    """
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    tokens = parser.parse(_FOOTNOTE.sub(lambda one: f'<sup class="footnote">{one[0][2:-1]}</sup>', markdown))
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, commits))
            if task := _TASK.match(token.content):
                ticked = " checked" if task[1] in "xX" else ""
                box = f'<input type="checkbox" disabled{ticked}> '
                token.children[0].content = box + token.children[0].content[task.end() :]
    return str(parser.renderer.render(tokens, parser.options, {}))


def _linked(children: list[Token], commits: Mapping[str, str] | None) -> Iterator[Token]:
    in_link = 0
    for child in children:
        in_link += child.nesting if child.type in ("link_open", "link_close") else 0
        if child.type == "text" and not in_link:
            yield Token("html_inline", "", 0, content=_look(child.content, commits))
        else:
            yield child


def _look(text: str, commits: Mapping[str, str] | None) -> str:
    shown, at = "", 0
    for found in _FOUND.finditer(text):
        kind = found.lastgroup or ""
        address = (commits or {}).get(found[0], "") if kind == "commit" else ""
        if kind == "commit" and commits is not None and not address:
            continue
        shown += escape(text[at : found.start()], quote=False)
        shown += f'<a class="{kind}" href="{escape(address)}">{escape(found[0], quote=False)}</a>'
        at = found.end()
    return shown + escape(text[at:], quote=False)
