"""The remotes of a clone, as they were last fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from rollout.adapters.git.process import Done, complaint
from rollout.adapters.git.repository import USUAL_BRANCHES, Git
from rollout.core.text import inert
from rollout.core.workflow_pin import is_same_place
from rollout.errors import OutsideError

ALL = "*"
"""In place of a branch."""
_SECTIONS = (b"[remote", b"[include")
_BESIDE = "rollout-brake"
_USER = re.compile(r"//[^/@\s]*@")
_NO_SUCH_REF = b"couldn't find remote ref"
_LATER = "run it again once this works in the clone: git fetch"


def remotes(git: Git) -> dict[str, str]:
    """Returns name -> address, in git's order."""
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


_SAYS = "remote: "
"""Before each line that the server wrote for people."""


def fetched(remote: str, branch: str) -> str:
    """Returns the ref of a remote's branch as it was last fetched."""
    return f"refs/remotes/{remote}/{branch}"


def default_branches(git: Git, remote: str) -> Iterator[str]:
    """Yields what the remote calls its default branch; where the clone does not know, usual names, then
    others.
    """
    head = fetched(remote, "")
    named = git.runner.attempt("symbolic-ref", "--quiet", f"{head}HEAD").stdout.decode("utf-8", "replace")
    if named:
        yield named.strip().removeprefix(head)
        return
    yield from USUAL_BRANCHES
    others = git.branches(head).values()
    current = git.current_branch()
    yield from sorted(others, key=lambda branch: (branch != current, branch))


def fetch(git: Git, remote: str, branch: str) -> bool:
    """Fetches one branch, or all, as this person fetches; False when there is no such branch.

    Raises OutsideError where it fails.
    """
    wanted = f"+refs/heads/{branch}:{fetched(remote, branch)}"
    done = git.runner.attempt("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, wanted)
    if done.returncode and _NO_SUCH_REF in done.stderr:
        return False
    if done.returncode:
        raise OutsideError(
            f"fetching {'branches' if branch == ALL else branch} from {remote} failed: {_why(done)}",
            hint=_LATER,
        )
    return True


def push(git: Git, remote: str, branch: str, commit: str, *, old: str) -> str:
    """Moves a remote's branch from `old` to the commit; returns why it was not moved, empty when it was.

    Raises OutsideError where git would take it to another repository than the remote's.
    """
    lease = f"--force-with-lease=refs/heads/{branch}:{old}"
    pushed = f"{commit}:refs/heads/{branch}"
    settings, there = _way_to(git, remote)
    done = git.runner.attempt(*settings, "push", "--porcelain", "--no-verify", lease, there, pushed)
    if not done.returncode:
        git.runner.run("update-ref", fetched(remote, branch), commit)
        return ""
    rows = [row.split("\t") for row in done.stdout.decode(errors="replace").splitlines()]
    told = [inert(row[2]) for row in rows if row[0] == "!" and len(row) == 3]
    told += [inert(line) for line in done.stderr.decode(errors="replace").splitlines() if _SAYS in line]
    return _USER.sub("//", "; ".join((*told, _why(done))))


def _way_to(git: Git, remote: str) -> tuple[tuple[str, ...], str]:
    """Returns settings and the remote with which a push reaches the repository that the remote's address
    names.

    `remote.NAME.pushurl` and `url.BASE.pushInsteadOf` may lead to a fork. Raises OutsideError where no way
    leads there.
    """
    named = remotes(git).get(remote, "")
    asked = ("remote", "get-url", "--all")
    pushes = git.runner.run(*asked, "--push", remote).decode("utf-8", "replace").splitlines()
    reads = git.runner.run(*asked, remote).decode("utf-8", "replace").splitlines()
    right = [url for url in (*pushes, *reads) if is_same_place(url, named)]
    if not right:
        elsewhere = _USER.sub("//", inert(pushes[0]))
        raise OutsideError(
            f"pushing to {remote} would reach {elsewhere}, which is another repository",
            hint=f"push there: git remote set-url --push {remote} ADDRESS; or go by the API: gh auth login",
        )
    if pushes == right[:1]:
        return (), remote
    # git rewrites no `pushurl` by `pushInsteadOf`, and a remote of this name has one address alone.
    keys = ("url", "pushurl")
    return tuple(part for key in keys for part in ("-c", f"remote.{_BESIDE}.{key}={right[0]}")), _BESIDE


def fetched_at(git: Git, remote: str, branch: str, name: str) -> datetime | None:
    """Returns when the branch of `owner/name` was last fetched; None when the clone does not record it."""
    logs = git.common_dir / "logs" / "refs" / "remotes" / remote
    noted = [logs / "HEAD", logs / branch]
    last = git.git_dir / "FETCH_HEAD"
    with suppress(OSError):
        lines = last.read_text(errors="replace").splitlines()
        if any(f"branch '{branch}' of " in line and name in line for line in lines):
            noted.append(last)
    seconds = [file.stat().st_mtime for file in noted if file.exists()]
    return datetime.fromtimestamp(max(seconds), UTC) if seconds else None


def _why(done: Done) -> str:
    """Returns what git complains of, without the name and token that an address may carry."""
    return _USER.sub("//", complaint(done))
