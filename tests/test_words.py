"""The check of prose finds what docs/style.md forbids, across line breaks too, and judges subjects."""

from __future__ import annotations

import pytest

from docs import words

FORBIDDEN = {"all the same": "anyway", "mend": "fix"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("It works anyway.", []),
        ("It works all the same.", [1]),
        ("First\nit works all\nthe same.", [2]),
        ("# it works all the\n# same", [1]),
        ("Mend it, then\nmend that. A recommendation.", [1, 2]),
    ],
)
def test_forbidden_words_are_found(text: str, lines: list[int]) -> None:
    found = list(words.findings("page.md", text, FORBIDDEN))
    assert [int(one.split(":")[1]) for one in found] == lines


def test_the_table_of_the_style_page_is_read() -> None:
    assert words.forbidden()["all the same"] == "anyway"
    assert len(words.forbidden()) > 8


@pytest.mark.parametrize(
    ("message", "is_good"),
    [
        ("Revert the whole range of a release\n\nWhy.", True),
        ("Test: merge during a freeze window", True),
        ('Revert "Fix paging"', True),
        ("fixup! Fix paging", True),
        ("fix paging", False),
        ("Fix paging.", False),
        ("Fixed paging", False),
        ("Prove that paging works", False),
        ("", False),
        ("A" * 73, False),
    ],
)
def test_subjects_of_commits(message: str, is_good: bool) -> None:
    assert (not list(words.subject_problems(message))) is is_good
