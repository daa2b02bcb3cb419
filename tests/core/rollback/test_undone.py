"""When a release counts as undone: a table of histories."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rollout.core.rollback.undone import LaterCommit, ReleaseFacts, ReleaseStanding, reverted_ids, standing_at
from rollout.files.yaml_text import load_yaml

_FILE = Path(__file__).parents[1] / "tables" / "undone.yaml"
ROWS: Any = load_yaml(_FILE.read_bytes(), file=_FILE.name)
ID, OTHER = "1" * 40, "2" * 40


def sha(name: str) -> str:
    return name.lower().encode().hex().ljust(40, "0")


def commit(row: str) -> LaterCommit:
    name, parents, message = row.split(" ", 2)
    message = re.sub(r"\{(\w+)\}", lambda found: sha(found[1]), message)
    return LaterCommit(sha(name), tuple(map(sha, parents.split("+"))), message)


def told(standing: ReleaseStanding) -> str:
    if standing.turns == 0:
        return "held"
    name = bytes.fromhex(standing.by).decode().rstrip("\0").upper()
    return f"{'undone' if standing.is_undone else 'back'} by {name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_how_a_release_stands(row: dict[str, Any]) -> None:
    gone, later = {sha(name) for name in row.get("gone", ())}, [commit(each) for each in row["history"]]
    known = ReleaseFacts(
        sha("C"),
        {sha("C"): "Add speed (#7)", sha("P"): "Prepare it"},
        sha(row["recorded"]) if "recorded" in row else None,
        sha(row["merged"]) if "merged" in row else None,
    )
    assert told(standing_at(later[-1].id, known, later, gone.__contains__)) == row["stands"]


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (f"Revert it\n\nThis reverts commit {ID}.\nThis reverts commit {OTHER}.", {ID, OTHER}),
        (f"This reverts commits {ID} and {OTHER}.", {ID, OTHER}),
        (f"This reverts commit {ID}, reversing\nchanges made to {OTHER}.", {ID}),
        (f"This reverts commit {ID}\n\nIncident {OTHER}", {ID}),
        ("revert commit 1111111", {"1111111"}),
        (f"Follows {ID}", set()),
    ],
)
def test_what_a_message_says_it_reverts(message: str, named: set[str]) -> None:
    assert reverted_ids(message) == named
