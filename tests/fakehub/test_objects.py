"""What the local GitHub does with objects itself, held to what git makes of the same."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from fakehub.bare import GITHUB, BareRepo, Person
from fakehub.clock import NOON

FILES = {"a": "1", "dir/b": "2", "dir/sub/c": "3", "dir.x": "4", "dir0": "5"}
"""The folder sorts between its neighbours only with the slash that git adds."""
CHANGES: Mapping[str, Mapping[str, str | None]] = {
    "nothing": {},
    "a file": {"a": "other"},
    "the same file otherwise": {"a": "another"},
    "a file inside": {"dir/sub/c": "other"},
    "a new one beside it": {"dir/sub/d": "new"},
    "a new folder": {"new/deep/e": "new"},
    "a file goes": {"dir/b": None},
    "a folder goes": {"dir/b": None, "dir/sub/c": None},
    "a folder becomes a file": {"dir/b": None, "dir/sub/c": None, "dir": "now a file"},
}


@pytest.fixture
def bare(tmp_path: Path) -> BareRepo:
    return BareRepo(tmp_path / "bare.git", threading.RLock())


def commit(bare: BareRepo, changes: Mapping[str, str | None], *parents: str) -> str:
    entries = [
        ("100644", None if text is None else bare.write_blob(text.encode()), path)
        for path, text in changes.items()
    ]
    deleted_first = sorted(entries, key=lambda entry: entry[1] is not None)
    tree = bare.write_tree(parents[0] if parents else None, deleted_first)
    return bare.write_commit(tree, parents, "Change\n\nit", Person("Ada Ä", "ada@example.com"), NOON)


@pytest.mark.parametrize("change", CHANGES)
def test_trees_and_differences(bare: BareRepo, change: str) -> None:
    first = commit(bare, FILES)
    second = commit(bare, CHANGES[change], first)
    assert bare.git("fsck", "--strict", second) == ""
    known = {"GIT_INDEX_FILE": str(bare.path / "index")}
    bare.git("read-tree", second, env=known)
    assert bare.git("write-tree", env=known) == bare.commit(second).tree
    told = bare.git("diff-tree", "-r", "--no-renames", "--name-status", first, second).splitlines()
    assert sorted(bare.changed(first, second)) == sorted(tuple(line.split("\t")) for line in told)


@pytest.mark.parametrize("theirs", CHANGES)
@pytest.mark.parametrize("ours", CHANGES)
def test_merges(bare: BareRepo, ours: str, theirs: str) -> None:
    fork = commit(bare, FILES)
    heads = [commit(bare, CHANGES[change], fork) for change in (ours, theirs)]
    merged = None
    with suppress(subprocess.CalledProcessError):  # a conflict
        merged = bare.git("merge-tree", "--write-tree", *heads)
    assert bare.merged_tree(*heads) == merged


def test_commits(bare: BareRepo) -> None:
    made = commit(bare, FILES)
    env = {"GIT_AUTHOR_NAME": "Ada Ä", "GIT_AUTHOR_EMAIL": "ada@example.com"}
    env |= {"GIT_COMMITTER_NAME": GITHUB.name, "GIT_COMMITTER_EMAIL": GITHUB.email}
    env |= {f"GIT_{role}_DATE": NOON.isoformat() for role in ("AUTHOR", "COMMITTER")}
    assert bare.git("commit-tree", bare.commit(made).tree, data=b"Change\n\nit", env=env) == made


def test_histories(bare: BareRepo) -> None:
    root = commit(bare, FILES)
    left = commit(bare, {"a": "left"}, root)
    right = commit(bare, {"dir0": "right"}, commit(bare, {"dir.x": "right"}, root))
    both = commit(bare, {}, left, right)
    crossed = commit(bare, {}, right, left)
    for one in (root, left, right, both, crossed):
        for other in (root, left, right, both, crossed):
            bases = bare.git("merge-base", "--all", one, other).split()
            assert bare.merge_base(one, other) in bases
            assert bare.contains(one, other) == (bases == [other])
            told = bare.git("rev-list", "--reverse", f"{one}..{other}").split()
            assert sorted(bare.between(one, other)) == sorted(told)
    # Longer than what is looked through commit by commit.
    tip = left
    for number in range(310):
        tip = commit(bare, {"a": f"{number}"}, tip)
    assert (bare.contains(tip, root), bare.contains(root, tip)) == (True, False)
    assert bare.merge_base(tip, right) == root
    assert len(bare.between(root, tip)) == 311


def test_references(bare: BareRepo) -> None:
    made = commit(bare, FILES)
    for name in ("refs/heads/main", "refs/heads/deep/er", "refs/tags/v1"):
        bare.update_ref(name, made)
    listed = {"refs/heads/deep/er": made, "refs/heads/main": made, "refs/tags/v1": made}
    assert bare.refs() == listed
    assert bare.refs("refs/heads/de") == {"refs/heads/deep/er": made}
    bare.git("pack-refs", "--all")
    assert bare.refs() == listed
    assert (bare.branch("deep/er"), bare.branch("deep"), bare.commit_of("v1")) == (made, None, made)
    assert bare.commit_of(made[:9]) == made
    bare.delete_ref("refs/heads/deep/er")
    bare.update_ref("refs/heads/deep", made)
    assert list(bare.refs("refs/heads/")) == ["refs/heads/deep", "refs/heads/main"]
