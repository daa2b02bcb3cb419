"""Release commits: whether the product's branch holds one, what it changes, and how its CI went."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from pydantic import Field

from rollout.adapters.github.api import Api, Document, RefusedByGitHubError, owner_and_name, parsed
from rollout.core.versions import spellings
from rollout.errors import OutsideError
from rollout.ports import CheckRun

_STATE = "state"
_MOST_FILES = 300
"""As many files GitHub lists of a comparison, and no more."""
_AT_ONCE = 50
_ROOTS = """fragment roots on Commit {
  tree { entries { name oid } }
  parents(first: 1) { nodes { tree { entries { name oid } } } }
}"""
_HISTORY = """query($owner: String!, $name: String!, $branch: String!, $after: String) {
  repository(owner: $owner, name: $name) {
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


class _RangeCommit(Document):
    sha: str
    parents: tuple[_Sha, ...] = ()


class _File(Document):
    filename: str
    previous_filename: str | None = Field(default=None, alias="previous_filename")


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
    commits: tuple[_RangeCommit, ...] = ()
    files: tuple[_File, ...] = ()


class _Entry(Document):
    name: str
    oid: str


class _RootTree(Document):
    entries: tuple[_Entry, ...] | None = None

    @property
    def named(self) -> dict[str, str]:
        return {entry.name: entry.oid for entry in self.entries or ()}


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


class _Rooted(Document):
    tree: _RootTree


class _RootedParents(Document):
    nodes: tuple[_Rooted, ...] = ()


class _RootsOfCommit(Document):
    tree: _RootTree
    parents: _RootedParents

    @property
    def changed(self) -> set[str]:
        """What differs from the first parent, right in the repository's root."""
        new = self.tree.named
        old = self.parents.nodes[0].tree.named if self.parents.nodes else {}
        return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


class _RootsAnswer(Document):
    repository: dict[str, _RootsOfCommit]


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


def is_on_branch(api: Api, repository: str, branch: str, commit: str) -> bool:
    """Whether the branch holds that commit, given by its whole id.

    One that only a fork or a side branch holds does not count, though GitHub finds it by its id. Raises
    OutsideError when the branch is not there, or not for this token.
    """
    if not _WHOLE_ID.fullmatch(commit):
        return False
    path = f"/repos/{repository}/compare/{quote(branch, safe='')}...{commit}"

    def compare() -> bool:
        try:
            document = api.rest("GET", path, query={"per_page": 1})
        except RefusedByGitHubError as refusal:
            if refusal.status not in (404, 422):
                raise
            # The same answer for a commit, a branch and a repository that is not there; only one is a no.
            api.rest("GET", f"/repos/{repository}/branches/{quote(branch, safe='')}")
            return False
        return parsed(_Comparison, document).status in ("identical", "behind")

    return api.attempt(f"looking for {commit[:12]} on {branch} of {repository}", compare)


def tagged(api: Api, repository: str, branch: str, version: str) -> str | None:
    """The commit that the version's tag leads to, annotated or not; None when there is no such tag.

    Raises OutsideError when the repository or its branch is not there, or not for this token.
    """
    for name in spellings(version):
        path = f"/repos/{repository}/commits/tags/{quote(name, safe='')}"

        def ask(path: str = path) -> str | None:
            try:
                return parsed(_Sha, api.rest("GET", path)).sha
            except RefusedByGitHubError as refusal:
                if refusal.status not in (404, 422):
                    raise
                # The same answer for a tag and a repository that is not there; only one is a no.
                api.rest("GET", f"/repos/{repository}/branches/{quote(branch, safe='')}")
                return None

        commit = api.attempt(f"looking for tag {name} of {repository}", ask)
        if commit is not None:
            return commit
    return None


def changed_paths(api: Api, repository: str, base: str | None, commit: str) -> Sequence[str]:
    """Paths that `base..commit` changes; without a base, those of the commit against its first parent.

    A commit that touches nothing but state is a decision between two product commits, not a part of the
    release. Where such lie between, or there are too many files to list, only the names right in the root are
    given. Raises OutsideError for a single commit with more files than GitHub lists.
    """
    if base is not None:
        return _changed_between(api, repository, base, commit)
    before = _first_parent(api, repository, commit)
    old = _files(api, repository, before) if before else {}
    new = _files(api, repository, commit)
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def _changed_between(api: Api, repository: str, base: str, commit: str) -> list[str]:
    doing = f"comparing {base[:12]} with {commit[:12]}"
    pages = api.pages(doing, f"/repos/{repository}/compare/{base}...{commit}", _Comparison)
    files = [name for file in pages[0].files for name in (file.filename, file.previous_filename) if name]
    if len(pages[0].files) < _MOST_FILES and not any(name.startswith(f"{_STATE}/") for name in files):
        return sorted(set(files))
    parents = {one.sha: one.parents for page in pages for one in page.commits}
    changed = _roots_changed(api, repository, _first_parents(parents, commit))
    roots = {name for names in changed if names != {_STATE} for name in names}
    return sorted(f"{name}/" if name == _STATE else name for name in roots)


def _first_parents(parents: Mapping[str, tuple[_Sha, ...]], commit: str) -> list[str]:
    """The commits of the range that a branch went through, newest first: what merges brought is in them."""
    chain: list[str] = []
    following: tuple[str, ...] = (commit,)
    while following and following[0] in parents:
        chain.append(following[0])
        following = tuple(parent.sha for parent in parents[following[0]][:1])
    return chain


def _roots_changed(api: Api, repository: str, commits: Sequence[str]) -> Iterator[set[str]]:
    """Of each commit, the names right in the root that it changes."""
    for start in range(0, len(commits), _AT_ONCE):
        wanted = {f"c{number}": one for number, one in enumerate(commits[start : start + _AT_ONCE])}
        declared = "".join(f", ${name}: GitObjectID!" for name in wanted)
        asked = " ".join(f"{name}: object(oid: ${name}) {{ ...roots }}" for name in wanted)
        query = (
            f"query($owner: String!, $name: String!{declared}) {{"
            f" repository(owner: $owner, name: $name) {{ {asked} }} }} {_ROOTS}"
        )
        variables = {**owner_and_name(repository), **wanted}

        def ask(query: str = query, variables: Mapping[str, str] = variables) -> _RootsAnswer:
            return parsed(_RootsAnswer, api.graphql(query, variables))

        answer = api.attempt(f"looking at {len(wanted)} commits", ask)
        yield from (one.changed for one in answer.repository.values())


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
