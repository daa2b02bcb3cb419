"""Objects are judged by git itself: it reads what was stored, under the ids that were told."""

from pathlib import Path

import pytest

from rollout.adapters.git.objects import LooseObjects
from tests.adapters.scratch import Repository

BODIES = {size: bytes(index % 251 for index in range(size)) for size in (0, 1, 15, 16, 2047, 2048, 300_000)}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_git_reads_what_was_stored(tmp_path: Path, algorithm: str) -> None:
    repo = Repository(tmp_path / "repo", None, f"--object-format={algorithm}")
    objects = LooseObjects(repo.path / ".git" / "objects", len(repo.head()))
    ids = {size: objects.add("blob", body) for size, body in BODIES.items()}
    tree = objects.add("tree", b"100644 file\0" + bytes.fromhex(ids[15]))
    assert objects.add("blob", BODIES[15]) == ids[15]
    stored = {size: repo.git("cat-file", "-s", blob) for size, blob in ids.items()}
    assert stored == {size: str(size) for size in BODIES}
    assert repo.git("ls-tree", tree) == f"100644 blob {ids[15]}\tfile"
    assert "dangling" in repo.git("fsck", "--strict")


@pytest.mark.parametrize("shared", ["false", "group", "all"])
def test_they_are_as_open_to_others_as_what_git_stores(tmp_path: Path, shared: str) -> None:
    repo = Repository(tmp_path / "repo", None, f"--shared={shared}")
    repo.write("one.txt", "one\n")
    folder = repo.path / ".git" / "objects"
    theirs = folder / _loose(repo.git("hash-object", "-w", "one.txt"))
    ours = folder / _loose(LooseObjects(folder, len(repo.head())).add("blob", b"two\n"))
    assert (_mode(ours), _mode(ours.parent)) == (_mode(theirs), _mode(theirs.parent))
    assert list(folder.glob("tmp_obj_*")) == []


def _loose(name: str) -> str:
    return f"{name[:2]}/{name[2:]}"


def _mode(path: Path) -> str:
    return oct(path.stat().st_mode)
