"""Which commands a comment holds: a table, and mixtures of all that hides one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.signoff.comments import Comment, SignoffCommand, commands
from rollout.core.signoff.markdown import LONGEST_PARAGRAPH
from rollout.files.yaml_text import load_yaml

_FILE = Path(__file__).parents[1] / "tables" / "comments.yaml"
ROWS: Any = load_yaml(_FILE.read_bytes(), file=_FILE.name)

HIDES = (
    "```\n{}\n```",
    "`````text\n```\n{}\n```\n`````",
    "~~~\n{}\n~~~",
    "    {}",
    "> {}",
    "> one\n> > {}",
    "<pre>\n{}\n</pre>",
    "<!--\n{}\n-->",
    "<div>\n{}\n</div>",
    "Use `{}` there.",
    "`one\n{}\nthree`",
    "He said <code>\n{}\n</code>",
    "~~struck\n{}\nout~~",
    "and {}",
)
"""Blocks that hold a command which nobody says."""
SHOWS = ("{}", "Fine.\n{}", "- {}", "> Is it?\n\n{}", "# {}", "`ok` {}", "<br>{}", "**{}**")


def comment(body: str) -> Comment:
    return Comment("7", "ada", body, datetime(2026, 1, 1, tzinfo=UTC))


def told(command: SignoffCommand) -> str:
    return f"{command.verb.removesuffix('off')} {command.item} {command.text}".strip()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["said"] or "nothing")
def test_a_command_counts_where_a_reader_sees_one(row: dict[str, Any]) -> None:
    assert [told(command) for command in commands(comment(row["said"]))] == row["hears"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=8))
def test_what_hides_a_command_hides_no_other(blocks: list[tuple[bool, int]]) -> None:
    body, seen = [], []
    for number, (is_shown, which) in enumerate(blocks):
        shapes = SHOWS if is_shown else HIDES
        # A heading ends each block: code and quotations go on as long as nothing says otherwise.
        body.append(shapes[which % len(shapes)].format(f"/signoff item-{number} x") + "\n\n## Next\n")
        if is_shown:
            seen.append(f"item-{number}")
    assert [command.item for command in commands(comment("\n".join(body)[:60_000]))] == seen


def test_a_novel_of_commands_is_read_to_a_point() -> None:
    assert len(commands(comment("/signoff a x\n" * 1000))) == 20


def test_a_paragraph_is_read_to_a_point_and_the_next_one_again() -> None:
    """Some paragraphs take the square of their length to parse."""
    wall = "[/\n" * LONGEST_PARAGRAPH
    assert commands(comment(wall + "/signoff a x")) == ()
    assert [told(one) for one in commands(comment(wall + "\n/signoff a x"))] == ["sign a x"]
