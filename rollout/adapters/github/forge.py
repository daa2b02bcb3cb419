"""The Forge port over GitHub's API.

Reads are folded: one query gives every open pull request against the state branch with the statuses of its
head, and those of the release commit beside it. Each write can be made again: it looks for what an earlier
one, whose answer was lost, has left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from pydantic import Field

from rollout.adapters.github.api import (
    STALE,
    Api,
    Document,
    Made,
    NewPull,
    PassingError,
    RefusedByGitHubError,
    owner_and_name,
    parsed,
)
from rollout.adapters.yaml_store import files_of, message_text
from rollout.core.contract import Product
from rollout.core.state import CommitMessage, StateChange
from rollout.errors import OutsideError
from rollout.ports import CheckRun, PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.rendering.inert import code

LABEL = "rollout"
CLOSED_MARKER = "<!-- rollout:closed -->"
"""Hidden in the comment that says why a pull request was closed, so that there is one of it."""

_LONGEST_REASON = 600
_WHOLE_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_STATES = {
    "SUCCESS": StatusState.SUCCESS,
    "PENDING": StatusState.PENDING,
    "EXPECTED": StatusState.PENDING,
    "FAILURE": StatusState.FAILURE,
    "ERROR": StatusState.FAILURE,
}

Shown = Mapping[str, tuple[StatusState, str]]
"""Context -> newest state and description."""

_STATUSES = """fragment statuses on Commit { oid status { contexts { context state description } } }"""
_PULL = (
    """fragment pull on PullRequest {
  number title body state mergedAt headRefName headRefOid baseRefName isCrossRepository
  labels(first: 100) { nodes { name } }
  begin: commits(first: 1) { nodes { commit { parents(first: 1) { nodes { oid } } } } }
  end: commits(last: 1) { nodes { commit { ...statuses } } }
}
"""
    + _STATUSES
)
_OPEN_PULLS = (
    """query($owner: String!, $name: String!, $base: String!, $after: String,
  $watch: Boolean!, $productOwner: String!, $productName: String!, $commit: GitObjectID) {
  repository(owner: $owner, name: $name) {
    id
    pullRequests(first: 100, after: $after, states: [OPEN], baseRefName: $base,
      orderBy: {field: CREATED_AT, direction: ASC}) { nodes { ...pull } pageInfo { hasNextPage endCursor } }
  }
  product: repository(owner: $productOwner, name: $productName) @include(if: $watch) {
    object(oid: $commit) { ...statuses }
  }
}
"""
    + _PULL
)
_PULLS_OF_BRANCH = (
    """query($owner: String!, $name: String!, $base: String!, $head: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    id
    pullRequests(first: 100, after: $after, headRefName: $head, baseRefName: $base,
      orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...pull } pageInfo { hasNextPage endCursor } }
  }
}
"""
    + _PULL
)
_STATUSES_OF_COMMIT = (
    """query($owner: String!, $name: String!, $commit: GitObjectID!) {
  product: repository(owner: $owner, name: $name) { object(oid: $commit) { ...statuses } }
}
"""
    + _STATUSES
)
_COMMENTS = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { comments(last: 100) { nodes { databaseId body } } }
  }
}"""


class _Context(Document):
    context: str
    state: str
    description: str | None = None


class _Contexts(Document):
    contexts: tuple[_Context, ...] = ()


class _Commit(Document):
    oid: str
    status: _Contexts | None = None

    @property
    def shown(self) -> dict[str, tuple[StatusState, str]]:
        contexts = self.status.contexts if self.status else ()
        return {one.context: (_STATES[one.state], one.description or "") for one in contexts}


class _Parent(Document):
    oid: str


class _Parents(Document):
    nodes: tuple[_Parent, ...] = ()


class _FirstCommit(Document):
    parents: _Parents


class _FirstNode(Document):
    commit: _FirstCommit


class _LastNode(Document):
    commit: _Commit


class _First(Document):
    nodes: tuple[_FirstNode, ...] = ()


class _Last(Document):
    nodes: tuple[_LastNode, ...] = ()


class _Label(Document):
    name: str


class _Labels(Document):
    nodes: tuple[_Label, ...] = ()


class _Pull(Document):
    number: int
    title: str
    body: str
    state: str
    merged_at: datetime | None = None
    head_ref_name: str
    head_ref_oid: str
    base_ref_name: str
    is_cross_repository: bool
    labels: _Labels | None = None
    begin: _First
    end: _Last


class _PageInfo(Document):
    has_next_page: bool
    end_cursor: str | None = None


class _Pulls(Document):
    nodes: tuple[_Pull, ...]
    page_info: _PageInfo


class _Repository(Document):
    id: str
    pull_requests: _Pulls


class _ProductRepository(Document):
    object: _Commit | None = None


class _PullsAnswer(Document):
    repository: _Repository
    product: _ProductRepository | None = None


class _StatusesAnswer(Document):
    product: _ProductRepository | None = None


class _Numbered(Document):
    number: int


class _CheckRun(Document):
    id: int
    name: str
    status: str
    conclusion: str | None = None
    started_at: datetime | None = Field(default=None, alias="started_at")


class _CheckRuns(Document):
    check_runs: tuple[_CheckRun, ...] = Field(alias="check_runs")


class _Comment(Document):
    database_id: int
    body: str


class _Comments(Document):
    nodes: tuple[_Comment, ...]


class _CommentedPull(Document):
    comments: _Comments


class _CommentedRepository(Document):
    pull_request: _CommentedPull


class _CommentsAnswer(Document):
    repository: _CommentedRepository


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


@dataclass
class _Listed:
    """What one listing of the open pull requests told, with what this run has changed since."""

    repository_id: str
    pulls: dict[int, PullRequest]
    unlabelled: set[int]


class GitHubForge:
    """Pull requests against the state branch, commit statuses and checks, as one command sees them.

    Open pull requests and statuses are asked for once; what this object writes is noted. So a process that
    works on after others may have written needs a new one.
    """

    def __init__(self, api: Api, branch: Callable[[], str], product: Callable[[], Product] = Product) -> None:
        """`branch` tells the state branch, `product` where release commits live; asked when needed."""
        self._api = api
        self._branch = branch
        self._product_of_train = product
        self._listed: _Listed | None = None
        self._shown: dict[str, dict[str, tuple[StatusState, str]]] = {}
        self._watched: str | None = None

    # --- pull requests -----------------------------------------------------------------------------------

    def pull_request(self, head: str) -> PullRequest | None:
        """The newest pull request from that branch of this repository, open or not."""
        variables = {"base": self._branch(), "head": head}
        for page in self._pages(f"looking for a pull request from {head}", _PULLS_OF_BRANCH, variables):
            for pull in page.repository.pull_requests.nodes:
                if not pull.is_cross_repository:
                    return _pull_request(pull)
        return None

    def pull_requests(self, prefix: str) -> list[PullRequest]:
        """Open pull requests from branches of this repository that begin so, oldest first."""
        return [pull for _, pull in sorted(self._open().pulls.items()) if pull.head.startswith(prefix)]

    def _open(self) -> _Listed:
        if self._listed is None:
            product = owner_and_name(self._product)
            variables: dict[str, object] = {
                "base": self._branch(),
                "watch": self._watched is not None,
                "productOwner": product["owner"],
                "productName": product["name"],
                "commit": self._watched,
            }
            self._listed = self._read_open(variables)
        return self._listed

    def _read_open(self, variables: Mapping[str, object]) -> _Listed:
        listed = _Listed("", {}, set())
        for page in self._pages("listing open pull requests", _OPEN_PULLS, variables):
            listed.repository_id = page.repository.id
            if page.product and page.product.object:
                self._note_statuses(page.product.object)
            # Whoever forks the repository chooses the names of the fork's branches.
            for pull in (one for one in page.repository.pull_requests.nodes if not one.is_cross_repository):
                self._note_pull(pull, listed)
        return listed

    def _note_pull(self, pull: _Pull, listed: _Listed) -> None:
        labels = {label.name for label in pull.labels.nodes} if pull.labels else set()
        if LABEL not in labels:
            listed.unlabelled.add(pull.number)
        listed.pulls[pull.number] = _pull_request(pull)
        for node in pull.end.nodes:
            if node.commit.oid == pull.head_ref_oid:
                self._note_statuses(node.commit)

    def _note_statuses(self, commit: _Commit) -> None:
        self._shown.setdefault(commit.oid, commit.shown)

    def _pages(self, doing: str, query: str, variables: Mapping[str, object]) -> Iterator[_PullsAnswer]:
        after: str | None = None
        while True:
            every = {**self._api.owner_and_name, **variables, "after": after}

            def one_page(every: Mapping[str, object] = every) -> _PullsAnswer:
                return parsed(_PullsAnswer, self._api.graphql(query, every))

            page = self._api.attempt(doing, one_page)
            yield page
            if not page.repository.pull_requests.page_info.has_next_page:
                return
            after = page.repository.pull_requests.page_info.end_cursor

    # --- opening -----------------------------------------------------------------------------------------

    def open_promotion(
        self,
        train: str,
        branch: str,
        change: StateChange,
        message: CommitMessage,
        body: str,
        *,
        parent: str,
        at: datetime,
    ) -> PullRequest:
        """Make the branch with one commit on top of `parent` and open its pull request on the state branch.

        One that is open is returned as it is; a branch left without one is moved.
        """
        listed = self._open()
        for pull in listed.pulls.values():
            if pull.head == branch:
                return pull
        wanted = NewPull(
            branch,
            files_of(train, change),
            message_text(message),
            parent,
            self._branch(),
            message.subject,
            body,
        )
        made = self._api.attempt(
            f"opening the pull request from {branch}",
            lambda: self._make(wanted, listed.repository_id),
            lambda: self._open_from(branch) or self._make_in_steps(wanted),
        )
        if isinstance(made, Made):
            self._api.did(f"pull request {made.number}")
            self._shown[made.head_sha] = {}
            made = _opened(wanted, made)
        self._label(made.number)
        listed.pulls[made.number] = made
        return made

    def _make(self, wanted: NewPull, repository_id: str) -> Made | PullRequest:
        try:
            return self._api.branch_and_pull(wanted, repository_id)
        except RefusedByGitHubError as refusal:
            if STALE in refusal.kinds or "already exists" in str(refusal):
                raise PassingError(f"{wanted.branch} was there already", wait=0) from refusal
            raise

    def _make_in_steps(self, wanted: NewPull) -> Made:
        """The same, where an earlier try has left something. Nobody needs the branch: it begins anew."""
        self._begin_anew(wanted.branch, wanted.parent)
        document = {"title": wanted.title, "head": wanted.branch, "base": wanted.base, "body": wanted.body}
        try:
            head = self._api.commit(wanted.branch, wanted.files, wanted.message, parent=wanted.parent)
            pull = parsed(_Numbered, self._api.rest("POST", self._path("pulls"), body=document))
        except RefusedByGitHubError as refusal:
            if STALE in refusal.kinds or "already exists" in str(refusal):
                raise PassingError(f"somebody else works on {wanted.branch}") from refusal
            raise
        return Made(pull.number, head)

    def _begin_anew(self, branch: str, parent: str) -> None:
        try:
            place = self._path(f"git/refs/heads/{quote(branch)}")
            self._api.rest("PATCH", place, body={"sha": parent, "force": True})
        except RefusedByGitHubError as refusal:
            if refusal.status not in (404, 422):
                raise
            ref = {"ref": f"refs/heads/{branch}", "sha": parent}
            self._api.rest("POST", self._path("git/refs"), body=ref)

    def _open_from(self, branch: str) -> PullRequest | None:
        found = self.pull_request(branch)
        return found if found and found.state is PullRequestState.OPEN else None

    def _label(self, number: int) -> None:
        path = self._path(f"issues/{number}/labels")
        self._api.attempt(
            f"labelling pull request {number}", lambda: self._api.rest("POST", path, body={"labels": [LABEL]})
        )

    # --- changing and closing ----------------------------------------------------------------------------

    def update_pull_request(self, number: int, body: str, *, at: datetime) -> None:
        """Replace the body, and bring the label back when it is gone."""
        path = self._path(f"pulls/{number}")
        self._api.attempt(
            f"updating pull request {number}", lambda: self._api.rest("PATCH", path, body={"body": body})
        )
        self._api.did(f"body of pull request {number}")
        listed = self._open()
        if number in listed.unlabelled:
            self._label(number)
            listed.unlabelled.discard(number)
        if number in listed.pulls:
            listed.pulls[number] = replace(listed.pulls[number], body=body)

    def close_pull_request(self, number: int, comment: str, *, at: datetime) -> None:
        """Close it with a comment and delete its branch; one that is not open stays as it is."""
        listed = self._open()
        pull = listed.pulls.get(number)
        if pull is None:
            return
        doing = f"closing pull request {number}"
        self._say_why(doing, number, f"{code(comment, _LONGEST_REASON)}\n\n{CLOSED_MARKER}")
        # The branch first: a run that is killed in between finds the pull request still open, or closed by
        # GitHub because its branch is gone; the other way round the branch would stay for good.
        self._api.attempt(doing, lambda: self._delete_branch(pull.head))
        path = self._path(f"pulls/{number}")
        self._api.attempt(doing, lambda: self._api.rest("PATCH", path, body={"state": "closed"}))
        self._api.did(f"pull request {number} closed")
        del listed.pulls[number]

    def _say_why(self, doing: str, number: int, text: str) -> None:
        """One comment, however often this is tried."""

        def say() -> None:
            said = [one for one in self._last_comments(number) if CLOSED_MARKER in one.body]
            if not said:
                self._api.rest("POST", self._path(f"issues/{number}/comments"), body={"body": text})
            elif said[0].body != text:
                path = self._path(f"issues/comments/{said[0].database_id}")
                self._api.rest("PATCH", path, body={"body": text})

        self._api.attempt(doing, say)

    def _last_comments(self, number: int) -> tuple[_Comment, ...]:
        variables = {**self._api.owner_and_name, "number": number}
        answer = parsed(_CommentsAnswer, self._api.graphql(_COMMENTS, variables))
        return answer.repository.pull_request.comments.nodes

    def _delete_branch(self, branch: str) -> None:
        try:
            self._api.rest("DELETE", self._path(f"git/refs/heads/{quote(branch)}"))
        except RefusedByGitHubError as refusal:
            if "does not exist" not in str(refusal):
                raise

    # --- statuses and checks -----------------------------------------------------------------------------

    def statuses(self, commit: str) -> Shown:
        """Context -> newest state and description, of a pull request's head or of a release commit."""
        if commit not in self._shown:
            self._shown[commit] = self._ask_statuses(commit)
        return self._shown[commit]

    def _ask_statuses(self, commit: str) -> dict[str, tuple[StatusState, str]]:
        variables = {**owner_and_name(self._repository_of(commit)), "commit": commit}

        def ask() -> _StatusesAnswer:
            return parsed(_StatusesAnswer, self._api.graphql(_STATUSES_OF_COMMIT, variables))

        answer = self._api.attempt(f"reading the statuses of {commit[:12]}", ask)
        return answer.product.object.shown if answer.product and answer.product.object else {}

    def set_status(
        self, commit: str, context: str, state: StatusState, description: str, *, at: datetime
    ) -> None:
        """Report a status on a pull request's head or on a release commit."""
        path = f"/repos/{self._repository_of(commit)}/statuses/{commit}"
        document = {"state": state.value, "context": context, "description": description}

        def report() -> None:
            self._api.rest("POST", path, body=document)

        def report_unless_there() -> None:
            if self._ask_statuses(commit).get(context) != (state, description):
                report()

        self._api.attempt(f"reporting {context} on {commit[:12]}", report, report_unless_there)
        self._api.did(f"status of {commit[:10]}")
        self._shown.setdefault(commit, {})[context] = (state, description)

    def check_runs(self, commit: str) -> list[CheckRun]:
        """All attempts. Raises OutsideError when they cannot be asked for."""
        self._watched = commit
        pages = self._api.pages(
            f"reading the checks of {commit[:12]}",
            f"/repos/{self._product}/commits/{commit}/check-runs",
            _CheckRuns,
            query={"filter": "all"},
        )
        return [
            CheckRun(run.name, run.status, run.conclusion, run.started_at, run.id)
            for page in pages
            for run in page.check_runs
        ]

    # --- release commits ---------------------------------------------------------------------------------

    @property
    def _product(self) -> str:
        """`owner/name` of the repository that release commits live in."""
        return self._product_of_train().repository or self._api.repository

    def _repository_of(self, commit: str) -> str:
        heads = {pull.head_sha for pull in self._listed.pulls.values()} if self._listed else set()
        return self._api.repository if commit in heads else self._product

    def commit_exists(self, commit: str) -> bool:
        """Whether the product's branch holds that commit.

        One that only a fork or a side branch holds does not count, though GitHub finds it by its id.
        """
        if not _WHOLE_ID.fullmatch(commit):
            return False
        branch = self._product_of_train().branch
        path = f"/repos/{self._product}/compare/{quote(branch, safe='')}...{commit}"

        def compare() -> bool:
            try:
                document = self._api.rest("GET", path, query={"per_page": 1})
            except RefusedByGitHubError as refusal:
                if refusal.status in (404, 422):
                    return False
                raise
            return parsed(_Comparison, document).status in ("identical", "behind")

        return self._api.attempt(f"looking for {commit[:12]} on {branch}", compare)

    def changed_paths(self, base: str | None, commit: str) -> Sequence[str]:
        """Paths that differ between `base` and `commit`; without a base, from the commit's first parent.

        Raises OutsideError when there are more files than GitHub lists, since nobody could tell then.
        """
        before = base or self._first_parent(commit)
        old = self._files(before) if before else {}
        new = self._files(commit)
        return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))

    def _first_parent(self, commit: str) -> str | None:
        path = f"/repos/{self._product}/git/commits/{commit}"
        doing = f"reading commit {commit[:12]}"
        parents = self._api.attempt(doing, lambda: parsed(_GitCommit, self._api.rest("GET", path))).parents
        return parents[0].sha if parents else None

    def _files(self, commit: str) -> dict[str, tuple[str, str | None]]:
        path = f"/repos/{self._product}/git/trees/{commit}"
        doing = f"listing the files of {commit[:12]}"

        def ask() -> _Tree:
            return parsed(_Tree, self._api.rest("GET", path, query={"recursive": 1}))

        tree = self._api.attempt(doing, ask)
        if tree.truncated:
            raise OutsideError(
                f"{commit[:12]} has more files than GitHub lists: whether state is among them is not known",
                hint="run it in a clone, with --forge local",
            )
        return {one.path: (one.mode, one.sha) for one in tree.tree if one.type != "tree"}

    def _path(self, rest: str) -> str:
        return f"/repos/{self._api.repository}/{rest}"


def _opened(wanted: NewPull, made: Made) -> PullRequest:
    return PullRequest(
        number=made.number,
        kind=PullRequestKind.PROMOTION,
        title=wanted.title,
        head=wanted.branch,
        base=wanted.base,
        state=PullRequestState.OPEN,
        body=wanted.body,
        head_sha=made.head_sha,
        base_sha=wanted.parent,
    )


def _pull_request(pull: _Pull) -> PullRequest:
    labels = {label.name for label in pull.labels.nodes} if pull.labels else set()
    parents = pull.begin.nodes[0].commit.parents.nodes if pull.begin.nodes else ()
    return PullRequest(
        number=pull.number,
        kind=PullRequestKind.PROMOTION,
        title=pull.title,
        head=pull.head_ref_name,
        base=pull.base_ref_name,
        state=PullRequestState(pull.state.lower()),
        # One without its label is not finished: seen without a body, it gets both back.
        body=pull.body.replace("\r\n", "\n") if LABEL in labels else "",
        head_sha=pull.head_ref_oid,
        base_sha=parents[0].oid if parents else pull.head_ref_oid,
        merged_at=pull.merged_at,
    )
