"""Which paths a commit changes."""

from __future__ import annotations

from collections.abc import Sequence

from rollout.adapters.github.answers import Document, Sha, parsed
from rollout.adapters.github.api import Api
from rollout.errors import OutsideError

_MOST_FOLDERS = 50


class _TreeEntry(Document):
    path: str
    type: str
    mode: str
    sha: str | None = None


class _Tree(Document):
    tree: tuple[_TreeEntry, ...]
    truncated: bool = False
    whole: bool = False
    """Whether folders were gone into."""


def changed_paths(api: Api, repository: str, commit: str) -> Sequence[str]:
    """Returns paths that the commit changes against its first parent.

    Where GitHub does not list all files at once, folder by folder as far as they differ. Raises OutsideError,
    for more than 50 such folders too.
    """
    before = _first_parent(api, repository, commit)
    old = _tree(api, repository, before, recursive=True) if before else _Tree(tree=())
    new = _tree(api, repository, commit, recursive=True)
    if not (old.truncated or new.truncated):
        return sorted(path for path, _ in _changed(old, new))
    return _walked(api, repository, before, commit)


def _walked(api: Api, repository: str, before: str | None, commit: str) -> list[str]:
    paths: list[str] = []
    folders: list[tuple[str, str | None, str | None]] = [("", before, commit)]
    for _ in range(_MOST_FOLDERS):
        if not folders:
            return sorted(paths)
        folder, *both = folders.pop()
        old, new = (_tree(api, repository, one) if one else _Tree(tree=()) for one in both)
        if old.truncated or new.truncated:
            break
        for path, (was, now) in _changed(old, new):
            trees = [one.sha if one and one.type == "tree" else None for one in (was, now)]
            if any(one and one.type != "tree" for one in (was, now)):
                paths.append(folder + path)
            if any(trees):
                folders.append((f"{folder}{path}/", trees[0], trees[1]))
    raise OutsideError(
        f"{commit[:12]} changes more files than GitHub lists: whether state is among them is not known",
        hint="run it in a clone, with --forge local",
    )


_Change = tuple[str, tuple["_TreeEntry | None", "_TreeEntry | None"]]


def _changed(old: _Tree, new: _Tree) -> list[_Change]:
    """Returns path -> entry before and after, where they differ;
    a folder as such only where it was not gone into.
    """
    was, now = (
        {one.path: one for one in tree.tree if not tree.whole or one.type != "tree"} for tree in (old, new)
    )
    return [
        (path, (was.get(path), now.get(path)))
        for path in was.keys() | now.keys()
        if was.get(path) != now.get(path)
    ]


def _first_parent(api: Api, repository: str, commit: str) -> str | None:
    path = f"/repos/{repository}/git/commits/{commit}"
    doing = f"reading commit {commit[:12]}"
    parents = api.attempt(doing, lambda: parsed(tuple[Sha, ...], api.rest("GET", path), "parents"))
    return parents[0] if parents else None


def _tree(api: Api, repository: str, name: str, *, recursive: bool = False) -> _Tree:
    """Returns what lies in a commit or tree, and where `recursive` all that lies below it."""
    path = f"/repos/{repository}/git/trees/{name}"
    query = {"recursive": 1} if recursive else {}
    doing = f"listing the files of {name[:12]}"
    found = api.attempt(doing, lambda: parsed(_Tree, api.rest("GET", path, query=query)))
    return found.model_copy(update={"whole": recursive})
