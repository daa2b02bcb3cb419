"""Which lines of what a failed command printed are shown, by a table of real outputs."""

from pathlib import Path
from typing import Any

import pytest

from rollout.core.excerpt import MAX_LINES, Excerpt, error_excerpt
from rollout.files.yaml_text import load_yaml

_FILE = Path(__file__).parent / "tables" / "excerpts.yaml"
ROWS: Any = load_yaml(_FILE.read_bytes(), file=_FILE.name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_the_error_is_shown_and_what_follows_it(row: dict[str, str]) -> None:
    assert list(error_excerpt(row["printed"]).lines) == row["shown"].splitlines()


def test_one_line_begins_at_the_error() -> None:
    excerpt = error_excerpt("building\nerror: no voice state\n" + "and more\n" * 50)
    assert excerpt.in_one_line(30) == "error: no voice state and mor…"


def test_without_an_error_one_line_keeps_the_end() -> None:
    excerpt = error_excerpt("building\n" * 20 + "waiting for the file lock")
    assert not excerpt.recognized
    assert excerpt.in_one_line(30) == "…ing waiting for the file lock"
    assert Excerpt().in_one_line(30) == ""


@pytest.mark.parametrize(
    "output", ["x" * 4_000_000, "a.b." * 1_000_000, "at \n" * 1_000_000, " |+" * 999_999]
)
def test_megabytes_are_no_trouble(output: str) -> None:
    excerpt = error_excerpt(output)
    assert len(excerpt.lines) <= MAX_LINES
    assert all(len(line) <= 200 for line in excerpt.lines)


def test_lines_are_inert() -> None:
    excerpt = error_excerpt("error: \x1b[31mred\x1b[0m \u202eevil\nnext\x00\tline\n")
    assert excerpt.lines == ("error: red evil", "next line")
