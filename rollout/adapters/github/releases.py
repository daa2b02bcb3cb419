"""Release commits: whether the product's branch holds one, what it changes, and how its CI went."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from pydantic import Field

from rollout.adapters.github.api import Api, Document, RefusedByGitHubError, parsed
from rollout.errors import OutsideError
from rollout.ports import CheckRun

_WHOLE_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class _CheckRun(Document):
    id: int
    name: str
    status: str
    conclusion: str | None = None
    started_at: datetime | None = Field(default=None, alias="started_at")


class _CheckRuns(Document):
    check_runs: tuple[_CheckRun, ...] = Field(alias="check_runs")


class _Sha(Document):
    sha: str


class _GitCommit(Document):
    parents: tuple[_Sha, ...] = ()


class _TreeEntry(Document):
    path: str
    type: str
    mode: str
    sha: str | None = None


class _Tree(Document):
    tree: tuple[_TreeEntry, ...]
    truncated: bool = False


class _Comparison(Document):
    status: str


def check_runs(api: Api, repository: str, commit: str) -> list[CheckRun]:
    """All attempts. Raises OutsideError when they cannot be asked for."""
    pages = api.pages(
        f"reading the checks of {commit[:12]}",
        f"/repos/{repository}/commits/{commit}/check-runs",
        _CheckRuns,
        query={"filter": "all"},
    )
    return [
        CheckRun(run.name, run.status, run.conclusion, run.started_at, run.id)
        for page in pages
        for run in page.check_runs
    ]


def is_on_branch(api: Api, repository: str, branch: str, commit: str) -> bool:
    """Whether the branch holds that commit, given by its whole id.

    One that only a fork or a side branch holds does not count, though GitHub finds it by its id.
    """
    if not _WHOLE_ID.fullmatch(commit):
        return False
    path = f"/repos/{repository}/compare/{quote(branch, safe='')}...{commit}"

    def compare() -> bool:
        try:
            document = api.rest("GET", path, query={"per_page": 1})
        except RefusedByGitHubError as refusal:
            if refusal.status in (404, 422):
                return False
            raise
        return parsed(_Comparison, document).status in ("identical", "behind")

    return api.attempt(f"looking for {commit[:12]} on {branch}", compare)


def changed_paths(api: Api, repository: str, base: str | None, commit: str) -> Sequence[str]:
    """Paths that differ between `base` and `commit`; without a base, from the commit's first parent.

    Raises OutsideError when there are more files than GitHub lists, since nobody could tell then.
    """
    before = base or _first_parent(api, repository, commit)
    old = _files(api, repository, before) if before else {}
    new = _files(api, repository, commit)
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def _first_parent(api: Api, repository: str, commit: str) -> str | None:
    path = f"/repos/{repository}/git/commits/{commit}"
    doing = f"reading commit {commit[:12]}"
    parents = api.attempt(doing, lambda: parsed(_GitCommit, api.rest("GET", path))).parents
    return parents[0].sha if parents else None


def _files(api: Api, repository: str, commit: str) -> dict[str, tuple[str, str | None]]:
    path = f"/repos/{repository}/git/trees/{commit}"
    doing = f"listing the files of {commit[:12]}"
    tree = api.attempt(doing, lambda: parsed(_Tree, api.rest("GET", path, query={"recursive": 1})))
    if tree.truncated:
        raise OutsideError(
            f"{commit[:12]} has more files than GitHub lists: whether state is among them is not known",
            hint="run it in a clone, with --forge local",
        )
    return {one.path: (one.mode, one.sha) for one in tree.tree if one.type != "tree"}
