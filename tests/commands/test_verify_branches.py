"""`rollout verify` on histories of every shape: cut, rewritten, merged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify
from rollout.errors import RefusedError
from tests.adapters.scratch import Existing, Repository

HISTORIES = Path(__file__).parent.parent / "histories"
TRAIN = "shop"
COMMITS = 80


@pytest.fixture(scope="module")
def first_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Main with 80 state commits, and some of the product between them."""
    folder = tmp_path_factory.mktemp("first-rules")
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    with (HISTORIES / "first-rules.fast-export").open("rb") as stream:
        subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, stdin=stream, check=True)
    return folder


@pytest.fixture
def repo(first_rules: Path, tmp_path: Path) -> Repository:
    """A clone that the test may write to."""
    shutil.copytree(first_rules, tmp_path / "repo")
    found = Existing(tmp_path / "repo")
    found.git("reset", "-q", "--hard")
    return found


def store(repo: Path) -> YamlStore:
    return YamlStore(Git(repo))


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_a_shallow_clone_is_not_taken_for_the_whole_history(
    first_rules: Path, tmp_path: Path, depth: int
) -> None:
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", f"--depth={depth}", f"file://{first_rules}", str(shallow)], check=True
    )
    ends = (shallow / ".git" / "shallow").read_text("ascii").strip()

    verified = verify(store(shallow), TRAIN, None)

    assert (verified.commits, verified.cut, verified.findings) == (depth - 1, ends, ())
    assert verify(store(shallow), TRAIN, ends).cut is None
    subprocess.run(["git", "fetch", "-q", "--unshallow"], cwd=shallow, check=True)
    whole = verify(store(shallow), TRAIN, None)
    assert (whole.commits, whole.cut) == (COMMITS, None)


def test_a_commit_that_the_branch_does_not_hold_is_no_place_to_begin(repo: Repository) -> None:
    tip = repo.head()
    repo.git("checkout", "-q", "-b", "side", "HEAD~3")
    side = repo.commit({"notes.txt": "x\n"})
    repo.git("checkout", "-q", "main")

    with pytest.raises(RefusedError, match="does not hold commit"):
        verify(store(repo.path), TRAIN, side)
    assert verify(store(repo.path), TRAIN, tip).commits == 0


def test_a_history_that_begins_with_decisions_is_said_to(repo: Repository) -> None:
    """The branch was squashed to one commit, and went on."""
    repo.git("checkout", "-q", "--orphan", "fresh")
    repo.git("commit", "-q", "-m", "Start over")
    root = repo.head()
    repo.git("branch", "-q", "-M", "main")

    verified = verify(store(repo.path), TRAIN, None)

    assert (verified.commits, verified.findings) == (0, ())
    ((commit, problem),) = [(remark.commit, remark.problem) for remark in verified.remarks]
    assert commit == root
    assert problem.startswith("history begins here, with decisions in it already")
