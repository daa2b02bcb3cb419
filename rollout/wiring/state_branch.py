"""Which branch of a clone carries state."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain, islice

from rollout.adapters.git import Git
from rollout.adapters.worktree import DiskWorktree
from rollout.core.files import CONTRACT, STATE, STATE_BRANCH, state_path
from rollout.errors import InputError

_NAMED = re.compile(rb"^state:[ \t]*\{?\s*branch:[ \t]*[\"']?([A-Za-z0-9][\w./-]*)", re.MULTILINE)
"""`state.branch` in a contract that is no YAML."""
_MOST_VERSIONS = 200
"""How far back a contract that tells is looked for."""

Parse = Callable[..., object]
"""`load_yaml`, which may keep what it has read."""


def state_branch(git: Git, worktree: DiskWorktree, parse: Parse) -> tuple[str, str]:
    """Returns the state branch of a clone for which nobody asked for one, and why it is that one."""
    if named := branch_of_contracts(git, worktree, parse):
        return named, "which the contract names"
    places = (f"refs/{place}/{STATE_BRANCH}:{STATE}" for place in ("heads", "remotes/origin"))
    if any(map(git.tree, places)):
        return STATE_BRANCH, "which carries state"
    return git.default_branch(), "the default branch"


def branch_of_contracts(git: Git, worktree: DiskWorktree, parse: Parse) -> str | None:
    """Returns `state.branch` of the contracts that are committed where the worktree stands.

    What is only edited there does not count: a freeze must not follow a branch that somebody is typing.
    Files of the worktree count where no train is committed yet, as after `rollout init`.
    """
    trains = git.tree(f"HEAD:{STATE}")
    folders = [name for name, entry in sorted(trains.items()) if entry.is_folder]
    named = (
        (_committed(git, train, parse) for train in folders)
        if folders
        else (_edited(worktree, path, parse) for path in worktree.contracts())
    )
    return next(filter(None, named), None)


def _committed(git: Git, train: str, parse: Parse) -> str | None:
    """Returns the branch by the newest committed contract that can be read, or that shows it by its form."""
    path = state_path(train, CONTRACT)
    commits = chain(["HEAD"], (entry.commit for entry in islice(git.log("HEAD", [path]), _MOST_VERSIONS)))
    for commit in commits:
        found = git.read(f"{commit}:{path}")
        data = _parsed(found.body, path, parse) if found is not None else None
        if found is not None and (isinstance(data, dict) or _NAMED.search(found.body)):
            return _branch_in(found.body, data)
    return None


def _edited(worktree: DiskWorktree, path: str, parse: Parse) -> str | None:
    try:
        text = worktree.read(path)
    except InputError:
        return None
    return _branch_in(text, _parsed(text, path, parse))


def _parsed(text: bytes, file: str, parse: Parse) -> object | None:
    try:
        return parse(text, file=file)
    except InputError:
        return None


def _branch_in(text: bytes, data: object | None) -> str | None:
    """Returns the branch that a contract names, found by its form where the text is no YAML."""
    if data is None:
        named = _NAMED.search(text)
        return named[1].decode() if named else None
    state = data.get("state") if isinstance(data, dict) else None
    branch = state.get("branch") if isinstance(state, dict) else None
    return branch if isinstance(branch, str) else None
