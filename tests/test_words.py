"""The check of prose finds what docs/style.md forbids, and judges docstrings and subjects."""

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


@pytest.mark.parametrize(
    ("function", "is_good"),
    [
        ('def f():\n    """Returns the path."""', True),
        ('async def f():\n    """Changes nothing, and\n    says so.\n    """', True),
        ("def f():\n    pass", True),
        ('class C:\n    def __init__(self):\n        """`a` is a path."""', True),
        ('class C:\n    @property\n    def f(self):\n        """The path."""', True),
        ('class C:\n    @cached_property\n    def f(self):\n        """The path."""', True),
        ('@command("start")\ndef f():\n    """Start a rollout."""', True),
        ('@contextmanager\ndef f():\n    """A folder."""', False),
        ('def f():\n    """Return the path."""', False),
        ('def f():\n    """The path."""', False),
        ('def f():\n    """`a` -> `b`."""', False),
        ('def f():\n    """See the port."""', False),
        ('def f():\n    """Commits of the branch."""', False),
        ('def f():\n    """Lines that matter."""', False),
        ('def f():\n    """This returns the path."""', False),
        ('class C:\n    def f(self):\n        def g():\n            """Whether it is so."""', False),
    ],
)
def test_docstrings_of_functions_begin_with_a_verb(function: str, is_good: bool) -> None:
    found = list(words.docstring_problems("file.py", function))
    assert (not found) is is_good, found


def test_a_docstring_is_shown_by_its_line() -> None:
    assert list(words.problems("file.py", 'def f():\n    """The path."""', {})) == [
        "file.py:2: 'The': begin with a verb in the third person, such as: Returns"
    ]


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
