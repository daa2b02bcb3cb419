import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakehub.clock import NOON
from rollout.core.evidence_index import (
    MAX_NAME,
    CaptureState,
    EvidenceEntry,
    in_words,
    name_of,
    path_matches,
)
from rollout.core.text import inert


@pytest.mark.parametrize(
    ("path", "pattern", "matches"),
    [
        ("a/b.log", "a/b.log", True),
        ("a/b.log", "./a//b.log", True),
        ("a/b.log", "a/*", True),
        ("a/b.log", "*", False),
        ("a/b.log", "a", False),
        ("a/b/c.log", "a/**", True),
        ("a/b/c.log", "a/**/c.log", True),
        ("a/c.log", "a/**/c.log", True),
        ("a/b/c.log", "**/b/*", True),
        ("a/b/c.log", "a/**/d/*", False),
        ("A.log", "a.log", False),
    ],
)
def test_globs(path: str, pattern: str, matches: bool) -> None:
    assert path_matches(path, pattern) is matches


def test_counts_in_words() -> None:
    def entries(*states: CaptureState) -> list[EvidenceEntry]:
        return [EvidenceEntry(path="x", state=state, at=NOON) for state in states]

    assert in_words([], copied=True) == "nothing"
    assert in_words(entries(CaptureState.MISSING), copied=True) == "1 missing"
    every = entries(*CaptureState, CaptureState.TAKEN)
    assert in_words(every, copied=True) == "2 captured, 1 missing, 1 refused"
    assert in_words(every, copied=False) == "2 read and not copied, 1 missing, 1 refused"


PATHS = st.text(
    st.sampled_from(["a", " ", "\\", "x", "\n", "\u200b", "\udcff", "\U000e0041", "\ue004", "1", "0"]),
    min_size=1,
    max_size=12,
)


@given(one=PATHS | st.text(max_size=900), other=PATHS | st.text(max_size=900))
def test_a_name_stands_for_one_path_and_is_a_line(one: str, other: str) -> None:
    assert (name_of(one) == name_of(other)) == (one == other)
    assert inert(name_of(one), MAX_NAME) == name_of(one)
    assert inert(one, MAX_NAME) != one or "\\" in one or name_of(one) == one


def test_a_name_keeps_what_can_be_seen() -> None:
    assert name_of("logs/größe 1.txt") == "logs/größe 1.txt"
    assert name_of("a\u200bb\udcff\n c ") == "a\\u200bb\\xff\\u000a c\\x20"
    long = "a" * 600
    assert name_of(long).startswith("a" * 480)
    assert name_of(long) != name_of(long + "b")
    assert name_of("\U000e0041") == "\\U000e0041" != name_of("\ue0041")
