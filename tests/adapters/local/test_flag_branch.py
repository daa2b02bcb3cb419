"""One file of the product's branch in a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.local.product_branch import LocalProductBranch
from rollout.core.state import CommitMessage
from rollout.errors import HeadMovedError, InputError
from tests.adapters.scratch import NOON, Repository

PATH = "flags/app.json"
MESSAGE = CommitMessage("rollout(tau): apply 5 %", "", (("Rollout-Event", "apply"),))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo", {PATH: "0\r\n", "other.txt": "x\n"})


def branch(repo: Repository, name: str = "main") -> LocalProductBranch:
    return LocalProductBranch(Git(repo.path), lambda: name)


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
