import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.text import escaped, inert, inert_tail, shortened, whole


def test_plain_text_stays_as_it_is() -> None:
    assert inert("größer als 3, 「済」 :)") == "größer als 3, 「済」 :)"


def test_ansi_sequences_go_with_their_parameters() -> None:
    assert inert("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x9b2Jclear") == "red link clear"


def test_control_bidi_and_zero_width_characters_go() -> None:
    assert inert("a\x00b\u202ec\u200bd\ufeffe\ud800f\U000e0041g") == "abcdefg"


def test_every_kind_of_line_end_becomes_one_space() -> None:
    assert inert("  a\r\n\tb\u2028c\u00a0 d\x85e ") == "a b c d e"


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert inert("x" * 300, 10) == "x" * 9 + "…"
    assert inert("abc d efgh", 5) == "abc…"


def test_the_tail_keeps_the_end() -> None:
    assert inert_tail("building\nerror: no such file", 14) == "…no such file"
    assert inert_tail("short") == "short"


def test_megabytes_that_say_nothing_are_still_shown_as_cut() -> None:
    assert inert("\x00" * 5_000_000) == "…"
    assert inert_tail("\x00" * 5_000_000) == "…"


@pytest.mark.parametrize(
    ("given", "limit", "shown"),
    [
        ("rollout(tau): promote v0.1.5 canary-1 -> canary-2", 60, None),
        (
            "rollout(checkout-service): promote v1.12.0 canary-half -> general-availability",
            60,
            "rollout…vice): promote v1.12.0 canary-half -> general…bility",
        ),
        ("a b", 3, None),
        ("abcdefghijkl b", 12, "abcde…ijkl b"),
        ("abcdefghijkl abcdefghijkl", 12, "abcd…jkl ab…"),
        ("x" * 100, 8, "xxxx…xxx"),
        ("", 10, ""),
        ("a\n@b \x1b[31mred", 10, "a @b red"),
    ],
)
def test_long_words_lose_their_middle_before_any_word_is_lost(
    given: str, limit: int, shown: str | None
) -> None:
    found = shortened(given, limit)
    assert found == (given if shown is None else shown)
    assert len(found) <= limit
    assert shortened(found, limit) == found


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_is_one_short_printable_line_and_stays_so(text: str, limit: int) -> None:
    line = inert(text, limit)
    assert len(line) <= limit
    assert len(inert_tail(text, limit)) <= limit
    assert inert(line, limit) == line
    assert line.isprintable() or line == ""
    assert line.splitlines() in ([line], [])


def test_bytes_that_are_no_utf_8_are_written_out() -> None:
    assert whole(b"caf\xe9 \xff, ok \xc3\xa9".decode(errors="surrogateescape")) == "caf\\xe9 \\xff, ok é"


def test_invisible_characters_are_written_out() -> None:
    assert escaped("a\u202eb\u200bc\U000e0041d\ufeff\n「済」\u00a0") == (
        "a\\u202eb\\u200bc\\U000e0041d\\ufeff\n「済」\u00a0"
    )


FILLERS = "\u034f\u115f\u1160\u17b4\u180b\u3164\uffa0\ufe00\ufe0f\U000e0100\U000e01ef"


def test_fillers_and_selectors_are_invisible_too() -> None:
    assert inert(f"a{FILLERS}b") == "ab"
    assert escaped(f"a{FILLERS}b").isascii()


@pytest.mark.parametrize("text", ["\u26a0\ufe0f stop", "7\ufe0f\u20e3", "\u2764\ufe0e", "a\u0301"])
def test_how_an_emoji_is_drawn_stays(text: str) -> None:
    assert inert(text) == escaped(text) == text


def test_selectors_after_one_another_carry_nothing() -> None:
    assert inert("\u26a0\ufe0f\ufe0e\ufe0fx") == "\u26a0\ufe0fx"
    assert escaped("\u26a0\ufe0f\ufe0ex") == "\u26a0\ufe0f\\ufe0ex"


@given(st.binary())
def test_text_that_was_made_whole_can_be_written(raw: bytes) -> None:
    text = whole(raw.decode(errors="surrogateescape"))
    assert text.encode().decode() == text
    assert whole(text) == text
