"""What counts as evidence, by a table, and what is made of what is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollout.core.signoff.evidence import (
    EvidencePlaces,
    Kind,
    LookedUpEvidence,
    NoEvidenceError,
    Reference,
    can_change,
    judge,
    parse,
)
from rollout.files.yaml_text import load_yaml

COMMIT = "1" * 40
GITHUB = EvidencePlaces("https://github.com", ("acme/tau", "acme/state"))
_FILE = Path(__file__).parents[1] / "tables" / "evidence.yaml"
ROWS: Any = load_yaml(_FILE.read_bytes(), file=_FILE.name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["evidence"] or "nothing")
def test_a_text_is_evidence_or_it_is_said_why_not(row: dict[str, str]) -> None:
    if "is" in row:
        found = parse(row["evidence"], GITHUB, COMMIT)
        assert f"{found.kind} {found.name}" == row["is"]
        assert parse(found.text, GITHUB, COMMIT) == found, "what is recorded is read again"
        return
    with pytest.raises(NoEvidenceError) as refused:
        parse(row["evidence"], GITHUB, COMMIT)
    assert row["why"] in str(refused.value)


def test_the_local_forge_has_no_pages() -> None:
    with pytest.raises(NoEvidenceError, match="is a link; here it takes a path"):
        parse("https://github.com/acme/tau/actions/runs/42", EvidencePlaces(), COMMIT)
    assert parse("docs/a.md", EvidencePlaces(), COMMIT).kind is Kind.PATH


def test_a_novel_is_no_evidence() -> None:
    with pytest.raises(NoEvidenceError, match="is longer than 500 characters"):
        parse("docs/" + "x" * 500, GITHUB, COMMIT)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (None, "there is no run 42"),
        (
            LookedUpEvidence(of_release=False, ended="success", digest="d"),
            "run 42 is not of this release's commit 1111111111",
        ),
        (LookedUpEvidence(of_release=True, ended="failure", digest="d"), "run 42 has not succeeded: failure"),
        (
            LookedUpEvidence(of_release=True, ended="in_progress", digest="d"),
            "run 42 has not succeeded: in_progress",
        ),
        (LookedUpEvidence(of_release=True, ended="success", digest="d"), ""),
    ],
)
def test_what_is_found_has_to_be_of_the_release_and_to_have_succeeded(
    seen: LookedUpEvidence | None, why: str
) -> None:
    found = judge(Reference(Kind.RUN, "42", "x"), seen, COMMIT)
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_a_path_that_is_not_there_says_at_which_commit() -> None:
    assert judge(Reference(Kind.PATH, "a", "a"), None, COMMIT) == "there is no path a at 1111111111"


@pytest.mark.parametrize("server", ["https://github.com", "http://ghes.example:8080"])
def test_only_links_can_become_something_else(server: str) -> None:
    places, page = EvidencePlaces(server, ("acme/tau",)), f"{server}/acme/tau"
    changing = (
        f"{page}/actions/runs/1",
        f"{page}/actions/runs/1/job/2",
        f"{page}/actions/runs/1/artifacts/2",
        f"{page}/pull/1#pullrequestreview-2",
        f"{server}/acme/renamed/actions/runs/1",
        "https://elsewhere.example/acme/tau/actions/runs/1",
    )
    fixed = (
        COMMIT,
        "docs/a.md",
        f"{page}/commit/{COMMIT}",
    )
    assert [text for text in (*changing, *fixed) if can_change(text, places, COMMIT)] == list(changing)
    assert not any(can_change(text, EvidencePlaces(), COMMIT) for text in changing)
