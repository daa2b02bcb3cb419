"""The worktree on disk."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.adapters.worktree import DiskWorktree
from rollout.errors import InputError, OutsideError, RefusedError
from rollout.files.yaml_text import MAX_BYTES
from rollout.ports import Worktree


def over(root: Path) -> Worktree:
    return DiskWorktree(root, lambda: ["v1.0.0", "nightly"])


def everything(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_writes_new_files_and_reads_them(tmp_path: Path) -> None:
    worktree = over(tmp_path)
    worktree.write_new(
        {"state/b/contract.yaml": "b: ä\n", "state/a/contract.yaml": "a\n", "state/a/x.yaml": ""}
    )
    assert worktree.contracts() == ("state/a/contract.yaml", "state/b/contract.yaml")
    assert worktree.read("state/b/contract.yaml") == "b: ä\n".encode()
    assert worktree.exists("state/a/x.yaml")
    assert not worktree.exists("state/a/y.yaml")
    assert worktree.tags() == ("v1.0.0", "nightly")


@pytest.mark.parametrize("path", ["state/a/contract.yaml", "state", "."])
def test_what_is_no_readable_file(tmp_path: Path, path: str) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(InputError, match="cannot be read") as refused:
        over(tmp_path).read(path)
    assert refused.value.file == path
    assert str(tmp_path) not in refused.value.message


def test_reads_no_more_than_the_reader_would_refuse(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (2 * MAX_BYTES))
    assert len(over(tmp_path).read("big")) == MAX_BYTES + 1


def test_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(RefusedError, match="b is there already"):
        over(tmp_path).write_new({"a": "new", "b": "new"})
    assert everything(tmp_path) == {"b": "mine"}


def test_overwrites_when_it_is_to(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("old")
    over(tmp_path).write({"a/c": "new", "b": "ä"})
    assert everything(tmp_path) == {"a/c": "new", "b": "ä"}
    (tmp_path / "out").symlink_to(tmp_path.parent)
    with pytest.raises(RefusedError, match="out/d leads out of the repository"):
        over(tmp_path).write({"b": "newer", "out/d": "x"})
    with pytest.raises(OutsideError, match="cannot write b/e: "):
        over(tmp_path).write({"b/e": "x"})
    assert (tmp_path / "b").read_text() == "ä"


def test_a_link_that_leads_nowhere_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RefusedError, match="a is there already"):
        over(tmp_path).write_new({"a": "new"})
    assert everything(tmp_path) == {}


def test_never_leaves_the_repository(tmp_path: Path) -> None:
    repository, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    repository.mkdir()
    elsewhere.mkdir()
    (repository / "state").symlink_to(elsewhere)
    for path in ("state/tau/contract.yaml", "../elsewhere/contract.yaml"):
        with pytest.raises(RefusedError, match="leads out of the repository"):
            over(repository).write_new({path: "new"})
    assert everything(tmp_path) == {}


def test_writes_all_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutsideError, match="cannot write file/b"):
        over(tmp_path).write_new({"state/a": "new", "file/b": "new", "state/c": "new"})
    assert everything(tmp_path) == {"file": "mine"}


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file may grow beyond 50,000 bytes: to the program the same as a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("little_room")
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="cannot write b") as refused:
        over(tmp_path).write_new({"a": "new", "b": "x" * 100_000})
    assert "nothing was written" in refused.value.hint
    assert everything(tmp_path) == {}
