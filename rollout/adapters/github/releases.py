"""Commits: what one changes, and how its CI went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import Field

from rollout.adapters.github.api import Api, Document, owner_and_name, parsed
from rollout.errors import OutsideError
from rollout.ports import CheckRun

_MOST_FOLDERS = 50
_HISTORY = """query($owner: String!, $name: String!, $branch: String!, $after: String) {
  repository(owner: $owner, name: $name) { nameWithOwner
    ref(qualifiedName: $branch) { target { oid ... on Commit {
      history(first: 50, after: $after) {
        nodes {
          oid
          parents(first: 1) { nodes { oid } }
          checkSuites(first: 10) {
            nodes {
              checkRuns(first: 40, filterBy: {checkType: ALL}) {
                nodes { name status conclusion startedAt }
                pageInfo { hasNextPage }
              }
            }
            pageInfo { hasNextPage }
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    } } }
  }
}"""


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
    whole: bool = False
    """Whether folders were gone into."""


class _Page(Document):
    has_next_page: bool
    end_cursor: str | None = None


class _ShownRun(Document):
    name: str
    status: str
    conclusion: str | None = None
    started_at: datetime | None = None


class _ShownRuns(Document):
    nodes: tuple[_ShownRun, ...]
    page_info: _Page


class _Suite(Document):
    check_runs: _ShownRuns


class _Suites(Document):
    nodes: tuple[_Suite, ...]
    page_info: _Page


class _Parent(Document):
    oid: str


class _Parents(Document):
    nodes: tuple[_Parent, ...] = ()


class _HistoryCommit(Document):
    oid: str
    parents: _Parents
    check_suites: _Suites | None = None

    @property
    def runs(self) -> list[CheckRun] | None:
        """All attempts of its checks; None when there are more than were listed."""
        suites = self.check_suites
        if suites is None:
            return []
        if suites.page_info.has_next_page or any(
            suite.check_runs.page_info.has_next_page for suite in suites.nodes
        ):
            return None
        shown = (run for suite in suites.nodes for run in suite.check_runs.nodes)
        # Their order is that in which they were made, which is all that an id is asked for.
        return [
            CheckRun(run.name, run.status.lower(), (run.conclusion or "").lower() or None, run.started_at, at)
            for at, run in enumerate(shown)
        ]


class _History(Document):
    nodes: tuple[_HistoryCommit, ...]
    page_info: _Page


class _HistoryTarget(Document):
    oid: str
    history: _History


class _HistoryRef(Document):
    target: _HistoryTarget


class _HistoryRepository(Document):
    ref: _HistoryRef | None = None


class _HistoryAnswer(Document):
    repository: _HistoryRepository


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


def newest_commits(api: Api, repository: str, branch: str) -> Iterator[tuple[str, list[CheckRun] | None]]:
    """The commits that a branch went through, newest first, each with all attempts of its checks.

    None: there are more than a listing shows. A page is a request. Raises OutsideError.
    """
    known: dict[str, _HistoryCommit] = {}
    following: str | None = None
    after: str | None = None
    while True:
        target = _history(api, repository, branch, after)
        if target is None:
            return
        following = following or target.oid
        known |= {commit.oid: commit for commit in target.history.nodes}
        while following in known:
            commit = known.pop(following)
            yield commit.oid, commit.runs
            following = next((parent.oid for parent in commit.parents.nodes), None)
        after = target.history.page_info.end_cursor
        if following is None or not target.history.page_info.has_next_page:
            return


def _history(api: Api, repository: str, branch: str, after: str | None) -> _HistoryTarget | None:
    variables = {**owner_and_name(repository), "branch": f"refs/heads/{branch}", "after": after}

    def ask() -> _HistoryAnswer:
        return parsed(_HistoryAnswer, api.graphql(_HISTORY, variables))

    ref = api.attempt(f"reading the checks of {branch}", ask).repository.ref
    return ref.target if ref else None


def changed_paths(api: Api, repository: str, commit: str) -> Sequence[str]:
    """Paths that the commit changes against its first parent.

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
    """Path -> entry before and after, where they differ; a folder as such only where it was not gone into."""
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
    parents = api.attempt(doing, lambda: parsed(_GitCommit, api.rest("GET", path))).parents
    return parents[0].sha if parents else None


def _tree(api: Api, repository: str, name: str, *, recursive: bool = False) -> _Tree:
    """What lies in a commit or tree, and where `recursive` all that lies below it."""
    path = f"/repos/{repository}/git/trees/{name}"
    query = {"recursive": 1} if recursive else {}
    doing = f"listing the files of {name[:12]}"
    found = api.attempt(doing, lambda: parsed(_Tree, api.rest("GET", path, query=query)))
    return found.model_copy(update={"whole": recursive})
