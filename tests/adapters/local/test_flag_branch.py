"""One file of the product's branch in a real repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.local.flag_branch import LocalFlagBranch
from rollout.adapters.local.forge import LocalForge
from rollout.core.forge import PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage
from rollout.errors import HeadMovedError, InputError
from rollout.ports import FlagProposal
from tests.adapters.scratch import NOON, Repository

PATH = "flags/app.json"
MESSAGE = CommitMessage("rollout(tau): apply 5 %", "", (("Rollout-Event", "apply"),))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo", {PATH: "0\r\n", "other.txt": "x\n"})


def branch(repo: Repository, name: str = "main") -> LocalFlagBranch:
    git = Git(repo.path)
    return LocalFlagBranch(git, LocalForge(git, "main"), lambda: name)


def test_a_file_is_read_and_written_on_the_branch_and_in_the_worktree(repo: Repository) -> None:
    product, before = branch(repo), repo.head()
    found = product.file(PATH)
    assert found is not None
    assert (found.tip, found.content) == (before, b"0\r\n")
    repo.write("other.txt", "a person's edit\n")
    made = product.write(PATH, b"5\r\n", MESSAGE, parent=before, at=NOON)
    assert repo.head("main") == made
    assert (repo.path / PATH).read_bytes() == b"5\r\n"
    assert repo.git("diff", "--name-only", before, made) == PATH
    assert (repo.path / "other.txt").read_text() == "a person's edit\n"
    assert "Rollout-Event: apply" in repo.git("log", "-1", "--format=%B")


def test_a_branch_that_moved_is_left_alone(repo: Repository) -> None:
    before = repo.head()
    later = repo.commit({PATH: "1\n"})
    with pytest.raises(HeadMovedError):
        branch(repo).write(PATH, b"5\n", MESSAGE, parent=before, at=NOON)
    assert repo.head("main") == later


def test_an_edit_that_is_not_committed_is_kept(repo: Repository) -> None:
    repo.write(PATH, "3\n")
    with pytest.raises(InputError, match=PATH):
        branch(repo).write(PATH, b"5\n", MESSAGE, parent=repo.head(), at=NOON)
    assert (repo.path / PATH).read_text() == "3\n"


def test_a_pull_request_is_opened_moved_and_closed(repo: Repository) -> None:
    product, before, head = branch(repo), repo.head(), "rollout-apply/tau/canary-5-x"
    new = FlagProposal(head, PATH, b"5\r\n", MESSAGE, "the body", before)
    opened = product.propose(new, at=NOON)
    assert (opened.kind, opened.base, opened.title) == (PullRequestKind.APPLY, "main", MESSAGE.subject)
    later = repo.commit({"other.txt": "y\n"})
    moved = product.propose(replace(new, content=b"6\r\n", parent=later), at=NOON)
    assert moved.number == opened.number
    shown = product.file(PATH, on=head)
    assert shown is not None
    assert shown.content == b"6\r\n"
    assert repo.git("diff", "--name-only", f"main...{head}") == PATH
    assert [pull.number for pull in product.open_proposals("rollout-apply/tau/")] == [opened.number]
    assert branch(repo, "trunk").open_proposals("rollout-apply/tau/") == []
    product.close(opened, "another percent", at=NOON)
    found = product.proposed(head)
    assert found is not None
    assert (found.state, product.open_proposals("rollout-apply/")) == (PullRequestState.CLOSED, [])
    assert repo.git("branch", "--list", head) == ""


def test_what_is_no_file(repo: Repository) -> None:
    (repo.path / "link.json").symlink_to(PATH)
    repo.commit({})
    product = branch(repo)
    for path, why in (("link.json", "is a link"), ("flags", "is a folder")):
        with pytest.raises(InputError, match=f"{path}: {why}"):
            product.file(path)
    found = product.file("nowhere.json")
    assert found is not None
    assert found.content is None
    assert branch(repo, "trunk").file(PATH) is None
