"""`rollout local issues` from argv to exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.local.issues import LocalIssues
from rollout.cli import main
from rollout.core.effects import OpenIssue
from tests.adapters.scratch import NOON, Repository


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository = Repository(tmp_path / "repo", {"a": "1\n"})
    monkeypatch.chdir(repository.path)
    return repository.path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["local", "issues", *arguments]) == 0
    return capsys.readouterr().out


def test_a_person_reads_comments_and_closes(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys) == "no issues\n"
    git = Git(repo)
    opened = LocalIssues(git).open(OpenIssue("k", "Sign-off", "Who signs?", (), ("ada",)), at=NOON)
    git.close()
    assert opened.number == 1
    assert said(capsys) == "#1  open    Sign-off\n"
    told = said(capsys, "comment", "1", "/signoff a docs/a.md", "--by", "Ada")
    assert told == "Ada commented on #1; `rollout reconcile` reads its command\n"
    shown = said(capsys, "show", "1")
    assert shown == (
        "#1  open    Sign-off\n\nlabels: rollout; assigned to ada\n\n"
        "Who signs?\n\n--- Ada\n/signoff a docs/a.md\n"
    )
    assert said(capsys, "close", "1") == "closed #1\n"
    (row,) = json.loads(said(capsys, "--json"))
    assert (row["number"], row["key"], row["state"]) == (1, "k", "closed")
    assert json.loads(said(capsys, "show", "1", "--json"))["comments"][0]["author"] == "Ada"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("/signoff a x\n/withdraw b y", "`rollout reconcile` reads its 2 commands"),
        ("Looks good.", "begin a line with `/signoff ITEM EVIDENCE` or `/withdraw ITEM REASON`"),
        ("> Is it?\n/signoff a x", "begin a line with `/signoff ITEM EVIDENCE` or `/withdraw ITEM REASON`"),
    ],
)
def test_it_says_whether_a_comment_holds_a_command(
    repo: Path, capsys: pytest.CaptureFixture[str], text: str, end: str
) -> None:
    git = Git(repo)
    LocalIssues(git).open(OpenIssue("k", "Sign-off", "Who signs?", ()), at=NOON)
    git.close()
    assert said(capsys, "comment", "1", text, "--by", "Ada").endswith(f"{end}\n")


def test_the_tools_comments_are_shown_without_escapes_and_peoples_as_they_are(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git = Git(repo)
    issues = LocalIssues(git)
    issues.open(OpenIssue("k", "Sign-off", "Who signs?", ()), at=NOON)
    issues.comment(1, "Ada", r"\*really\*", at=NOON)
    issues.stick(1, "missing", r"\#1 lacks owner\_agrees", at=NOON)
    git.close()
    assert said(capsys, "show", "1").endswith("--- Ada\n\\*really\\*\n\n--- rollout\n#1 lacks owner_agrees\n")
    assert (
        json.loads(said(capsys, "show", "1", "--json"))["comments"][1]["body"] == r"\#1 lacks owner\_agrees"
    )


def test_an_issue_that_is_not_there_is_bad_input(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "issues", "show", "3"]) == 2
    assert "there is no issue 3" in capsys.readouterr().err
