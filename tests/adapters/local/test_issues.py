"""The local forge's issues: records in the git directory, and people beside the tool."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.local.issues import LocalIssues
from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.issue import Issue, IssueState
from rollout.errors import InputError, RefusedError
from rollout.ports import Permission, Reaction
from tests.adapters.scratch import NOON, Repository

KEY = "signoff/tau/v0.1.5"
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def issues(tmp_path: Path) -> Iterator[LocalIssues]:
    git = Git(Repository(tmp_path / "repo", {"a": "1\n"}).path)
    yield LocalIssues(git)
    git.close()


def opened(issues: LocalIssues, key: str = KEY) -> Issue:
    return issues.open(OpenIssue(key, "Sign-off", "body", ("rollout-signoff",), ("ada",)), at=NOON)


def test_an_issue_is_opened_once_and_found_by_its_key(issues: LocalIssues) -> None:
    assert issues.find(KEY) is None
    first = opened(issues)
    assert opened(issues) == first == issues.find(KEY)
    assert first == Issue(
        number=1,
        key=KEY,
        title="Sign-off",
        body="body",
        state=IssueState.OPEN,
        labels=frozenset({"rollout", "rollout-signoff"}),
        assignees=("ada",),
        locked=False,
        url="local:issues/1",
    )


def test_a_closed_one_is_still_found_and_a_new_one_is_newer(issues: LocalIssues) -> None:
    issues.close(opened(issues).number, "Done.", at=LATER)
    found = issues.find(KEY)
    assert found is not None
    assert found.state is IssueState.CLOSED
    assert opened(issues).number == 2
    assert issues.find(KEY) == opened(issues)


def test_labels_of_the_tool_are_made_so_and_others_stay(issues: LocalIssues) -> None:
    number = opened(issues).number
    issues.update(UpdateIssue(number, "T", "B", ("team-a", "rollout-blocked")), at=LATER)
    issues.update(UpdateIssue(number, "T", "B", ("rollout-signoff",)), at=LATER)
    found = issues.find(KEY)
    assert found is not None
    assert (found.title, found.body) == ("T", "B")
    assert found.labels == {"rollout", "rollout-signoff", "team-a"}


def test_people_comment_and_the_tool_answers(issues: LocalIssues) -> None:
    number = opened(issues).number
    said = issues.comment(number, "Ada", "/signoff a b", at=LATER)
    issues.react(said.id, Reaction.ACCEPTED)
    issues.react(said.id, Reaction.ACCEPTED)
    issues.stick(number, "missing", "two missing", at=LATER)
    issues.stick(number, "missing", "one missing", at=LATER)
    (shown,) = issues.comments(number).comments
    assert (shown.author, shown.body, shown.created_at, shown.edited) == ("Ada", "/signoff a b", LATER, False)
    assert shown.answered
    assert issues.said(number) == [
        ("Ada", "/signoff a b", (Reaction.ACCEPTED,), False),
        ("rollout", "one missing", (), True),
    ]


def test_closing_says_why_once_and_reopening_opens(issues: LocalIssues) -> None:
    number = opened(issues).number
    issues.close(number, "Done.", at=LATER)
    issues.close(number, "Done again.", at=LATER)
    assert issues.said(number) == [("rollout", "Done.", (), True)]
    issues.reopen(number, at=LATER)
    issues.reopen(number, at=LATER)
    assert [issue.state for issue in issues.all()] == [IssueState.OPEN]
    issues.close_by_hand(number)
    with pytest.raises(RefusedError, match="issue 1 is closed"):
        issues.close_by_hand(number)


def test_what_is_not_there_is_said(issues: LocalIssues) -> None:
    with pytest.raises(InputError, match="there is no issue 7"):
        issues.comments(7)
    with pytest.raises(InputError, match="needs a text"):
        issues.comment(opened(issues).number, "Ada", " \n", at=LATER)


def test_nobody_is_authenticated_and_everybody_may(issues: LocalIssues) -> None:
    assert issues.myself() == ""
    assert issues.permission("whoever") is Permission.ADMIN


def test_a_broken_file_is_named(issues: LocalIssues, tmp_path: Path) -> None:
    opened(issues)
    (tmp_path / "repo/.git/rollout/issues.json").write_text("[", encoding="utf-8")
    with pytest.raises(InputError, match=r"issues\.json") as broken:
        issues.find(KEY)
    assert "move the file away" in (broken.value.hint or "")
