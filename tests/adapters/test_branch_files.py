"""The files of a branch that is not checked out: read at its tip, written as a commit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollout.adapters.branch_files import BranchFiles
from rollout.adapters.clock import FixedClock
from rollout.adapters.git import Git
from rollout.errors import InputError, RefusedError
from tests.adapters.scratch import Repository

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PATH = "state/shop/contract.yaml"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop", {"src.txt": "product\n"})


def files(repository: Repository, branch: str = "rollout-state") -> BranchFiles:
    return BranchFiles(Git(repository.path), branch, FixedClock(NOW), "rollout(shop): init")


def test_a_branch_that_nobody_began_has_a_history_of_its_own(repository: Repository) -> None:
    made = files(repository)
    assert (made.exists(PATH), made.contracts()) == (False, ())
    with pytest.raises(InputError, match="is not on rollout-state"):
        made.read(PATH)
    made.write_new({PATH: "train: shop\n", ".github/workflows/x.yml": "x\n"})
    assert made.read(PATH) == b"train: shop\n"
    assert made.contracts() == (PATH,)
    listed = repository.git("ls-tree", "-r", "--name-only", "rollout-state").splitlines()
    assert listed == [".github/workflows/x.yml", PATH]
    assert repository.git("log", "--format=%P %s", "rollout-state") == "rollout(shop): init"
    assert (repository.status(), repository.git("branch", "--show-current")) == ([], "main")


def test_more_is_a_commit_on_top_and_nothing_is_overwritten(repository: Repository) -> None:
    files(repository).write_new({PATH: "train: shop\n"})
    first = repository.head("rollout-state")
    with pytest.raises(RefusedError, match=f"{PATH} is on rollout-state already"):
        files(repository).write_new({"state/api/contract.yaml": "train: api\n", PATH: "other\n"})
    assert repository.head("rollout-state") == first
    files(repository).write_new({"state/api/contract.yaml": "train: api\n"})
    assert repository.head("rollout-state^") == first
    assert files(repository).contracts() == ("state/api/contract.yaml", PATH)
    files(repository).write_new({})
    assert repository.git("rev-list", "--count", "rollout-state") == "2"


def test_overwrites_when_it_is_to(repository: Repository) -> None:
    files(repository).write_new({PATH: "train: shop\n", "state/shop/other.yaml": "x\n"})
    files(repository).write({PATH: "train: api\n"})
    assert files(repository).read(PATH) == b"train: api\n"
    assert files(repository).read("state/shop/other.yaml") == b"x\n"


def test_a_branch_that_only_origin_has_goes_on_there(repository: Repository) -> None:
    files(repository).write_new({PATH: "train: shop\n"})
    theirs = repository.head("rollout-state")
    repository.git("update-ref", "refs/remotes/origin/rollout-state", theirs)
    repository.git("branch", "--delete", "--force", "rollout-state")
    assert files(repository).exists(PATH)
    files(repository).write_new({"state/api/contract.yaml": "train: api\n"})
    assert repository.head("rollout-state^") == theirs


def test_a_branch_that_origin_has_moved_on_is_caught_up_first(repository: Repository, tmp_path: Path) -> None:
    files(repository).write_new({PATH: "train: shop\n"})
    first, beside = repository.head("rollout-state"), tmp_path / "beside"
    files(repository).write({"state/shop/status.yaml": "schema: 2\n"})
    theirs = repository.head("rollout-state")
    repository.git("update-ref", "refs/remotes/origin/rollout-state", theirs)
    repository.git("update-ref", "refs/heads/rollout-state", first)
    repository.git("worktree", "add", "--quiet", str(beside), "rollout-state")
    files(repository).write({PATH: "train: api\n"})
    assert repository.head("rollout-state^") == theirs
    assert (beside / PATH).read_text(encoding="utf-8") == "train: api\n"
    assert (beside / "state/shop/status.yaml").read_text(encoding="utf-8") == "schema: 2\n"
    # What was never pushed stays.
    files(repository).write({PATH: "train: web\n"})
    assert repository.git("rev-list", "--count", f"{theirs}..rollout-state") == "2"


def test_a_worktree_beside_follows(repository: Repository, tmp_path: Path) -> None:
    files(repository).write_new({PATH: "train: shop\n"})
    repository.git("worktree", "add", "--quiet", str(tmp_path / "beside"), "rollout-state")
    files(repository).write_new({"state/api/contract.yaml": "train: api\n"})
    assert (tmp_path / "beside/state/api/contract.yaml").read_text(encoding="utf-8") == "train: api\n"
