"""What a fetch from the local GitHub is told, held to what git tells of the same repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from fakehub.hub import Hub
from fakehub.repo import Repo
from tests.adapters.scratch import Repository


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def address(hub: Hub, repo: Repo) -> str:
    token = hub.person("alice", repo)
    return f"{hub.url.replace('//', f'//alice:{token.value}@')}/{repo.full_name}.git"


def test_the_list_of_refs(hub: Hub, tmp_path: Path) -> None:
    seed = Repository(tmp_path / "seed", {"a": "1\n"})
    seed.git("tag", "plain")
    seed.git("tag", "-a", "-m", "it", "annotated")
    seed.git("branch", "deep/er")
    repo = hub.repo(seed=seed.path)
    for asked in ([], ["--tags"], ["--heads"], ["refs/heads/deep/*"], ["HEAD"]):
        listed = git("ls-remote", "--symref", str(repo.bare.path), *asked)
        assert git("ls-remote", "--symref", address(hub, repo), *asked) == listed


def test_clones(hub: Hub, tmp_path: Path) -> None:
    empty = hub.repo("acme/empty", branch="trunk")
    git("clone", "--quiet", address(hub, empty), str(tmp_path / "empty"))
    assert git("-C", str(tmp_path / "empty"), "symbolic-ref", "HEAD") == "refs/heads/trunk\n"
    seed = Repository(tmp_path / "seed", {"a": "1\n"})
    first, last = seed.head(), seed.commit({"a": "2\n"})
    repo = hub.repo("acme/full", seed=seed.path)
    for depth, commits in (("1", [last]), ("2", [last, first])):
        folder = str(tmp_path / f"depth-{depth}")
        git("clone", "--quiet", f"--depth={depth}", address(hub, repo), folder)
        assert git("-C", folder, "rev-list", "HEAD").split() == commits


def test_objects_for_a_checkout(hub: Hub, tmp_path: Path) -> None:
    seed = Repository(tmp_path / "seed", {"a": "1\n", "in/side": "2\n"})
    seed.commit({"a": "2\n"})
    seed.git("tag", "-a", "-m", "it", "annotated")
    seed.git("switch", "--quiet", "--create", "other")
    seed.commit({"b": "3\n"})
    seed.git("gc", "--quiet")
    repo = hub.repo(seed=seed.path)
    for depth in (1, 2, 9):
        folder = tmp_path / f"depth-{depth}"
        git("clone", "--quiet", f"--depth={depth}", address(hub, repo), str(folder))
        needed, cut = repo.bare.needed([seed.head("main")], depth)
        listed = git("-C", str(folder), "rev-list", "--objects", "HEAD").splitlines()
        shallow = folder / ".git/shallow"
        assert needed == {line.split()[0] for line in listed}
        assert cut == (shallow.read_text().split() if shallow.exists() else [])
    refs = repo.bare.refs()
    everything = git("-C", str(seed.path), "rev-list", "--objects", "--all").splitlines()
    assert repo.bare.needed([*refs.values()], 0) == ({line.split()[0] for line in everything}, [])
    assert all(
        (repo.bare.path / "objects" / one[:2] / one[2:]).exists() for one in everything if " " not in one
    )
