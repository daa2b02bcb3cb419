"""YAML text: only plain data comes in, and what goes out comes back equal."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rollout.errors import InputError
from rollout.files.yaml_text import MAX_BYTES, dump_yaml, load_yaml

REFUSED = {
    "duplicate key": ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a'"),
    "duplicate key in flow": ("{a: 1, a: 2}", 1, "duplicate key"),
    "duplicate key, quoted": ("a: 1\n'a': 2\n", 2, "duplicate key"),
    "anchor": ("a: &x 1\n", 1, "an anchor (&x)"),
    "anchor on a mapping": ("a:\n  &x\n  b: 1\n", 2, "an anchor (&x)"),
    "alias": ("a: *x\n", 1, "an alias (*x)"),
    "alias as key": ("a: 1\n*x : 2\n", 2, "an alias (*x)"),
    "tag": ("a: !!python/object/apply:os.system [ls]\n", 1, "a tag"),
    "tag on a scalar": ("a:\n  b: !!str 1\n", 2, "a tag (tag:yaml.org,2002:str)"),
    "bare tag": ("a: ! x\n", 1, "a tag (!)"),
    "merge key": ("a:\n  <<: {b: 1}\n", 2, "a merge key (<<)"),
    "second document": ("a: 1\n---\nb: 2\n", 2, "a second document"),
    "number as key": ("1: a\n", 1, "a key that is not text: 1"),
    "boolean as key": ("a: 1\non: 2\n", 2, "a key that is not text: on"),
    "empty key": ("? \n: 1\n", 1, "a key that is not text: nothing"),
    "list as key": ("[a]: 1\n", 1, "a key that is a list or a mapping"),
    "broken syntax": ("a: 1\nb: [\n", 3, "not YAML"),
    "tab as indentation": ("a:\n\tb: 1\n", 2, "not YAML"),
    "control character": ("a: 1\nb: \x01\n", 2, "not YAML"),
    "no number": ("a: 0x_\n", 1, "not a number: 0x_"),
    "half a surrogate": ("a: 1\nb: \ud800\n", 2, "not Unicode text"),
    "not UTF-8": (b"a: 1\nb: \xff\n", 2, "not UTF-8 text"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "not UTF-8 text"),
    "too large": (b"a: " + b"x" * MAX_BYTES, 1, "larger than 1048576 bytes"),
}


@pytest.mark.parametrize(("text", "line", "problem"), REFUSED.values(), ids=REFUSED)
def test_refuses_with_file_and_line(text: str | bytes, line: int, problem: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_yaml(text, file="state/tau/contract.yaml")
    assert refusal.value.message.startswith(f"state/tau/contract.yaml:{line}: ")
    assert problem in refusal.value.message
    assert refusal.value.hint
    assert refusal.value.file == "state/tau/contract.yaml"


NESTED = {"flow": ("[", "]"), "flow mapping": ("{a: ", "}"), "block": ("- ", "")}


@pytest.mark.parametrize(("opening", "closing"), NESTED.values(), ids=NESTED)
def test_reads_fifty_levels_and_no_more(opening: str, closing: str) -> None:
    assert load_yaml(opening * 50 + closing * 50, file="f") is not None
    with pytest.raises(InputError, match="f:1: nested deeper than 50 levels"):
        load_yaml(opening * 51 + closing * 51, file="f")


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "{a: ", "[[{"])
def test_hundreds_of_thousands_of_brackets_are_refused(opening: str) -> None:
    with pytest.raises(InputError, match=r"f:1: "):
        load_yaml(opening * 200_000, file="f")


def test_scalars_mean_what_yaml_says_but_time_stamps_stay_text() -> None:
    text = """
    time: 2026-11-23T10:15:00Z
    day: 2026-11-23
    flag: yes
    none: ~
    nothing:
    whole: 12
    real: 1.5
    version: v1.5
    quoted: "12"
    equals: =
    merge: <<
    """
    assert load_yaml(text, file="f") == {
        "time": "2026-11-23T10:15:00Z",
        "day": "2026-11-23",
        "flag": True,
        "none": None,
        "nothing": None,
        "whole": 12,
        "real": 1.5,
        "version": "v1.5",
        "quoted": "12",
        "equals": "=",
        "merge": "<<",
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_nothing_is_none(text: str) -> None:
    assert load_yaml(text, file="f") is None


def test_a_number_of_absurd_length_is_text_and_takes_no_time() -> None:
    absurd = "1" + ":00" * 300_000
    assert load_yaml(absurd, file="f") == absurd


def test_writes_block_style_in_the_given_order() -> None:
    shared = ["2026-11-23T10:15:00Z"]
    data = {
        "schema": 1,
        "b": {"z": shared, "a": shared},
        "text": "x" * 300 + " y",
        "word": "é",
        "lines": "a\nb",
    }
    assert dump_yaml(data) == (
        "schema: 1\n"
        "b:\n"
        "  z:\n"
        "  - 2026-11-23T10:15:00Z\n"
        "  a:\n"
        "  - 2026-11-23T10:15:00Z\n"
        f"text: {'x' * 300} y\n"
        "word: é\n"
        'lines: "a\\nb"\n'
    )


# fmt: off
NASTY = [
    "yes", "No", "on", "~", "null", "1.0", "0x1", "0o7", "010", "1_000", "1e3", "1:30", ".inf", ".nan", "=",
    "<<", "---", "...", "{", "[", "|", ">", "#a", "&a", "*a", "!a", "@a", "`a", "%a", "'", '"', "\\", "- a",
    "a: b", "a #b", "? a", "2026-11-23", "2026-11-23 10:15:00", "", " ", "\t", "a\tb", "a\nb", "a\n", "\na",
    "  a\n b ", "\r\n", "\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\u2028", "a\u2029b", "\ufeff",
    "\U0001f600", "x" * 5000, "9" * 150,
]
# fmt: on
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(NASTY)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


@given(values)
@example(NASTY)
@example({text: text for text in NASTY})
def test_what_is_written_is_read_back_equal(value: object) -> None:
    text = dump_yaml(value)
    back = load_yaml(text, file="f")
    assert back == value
    assert repr(back) == repr(value)
    assert dump_yaml(back) == text


@given(st.binary() | st.text(alphabet="ab:-?[]{},#&*!|>'\"%@` \n\t0<=").map(str.encode))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        load_yaml(text, file="f")
    except InputError as refusal:
        message = refusal.message
    else:
        message = "f:1: read"
    assert re.match(r"f:\d+: ", message)


HIDDEN = "\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\u00ad\U000e0041\ue000"


@given(st.text(alphabet=st.one_of(st.sampled_from(HIDDEN + "\\'\": -#aé\n"))))
def test_invisible_characters_are_written_as_escapes_and_read_back(text: str) -> None:
    written = dump_yaml({"reason": text, "reasons": [text], "k" + text: 1})
    assert not set(written) & set(HIDDEN)
    assert load_yaml(written, file="f") == {"reason": text, "reasons": [text], "k" + text: 1}
