"""Packs are judged by git itself: it stores what they hold, under the ids that were told."""

import subprocess
from pathlib import Path

import pytest

from rollout.adapters.git.pack import Pack
from tests.adapters.scratch import Repository

BODIES = {size: bytes(index % 251 for index in range(size)) for size in (0, 1, 15, 16, 2047, 2048, 300_000)}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_git_stores_what_a_pack_holds(tmp_path: Path, algorithm: str) -> None:
    repo = Repository(tmp_path / "repo", None, f"--object-format={algorithm}")
    pack = Pack(len(repo.head()))
    ids = {size: pack.add("blob", body) for size, body in BODIES.items()}
    tree = pack.add("tree", b"100644 file\0" + bytes.fromhex(ids[15]))
    subprocess.run(["git", "unpack-objects", "-q"], cwd=repo.path, input=bytes(pack), check=True)
    stored = {size: repo.git("cat-file", "-s", blob) for size, blob in ids.items()}
    assert stored == {size: str(size) for size in BODIES}
    assert repo.git("ls-tree", tree) == f"100644 blob {ids[15]}\tfile"
