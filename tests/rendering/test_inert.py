"""Hostile text is shown and does nothing, whatever it is."""

from __future__ import annotations

import re
from html import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rollout.rendering.inert import (
    code,
    cut,
    finalize,
    fitted,
    line,
    marker_value,
    pad,
    plain,
    prose,
    text,
    width,
)
from rollout.rendering.markdown import render
from tests.rendering.github import APART, as_html

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PLACES = "# {text}\n\nSeen {text} and {text}.\n\n- {text}\n\n| a | b |\n| --- | --- |\n| {text} | {text} |\n"

ACTIVE = st.sampled_from(
    [
        "`",
        "``",
        "\\",
        "|",
        "\\|",
        "<!--",
        "-->",
        "<script>",
        "](http://e)",
        "![",
        "**",
        "@org/team",
        "#12",
        "gh-7",
        "GH-7",
        "closes https://e/1",
        "www.e.com",
        "ada@e.com",
        "acme/tau#4",
        ":tada:",
        "[^1]",
        "[ ] ",
        "> [!NOTE] ",
        "$a$",
        "_a_",
        "~~a~~",
        "1. ",
        "- ",
        "CVE-2026-1234",
        "@1111111",
        "[skip ci]",
        "\r\n",
        "\u2028",
        "\x1b[31m",
        "\x9b2J",
        "\u202e",
        "\u200b",
        "&#96;",
        "\n\n",
        "x",
        " ",
        "字",
    ]
)
HOSTILE = st.lists(ACTIVE | st.text(max_size=4), max_size=12).map("".join)


def parts(tokens: list[Token]) -> list[tuple[str, str]]:
    """Every token with what it says, except for the words in code spans."""
    flat = [part for token in tokens for part in (token, *(token.children or ()))]
    return [(t.type, "" if t.type in ("code_inline", "inline") else t.content) for t in flat]


@given(HOSTILE)
@example("` <img src=x> `")
@example("\\")
@example("a\\|b `|` c")
def test_code_never_renders_as_anything_but_a_code_span(text: str) -> None:
    tokens = PARSER.parse(PLACES.format(text=code("x" + text)))
    assert parts(tokens) == parts(PARSER.parse(PLACES.format(text="`x`")))
    spans = [part.content for token in tokens for part in token.children or () if part.type == "code_inline"]
    assert spans == [line("x" + text).replace("`", "'").replace("|", "¦")] * 6


TEXTS = f"{PLACES}\n**{{text}}** _{{text}}_ ({{text}}): [{{text}}](https://e/1)\n"


def as_seen(markdown: str) -> str:
    """The page without what no reader sees."""
    page = as_html(markdown, commits={})
    return page.replace(APART, "").replace("<span>$</span>", "$").replace("&quot;", '"')


@given(HOSTILE)
@example("Merge pull request #41 from ada/retries")
@example("- [ ] x")
@example("1) _a_ a_b __c__ snake_case_ 2 * 3 * 4")
@example("\\")
@example("a\\|b | c \\`d` &lt; &amp;#35;1 <!-- x --> </details>")
@example("mailto:a@b.c GHSA-aaaa-bbbb-cccc :100: ssh://e")
def test_text_shows_as_it_is_and_becomes_nothing_else(hostile: str) -> None:
    shown = as_seen(TEXTS.format(text=text("x " + hostile)))
    wanted = as_html(TEXTS.format(text="WORDS"), commits={}).replace(
        "WORDS", escape(line("x " + hostile), False)
    )
    assert shown == wanted
    begins, shown_as = as_seen(f"- {text(hostile)}"), escape(line(hostile), False)
    assert begins in (f"<ul>\n<li>{shown_as}</li>\n</ul>\n", "<ul>\n<li></li>\n</ul>\n")


@given(HOSTILE)
def test_a_sentence_makes_nothing_but_code(hostile: str) -> None:
    shown = as_html(f"x {prose(hostile)}", commits={})
    assert set(re.findall("<(/?[a-z]+)", shown)) <= {"p", "/p", "code", "/code", "span", "/span"}


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("run rollout reconcile: it takes the next step", "run `rollout reconcile`: it takes the next step"),
        (
            "a false alarm? rollout rollback --cancel --reason WHY",
            "a false alarm? `rollout rollback --cancel --reason WHY`",
        ),
        (
            "by hand: rollout collect --output FILE, then rollout reconcile --observation FILE",
            "by hand: `rollout collect --output FILE`, then `rollout reconcile --observation FILE`",
        ),
        (
            "sign off: a-b (approver): rollout signoff record a-b EVIDENCE",
            "sign off: a-b (approver): `rollout signoff record a-b EVIDENCE`",
        ),
        (
            "rollout withdraw, and start again with --rollback-to V",
            "`rollout withdraw`, and start again with `--rollback-to V`",
        ),
        ("`rollout channel set beta` takes prereleases", "`rollout channel set beta` takes prereleases"),
        ("rollout has not applied 5 <= 6", "rollout has not applied 5 <= 6"),
        ("see #7: *x*", "see #&#8203;7: \\*x\\*"),
    ],
)
def test_the_commands_in_a_sentence_are_code(sentence: str, shown: str) -> None:
    assert prose(sentence) == shown


@given(HOSTILE, st.integers(2, 40))
def test_a_line_is_printable_and_short(text: str, limit: int) -> None:
    shown = line(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()


@given(HOSTILE)
@example("@org/team #12 GH-7 closes https://e/1 [skip ci] `x`")
@example("@\u200borg")
def test_plain_text_mentions_refers_closes_and_skips_nothing(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert len(shown) <= 200
    assert not re.search(r"[@#]\S|\bgh-\d|://|[\[\]`]", shown, re.I)


@given(HOSTILE)
def test_a_marker_cannot_be_ended_from_inside(text: str) -> None:
    assert re.fullmatch(r"(?!.*--)[\w.+~%-]*", marker_value(text), re.A)


def test_megabytes_cost_no_more_than_a_line() -> None:
    megabytes = "\x1b[31m@a `|` " * 500_000
    assert all(len(shown) <= 202 for shown in (line(megabytes), plain(megabytes), code(megabytes)))
    assert line(megabytes).endswith("…")


def test_ordinary_text_stays_as_it_is() -> None:
    assert line("queue_depth <= 1, 5 % übrig") == "queue_depth <= 1, 5 % übrig"
    assert plain("health_regression (memory): high-5") == "health_regression (memory): high-5"
    assert code("canary-1") == "`canary-1`"
    assert code(" \n") == ""
    assert marker_value("v0.1.5+build-1") == "v0.1.5+build-1"


def test_a_template_shows_every_value_as_text_unless_it_is_a_number_or_markdown() -> None:
    assert render("{{ a }} {{ b }} {{ c }}", {"a": "*x*", "b": 0.1, "c": code("y")}) == "\\*x\\* 0.1 `y`"
    assert render("{{ a | upper }} {{ c ~ a }}", {"a": "<b>", "c": code("y")}) == "\\<B> \\`y\\`\\<b>"


def test_a_template_refuses_what_is_missing_and_what_is_no_text() -> None:
    with pytest.raises(UndefinedError, match="nobody"):
        render("{{ nobody }}", {})
    for value in (None, True, ["x"]):
        with pytest.raises(TypeError, match="prints text"):
            finalize(value)


def test_cutting_closes_code_and_fold() -> None:
    document = "<!-- a -->\n<details>\n\n```\n" + "code\n" * 400 + "```\n\n</details>\n"
    assert cut(document, 1000).partition("\n_Cut here")[0].endswith("code\n```\n\n</details>\n")


@pytest.mark.parametrize("words", ["_www.evil.com", "_a_www.evil.com", "_GH-1"])
def test_a_low_line_hides_no_address_and_no_reference(words: str) -> None:
    assert "www&#8203;." in text(words) or "GH-&#8203;1" in text(words)


def test_cutting_keeps_whole_lines_and_says_so() -> None:
    document = "\n".join(f"line {number} `code`" for number in range(10_000))
    shown = cut(document, 1000)
    assert len(shown) <= 1000
    kept, note = shown.split("\n\n")
    assert document.startswith(kept + "\n")
    assert note.startswith("_Cut here")
    assert cut("short", 1000) == "short"
    assert cut("x" * 2000, 1000).startswith("\n\n_Cut here")


def test_columns_count_wide_and_combining_characters() -> None:
    widths = {"": 0, "abc": 3, "✓ …": 3, "字字": 4, "u\u0308": 1, "👩‍💻": 2, "🇩🇪": 2, "a👍🏽b": 4}
    assert {text: width(text) for text in widths} == widths
    assert pad("字", 4) + "|" == "字  |"


@given(text=st.lists(st.sampled_from(["a", "word", "字字", "\x1b[31mred\x1b[0m", " ", "\n"])).map(" ".join))
@example("  browser-automation  unknown  ?  ?")
def test_a_narrow_terminal_gets_every_word_and_no_line_that_is_too_wide(text: str) -> None:
    for columns in (20, 40, 60):
        shown = fitted(text, columns)
        assert shown.split() == text.split()
        assert max(map(width, re.sub(r"\x1b\[\d+m", "", shown).split("\n"))) <= columns


def test_what_is_narrow_enough_stays_as_it_is_and_a_long_word_stays_whole() -> None:
    table = "  surface             health   age\n  browser-automation  unknown  ?"
    assert fitted(table, 40) == table
    assert fitted("see: " + "x" * 30, 20) == "see:\n  " + "x" * 30
    assert fitted("  - one two three four five", 20) == "  - one two three\n    four five"
