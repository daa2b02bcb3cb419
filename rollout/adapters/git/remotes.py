"""The remotes of a clone, as they were last fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rollout.adapters.git.process import Done, complaint
from rollout.adapters.git.repository import Git
from rollout.errors import OutsideError

_SECTIONS = (b"[remote", b"[include")
_USER = re.compile(r"//[^/@\s]*@")
_USUAL_BRANCHES = ("main", "master")
_LATER = "run it again later; `git fetch` has to work in this clone"


def remotes(git: Git) -> dict[str, str]:
    """Name -> address, in git's order."""
    try:
        # Most clones without a remote show it in this file, which saves a process.
        if not any(section in (git.common_dir / "config").read_bytes() for section in _SECTIONS):
            return {}
    except OSError:
        return {}
    listed = git.runner.attempt("config", "-z", "--get-regexp", r"^remote\..*\.url$").stdout
    found: dict[str, str] = {}
    for entry in listed.decode("utf-8", "replace").split("\0"):
        key, _, url = entry.partition("\n")
        if url:
            found.setdefault(key.removeprefix("remote.").removesuffix(".url"), url)
    return found


def fetched(remote: str, branch: str) -> str:
    """The ref of a remote's branch as it was last fetched."""
    return f"refs/remotes/{remote}/{branch}"


def default_branches(git: Git, remote: str) -> Iterator[str]:
    """What the remote calls its default branch; the usual names where the clone does not know."""
    head = fetched(remote, "")
    named = git.runner.attempt("symbolic-ref", "--quiet", f"{head}HEAD").stdout.decode("utf-8", "replace")
    yield from (named.strip().removeprefix(head),) if named else _USUAL_BRANCHES


def fetch(git: Git, remote: str, branch: str) -> None:
    """Fetch one branch, as this person fetches. Raises OutsideError where that fails."""
    wanted = f"+refs/heads/{branch}:{fetched(remote, branch)}"
    done = git.runner.attempt("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, wanted)
    if done.returncode:
        raise OutsideError(f"fetching {branch} from {remote} failed: {_why(done)}", hint=_LATER)


def _why(done: Done) -> str:
    """What git complains of, without the name and token that an address may carry."""
    return _USER.sub("//", complaint(done))
