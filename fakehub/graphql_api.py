"""POST /graphql: the part of GitHub's schema that a release bot needs, run by graphql-core, so that a
misspelt field or a wrong type of input is the error that GitHub would give."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import graphql
from graphql.language import ast

from fakehub import shapes
from fakehub.bare import GITHUB, CommitData, Person, TreeEntry
from fakehub.entities import Account, Check, Comment, CommitStatus, Review, Thread, Token
from fakehub.errors import ApiError, ArchivedError, NoRefError, StaleHeadError, TooMuchError
from fakehub.repo import Repo
from fakehub.routing import allowed, refuse_archived, visible
from fakehub.schemas import Json, stamp

if TYPE_CHECKING:
    from fakehub.hub import Hub

SCHEMA = Path(__file__).with_name("schema.graphql")
_CO_AUTHOR = re.compile(r"^co-authored-by:([^<\n]+)<([^>\n]*)>", re.IGNORECASE | re.MULTILINE)


def document(raw: bytes) -> str:
    """Returns the query or mutation of a request's body; "" for what has none."""
    try:
        return str(json.loads(raw)["query"])
    except (ValueError, KeyError, TypeError):
        return ""


def operation(query: str) -> str:
    """Returns its name, else names of the root fields, comma separated; "" for what does not parse."""
    try:
        document = _parsed(query)
    except graphql.GraphQLError:
        return ""
    operations = (one for one in document.definitions if isinstance(one, ast.OperationDefinitionNode))
    if named := next((one.name.value for one in operations if one.name), ""):
        return named
    names = [
        selection.name.value
        for definition in document.definitions
        if isinstance(definition, ast.OperationDefinitionNode)
        for selection in definition.selection_set.selections
        if isinstance(selection, ast.FieldNode)
    ]
    return ",".join(names)


def execute(hub: Hub, token: Token, body: Any) -> Json:
    """Executes a request; the answer has status 200 whatever is in it."""
    with hub.lock:
        result = _execute(_Root(hub, token), body)
    answer: Json = {"data": result.data} if result.data is not None or not result.errors else {}
    if result.errors:
        answer["errors"] = [_error(error) for error in result.errors]
        for error in result.errors:
            if error.original_error and not isinstance(error.original_error, ApiError):
                hub.violations.append(f"graphql: {error.original_error!r}")
    return answer


def _execute(root: _Root, body: Any) -> graphql.ExecutionResult:
    problems = _problems(body["query"])
    if problems:
        return graphql.ExecutionResult(errors=list(problems))
    return graphql.execute_sync(
        _schema(),
        _parsed(body["query"]),
        root_value=root,
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
    )


# A client sends the same few documents again and again.
@functools.cache
def _parsed(query: str) -> ast.DocumentNode:
    return graphql.parse(query)


@functools.cache
def _problems(query: str) -> tuple[graphql.GraphQLError, ...]:
    """Returns what is wrong with a document before it is run."""
    try:
        return tuple(graphql.validate(_schema(), _parsed(query)))
    except graphql.GraphQLError as error:
        return (error,)


@functools.cache
def _schema() -> graphql.GraphQLSchema:
    return graphql.build_schema(SCHEMA.read_text(encoding="utf-8"))


_WORDS: dict[type[Exception], str] = {
    NoRefError: "Ref cannot be created",
    ArchivedError: "Repository was archived so is read-only",
}
"""Where GraphQL words a refusal in another way than REST (microsoft/vscode-remote-repositories-github#122,
actions-automation/manage-your-labels#4)."""


def _error(error: graphql.GraphQLError) -> Json:
    shown: Json = {"message": error.message}
    if error.path:
        shown["path"] = error.path
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if isinstance(error.original_error, ApiError):
        shown["type"] = _type_of(error.original_error)
        shown["message"] = _WORDS.get(type(error.original_error), error.message)
    return shown


def _type_of(error: ApiError) -> str:
    if isinstance(error, StaleHeadError):
        return "STALE_DATA"
    if isinstance(error, TooMuchError):
        return "RESOURCE_LIMITS_EXCEEDED"
    if isinstance(error, ArchivedError):
        return "UNPROCESSABLE"
    return {403: "FORBIDDEN", 404: "NOT_FOUND"}.get(error.status, "UNPROCESSABLE")


# --- objects ---------------------------------------------------------------------------------------------
# graphql-core asks an object for an attribute of the field's name, and calls it with the arguments.


class _Root:
    def __init__(self, hub: Hub, token: Token) -> None:
        self._hub = hub
        self._token = token

    def viewer(self, info: Any) -> Json:
        return {"login": self._token.account.login}

    def rateLimit(self, info: Any) -> Json:  # noqa: N802
        left = max(0, self._hub.rate_limit - self._hub.calls_made())
        return {
            "cost": 1,
            "limit": self._hub.rate_limit,
            "remaining": left,
            "resetAt": stamp(self._hub.clock.time),
        }

    def node(self, info: Any, id: str) -> Json:
        """Finds a node: only reviews and check suites."""
        for repo in (one for one in self._hub.repos.values() if visible(self._token, one)):
            if runs := [one for one in repo.checks if shapes.node("CS", one.suite) == id]:
                _demand(self._token, repo, "checks:read")
                return _suite(repo, self._token, runs)
            for pull in repo.pulls():
                for review in pull.pull.reviews if pull.pull else ():
                    if shapes.node("PRR", review.id) == id:
                        _demand(self._token, repo, "pull_requests:read")
                        return _review(review)
        raise ApiError(404, f"Could not resolve to a node with the global id of '{id}'")

    def repository(self, info: Any, owner: str, name: str, followRenames: bool) -> RepositoryNode:  # noqa: N803
        moved = self._hub.moved.get(f"{owner}/{name}") if followRenames else None
        return RepositoryNode(self._repo(moved.full_name if moved else f"{owner}/{name}"), self._token)

    def _repo(self, full_name: str) -> Repo:
        repo = self._hub.named(full_name)
        if repo is None or not visible(self._token, repo):
            raise ApiError(404, f"Could not resolve to a Repository with the name '{full_name}'.")
        return repo

    def createCommitOnBranch(self, info: Any, input: Json) -> Json:  # noqa: N802
        branch = input["branch"]
        repo = self._repo(branch["repositoryNameWithOwner"])
        _demand(self._token, repo, "contents:write")
        changes = input.get("fileChanges") or {}
        message = input["message"]
        text = "\n\n".join(part for part in (message["headline"], message.get("body")) if part)
        name = branch["branchName"].removeprefix("refs/heads/")
        additions = [(one["path"], _decoded(one["contents"])) for one in changes.get("additions") or []]
        deletions = [one["path"] for one in changes.get("deletions") or []]
        commit = repo.commit_on_branch(
            self._token, name, input["expectedHeadOid"], text, additions, deletions
        )
        return {
            "clientMutationId": input.get("clientMutationId"),
            "commit": CommitNode(repo, self._token, repo.bare.commit(commit)),
            "ref": RefNode(repo, self._token, f"refs/heads/{name}"),
        }

    def createRef(self, info: Any, input: Json) -> Json:  # noqa: N802
        repo = self._repo_of_node(input["repositoryId"])
        _demand(self._token, repo, "contents:write")
        name, oid = input["name"], input["oid"]
        if name in repo.bare.refs():
            raise ApiError(422, f'A ref named "{name}" already exists in the repository.')
        if repo.bare.commit_of(oid) is None:
            raise ApiError(404, f"Could not resolve to a node with the global id of '{oid}'")
        repo.move(self._token, name, oid)
        return {
            "clientMutationId": input.get("clientMutationId"),
            "ref": RefNode(repo, self._token, name),
        }

    def createPullRequest(self, info: Any, input: Json) -> Json:  # noqa: N802
        repo = self._repo_of_node(input["repositoryId"])
        _demand(self._token, repo, "pull_requests:write")
        thread = repo.open_pull(
            self._token,
            input["title"],
            input["headRefName"],
            input["baseRefName"],
            input.get("body"),
            input["draft"],
        )
        return {
            "clientMutationId": input.get("clientMutationId"),
            "pullRequest": PullNode(repo, self._token, thread),
        }

    def _repo_of_node(self, node: str) -> Repo:
        for repo in self._hub.repos.values():
            if shapes.node("R", repo.id) == node:
                return self._repo(repo.full_name)
        raise ApiError(404, f"Could not resolve to a node with the global id of '{node}'")


def _decoded(contents: str) -> bytes:
    try:
        return base64.b64decode(contents, validate=True)
    except binascii.Error as error:
        raise ApiError(422, "contents is not valid base64") from error


def _demand(token: Token, repo: Repo, need: str) -> None:
    if not allowed(token, repo, need):
        raise ApiError(403, "Resource not accessible by integration")
    if need.endswith(":write"):
        refuse_archived(repo)


class RepositoryNode:
    def __init__(self, repo: Repo, token: Token) -> None:
        self._repo = repo
        self._token = token
        self.id = shapes.node("R", repo.id)
        self.databaseId = repo.id
        self.name = repo.name
        self.nameWithOwner = repo.full_name
        self.url = shapes.page(repo)
        self.isArchived = repo.archived
        self.isFork = repo.is_fork
        self.isPrivate = True
        kind = "User" if repo.organization_variables is None else "Organization"
        self.owner = {"login": repo.owner, "__typename": kind}

    def defaultBranchRef(self, info: Any) -> RefNode | None:  # noqa: N802
        return self.ref(info, self._repo.default_branch)

    def ref(self, info: Any, qualifiedName: str) -> RefNode | None:  # noqa: N803
        _demand(self._token, self._repo, "contents:read")
        known = self._repo.bare.refs()
        for name in (qualifiedName, f"refs/heads/{qualifiedName}", f"refs/tags/{qualifiedName}"):
            if name in known:
                return RefNode(self._repo, self._token, name)
        return None

    def release(self, info: Any, tagName: str) -> Json | None:  # noqa: N803
        _demand(self._token, self._repo, "contents:read")
        may_write = allowed(self._token, self._repo, "contents:write")
        found = [one for one in self._repo.releases if one.tag == tagName and (may_write or not one.draft)]
        return (
            {"tagName": tagName, "isDraft": found[-1].draft, "isPrerelease": found[-1].prerelease}
            if found
            else None
        )

    def refs(
        self,
        info: Any,
        refPrefix: str,  # noqa: N803
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        query: str = "",
    ) -> Json:
        """Lists refs; a prefix may go below `refs/heads/`, up to a slash."""
        _demand(self._token, self._repo, "contents:read")
        self._refuse_too_much(first)
        names = [name for name in self._repo.bare.refs(refPrefix.rstrip("/") + "/") if query in name]
        return _connection([RefNode(self._repo, self._token, name) for name in names], first, last, after)

    def _refuse_too_much(self, first: int | None) -> None:
        if (first or 0) > self._repo.hub.biggest_page:
            raise TooMuchError

    def object(self, info: Any, expression: str | None = None, oid: str | None = None) -> Any:
        _demand(self._token, self._repo, "contents:read")
        found = self._repo.bare.object(expression or oid or "")
        return _git_object(self._repo, self._token, *found) if found else None

    def issue(self, info: Any, number: int) -> IssueNode:
        _demand(self._token, self._repo, "issues:read")
        thread = self._repo.threads.get(number)
        if thread is None or thread.pull is not None:
            raise ApiError(404, f"Could not resolve to an Issue with the number of {number}.")
        return IssueNode(self._repo, self._token, thread)

    def issues(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        states: list[str] | None = None,
        labels: list[str] | None = None,
        orderBy: Json | None = None,  # noqa: N803
    ) -> Json:
        _demand(self._token, self._repo, "issues:read")
        self._refuse_too_much(first)
        shown = self._repo.threads.values() if self._repo.has_issues else ()
        threads = [thread for thread in shown if thread.pull is None]
        threads = [one for one in threads if self._repo.hub.shows(one.created_at)]
        threads = [one for one in threads if states is None or one.state.upper() in states]
        threads = [one for one in threads if labels is None or set(labels) & set(one.labels)]
        return _connection(
            [IssueNode(self._repo, self._token, one) for one in _ordered(threads, orderBy)],
            first,
            last,
            after,
        )

    def labels(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        query: str = "",
    ) -> Json:
        _demand(self._token, self._repo, "issues:read")
        names = [one.name for one in self._repo.labels.values() if query.lower() in one.name.lower()]
        return _connection([{"name": name} for name in names], first, last, after)

    def pullRequest(self, info: Any, number: int) -> PullNode:  # noqa: N802
        _demand(self._token, self._repo, "pull_requests:read")
        thread = self._repo.threads.get(number)
        if thread is None or thread.pull is None:
            raise ApiError(404, f"Could not resolve to a PullRequest with the number of {number}.")
        return PullNode(self._repo, self._token, thread)

    def pullRequests(  # noqa: N802
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        states: list[str] | None = None,
        headRefName: str | None = None,  # noqa: N803
        baseRefName: str | None = None,  # noqa: N803
        labels: list[str] | None = None,
        orderBy: Json | None = None,  # noqa: N803
    ) -> Json:
        _demand(self._token, self._repo, "pull_requests:read")
        self._refuse_too_much(first)
        threads = [one for one in self._repo.pulls() if one.pull and headRefName in (None, one.pull.head)]
        threads = [one for one in threads if one.pull and baseRefName in (None, one.pull.base)]
        threads = [one for one in threads if self._repo.hub.shows(one.created_at)]
        pulls = [PullNode(self._repo, self._token, thread) for thread in threads]
        pulls = [one for one in pulls if states is None or one.state in states]
        pulls = [one for one in pulls if labels is None or set(labels) & set(one.label_names)]
        if orderBy is not None:
            key = "createdAt" if orderBy["field"] == "CREATED_AT" else "updatedAt"
            pulls.sort(
                key=lambda one: (getattr(one, key), one.number), reverse=orderBy["direction"] == "DESC"
            )
        return _connection(pulls, first, last, after)


def _ordered(items: list[Any], order: Json | None) -> list[Any]:
    """Sorts records by when they were made or last changed; oldest first by default."""
    field, direction = (order["field"], order["direction"]) if order else ("CREATED_AT", "ASC")
    key = "created_at" if field == "CREATED_AT" else "updated_at"
    return sorted(items, key=lambda one: getattr(one, key), reverse=direction == "DESC")


def _comments(
    repo: Repo, token: Token, thread: Thread, first: Any, last: Any, after: Any, order: Json | None
) -> Json:
    comments = [one for one in thread.comments if repo.hub.shows(one.created_at)]
    shown = [_comment(repo, token, one) for one in _ordered(comments, order)]
    return _connection(shown, first, last, after)


def _review(one: Review) -> Json:
    return {
        "__typename": "PullRequestReview",
        "id": shapes.node("PRR", one.id),
        "databaseId": one.id,
        "isMinimized": one.minimized,
        "minimizedReason": "outdated" if one.minimized else None,
    }


def _comment(repo: Repo, token: Token, one: Comment) -> Json:
    mine = {reaction.content for reaction in one.reactions if reaction.author == token.account}
    return {
        "id": shapes.node("IC", one.id),
        "databaseId": one.id,
        "body": one.body,
        "author": _actor(one.author),
        "createdAt": stamp(one.created_at),
        "updatedAt": stamp(one.updated_at),
        "lastEditedAt": stamp(one.edited_at),
        "includesCreatedEdit": one.edited_at is not None,
        "url": shapes.page(repo, f"issues/{one.number}#issuecomment-{one.id}"),
        "viewerDidAuthor": one.author == token.account,
        "isMinimized": one.minimized,
        "reactionGroups": [
            {"content": content, "viewerHasReacted": word in mine} for word, content in _REACTIONS.items()
        ],
    }


_REACTIONS = {"+1": "THUMBS_UP", "-1": "THUMBS_DOWN", "eyes": "EYES", "rocket": "ROCKET"}


def _actor(account: Account) -> Json:
    return {"__typename": account.type, "login": account.login.removesuffix("[bot]")}


def _connection(items: list[Any], first: int | None, last: int | None, after: str | None = None) -> Json:
    """Returns a page of a connection; a cursor is the place in the list."""
    if (first is None) == (last is None):
        raise ApiError(422, "You must provide a `first` or `last` value to properly paginate the connection.")
    if max(first or 0, last or 0) > 100:
        raise ApiError(422, "Requesting more than 100 records on the connection exceeds the `first` limit.")
    begin = int(after) if after else 0
    end = begin + first if first is not None else len(items)
    if last is not None:
        begin = max(begin, len(items) - last)
    page = {
        "hasNextPage": end < len(items),
        "endCursor": str(min(end, len(items))),
        "hasPreviousPage": begin > 0,
    }
    return {
        "totalCount": len(items),
        "nodes": items[begin:end],
        "pageInfo": {**page, "startCursor": str(begin)},
    }


class RefNode:
    def __init__(self, repo: Repo, token: Token, full_name: str) -> None:
        self._repo = repo
        self._token = token
        self.id = shapes.node("REF", full_name)
        self.name = full_name.split("/", 2)[2]
        self.prefix = "/".join(full_name.split("/")[:2]) + "/"

    def associatedPullRequests(  # noqa: N802
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        states: list[str] | None = None,
        headRefName: str | None = None,  # noqa: N803
        baseRefName: str | None = None,  # noqa: N803
        labels: list[str] | None = None,
        orderBy: Json | None = None,  # noqa: N803
    ) -> Json:
        """Returns those with this ref as their head; a fork's branch of that name is another ref."""
        _demand(self._token, self._repo, "pull_requests:read")
        heads = [one for one in self._repo.pulls() if one.pull and not one.pull.from_fork]
        heads = [one for one in heads if one.pull and one.pull.head == self.name]
        heads = [one for one in heads if self._repo.hub.shows(one.created_at)]
        pulls = [PullNode(self._repo, self._token, thread) for thread in heads]
        pulls = [one for one in pulls if states is None or one.state in states]
        pulls = [one for one in pulls if baseRefName in (None, one.baseRefName)]
        return _connection(pulls, first, last, after)

    def target(self, info: Any) -> Any:
        sha = self._repo.bare.refs()[self.prefix + self.name]
        found = self._repo.bare.object(sha)
        assert found is not None
        return _git_object(self._repo, self._token, *found)


def _git_object(repo: Repo, token: Token, sha: str, kind: str) -> Any:
    if kind == "commit":
        return CommitNode(repo, token, repo.bare.commit(sha))
    if kind == "tag":
        return TagNode(repo, token, sha)
    return BlobNode(repo, sha) if kind == "blob" else TreeNode(repo, token, sha)


class TagNode:
    """An annotated tag, which has an id of its own."""

    def __init__(self, repo: Repo, token: Token, sha: str) -> None:
        self._repo = repo
        self._token = token
        header = repo.bare.blob(sha).decode().partition("\n\n")[0]
        fields = dict(line.split(" ", 1) for line in header.splitlines())
        self.__typename = "Tag"
        self.oid = sha
        self.id = shapes.node("TA", sha)
        self.name = fields["tag"]
        self._target = (fields["object"], fields["type"])

    def target(self, info: Any) -> Any:
        return _git_object(self._repo, self._token, *self._target)


class BlobNode:
    def __init__(self, repo: Repo, sha: str) -> None:
        content = repo.bare.blob(sha)
        self.__typename = "Blob"
        self.oid = sha
        self.id = shapes.node("B", sha)
        self.byteSize = len(content)
        self.isBinary = b"\0" in content
        self.isTruncated = False
        self.text = None if self.isBinary else content.decode("utf-8", errors="replace")


class TreeNode:
    def __init__(self, repo: Repo, token: Token, sha: str) -> None:
        self._repo = repo
        self._token = token
        self.__typename = "Tree"
        self.oid = sha
        self.id = shapes.node("T", sha)

    def entries(self, info: Any) -> list[EntryNode]:
        return [EntryNode(self._repo, self._token, entry) for entry in self._repo.bare.tree(self.oid)]


class EntryNode:
    def __init__(self, repo: Repo, token: Token, entry: TreeEntry) -> None:
        self._repo = repo
        self._token = token
        self.name = entry.path
        self.oid = entry.sha
        self.type = entry.type
        self.mode = int(entry.mode, 8)
        self.size = entry.size or 0

    def object(self, info: Any) -> Any:
        return _git_object(self._repo, self._token, self.oid, self.type)


class CommitNode:
    def __init__(self, repo: Repo, token: Token, data: CommitData) -> None:
        self._repo = repo
        self._token = token
        self._data = data
        self.__typename = "Commit"
        self.oid = data.sha
        self.id = shapes.node("C", data.sha)
        self.message = data.message
        self.messageHeadline = data.message.split("\n")[0]
        self.messageBody = data.message.partition("\n\n")[2]
        self.committedDate = data.committed_at
        self.authoredDate = data.authored_at
        self.url = shapes.page(repo, "commit", data.sha)
        self.author = self._actor_of(data.author)
        self.committedViaWeb = data.committer == GITHUB

    def _actor_of(self, person: Person) -> Json:
        """Returns a person of a commit, with the account of that name; bots have none here."""
        account = self._repo.hub.known_account(person.name)
        user = {"login": account.login} if account and account.type == "User" else None
        return {
            "name": person.name,
            "email": person.email,
            "date": self._data.authored_at,
            "user": user,
        }

    def authors(
        self, info: Any, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> Json:
        others = _CO_AUTHOR.findall(self._data.message)
        people = [self._data.author, *(Person(name.strip(), email) for name, email in others)]
        return _connection([self._actor_of(person) for person in people], first, last, after)

    def tree(self, info: Any) -> TreeNode:
        return TreeNode(self._repo, self._token, self._data.tree)

    def file(self, info: Any, path: str) -> EntryNode | None:
        folder, _, name = path.rpartition("/")
        found = self._repo.bare.object(f"{self.oid}:{folder}")
        entries = self._repo.bare.tree(found[0]) if found else []
        return next((EntryNode(self._repo, self._token, one) for one in entries if one.path == name), None)

    def parents(self, info: Any, first: int | None = None, last: int | None = None) -> Json:
        commits = [
            CommitNode(self._repo, self._token, self._repo.bare.commit(sha)) for sha in self._data.parents
        ]
        return _connection(commits, first, last)

    def history(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        path: str = "",
    ) -> Json:
        shas = self._repo.bare.log(self.oid, "--date-order", *([path] if path else []))
        return _connection(
            [CommitNode(self._repo, self._token, self._repo.bare.commit(sha)) for sha in shas],
            first,
            last,
            after,
        )

    def associatedPullRequests(self, info: Any, first: int | None = None, last: int | None = None) -> Json:  # noqa: N802
        _demand(self._token, self._repo, "pull_requests:read")
        pulls = [
            thread
            for thread in self._repo.pulls()
            if thread.pull
            and (
                thread.pull.merge_commit == self.oid
                or self.oid in self._repo.bare.between(thread.pull.base_sha, self._repo.head_of(thread))
            )
        ]
        return _connection([PullNode(self._repo, self._token, thread) for thread in pulls], first, last)

    def status(self, info: Any) -> Json | None:
        _demand(self._token, self._repo, "statuses:read")
        newest = {one.context: one for one in self._repo.statuses if one.sha == self.oid}
        if not newest:
            return None
        state = shapes.combined_status(self._repo, self.oid)["state"].upper()
        return {"state": state, "contexts": [_status_context(self._repo, one) for one in newest.values()]}

    def checkSuites(  # noqa: N802
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        filterBy: Json | None = None,  # noqa: N803
    ) -> Json:
        """Lists them in the order in which they were made, as a public issue saw it;
        GitHub promises no order.
        """
        _demand(self._token, self._repo, "checks:read")
        if max(first or 0, last or 0) > self._repo.hub.biggest_page:
            raise TooMuchError
        suites: dict[int, list[Check]] = {}
        for one in self._repo.checks:
            if one.sha == self.oid:
                suites.setdefault(one.suite, []).append(one)
        name = (filterBy or {}).get("checkName")
        wanted = [runs for runs in suites.values() if name is None or any(run.name == name for run in runs)]
        if self._repo.newest_suites_first:
            wanted.reverse()
        return _connection([_suite(self._repo, self._token, runs) for runs in wanted], first, last, after)

    def statusCheckRollup(self, info: Any) -> Json | None:  # noqa: N802
        _demand(self._token, self._repo, "statuses:read")
        _demand(self._token, self._repo, "checks:read")
        statuses = {one.context: one for one in self._repo.statuses if one.sha == self.oid}
        checks = {(one.suite, one.name): one for one in self._repo.checks if one.sha == self.oid}
        shown = [_status_context(self._repo, one) for one in statuses.values()]
        shown += [_check_context(self._repo, one) for one in checks.values()]

        def pages(
            info: Any, first: int | None = None, last: int | None = None, after: str | None = None
        ) -> Json:
            return _connection(shown, first, last, after)

        names = set(statuses) | {name for _, name in checks}
        green = names <= self._repo.green(self.oid)
        return {"state": "SUCCESS" if green else "PENDING", "contexts": pages} if shown else None


def _status_context(repo: Repo, one: CommitStatus) -> Json:
    return {
        "__typename": "StatusContext",
        "context": one.context,
        "state": one.state.upper(),
        "description": one.description,
        "targetUrl": one.target_url,
        "createdAt": stamp(one.created_at),
        "creator": _actor(one.creator),
    }


def _suite(repo: Repo, token: Token, attempts: list[Check]) -> Json:
    newest = list({one.name: one for one in attempts}.values())

    def pages(
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        filterBy: Json | None = None,  # noqa: N803
    ) -> Json:
        shown = attempts if (filterBy or {}).get("checkType") == "ALL" else newest
        return _connection([_check_context(repo, one) for one in shown], first, last, after)

    def workflow_run(info: Any) -> Json | None:
        if not attempts[0].workflow:
            return None
        _demand(token, repo, "actions:read")
        name = attempts[0].workflow
        path = f"/{repo.full_name}/actions/workflows/{name}"
        return {"workflow": {"name": name.partition(".")[0], "resourcePath": path}}

    return {
        "app": {"slug": attempts[0].app},
        "checkRuns": pages,
        "__typename": "CheckSuite",
        "id": shapes.node("CS", attempts[0].suite),
        "createdAt": stamp(attempts[0].started_at or repo.hub.clock.now()),
        "workflowRun": workflow_run,
    }


def _check_context(repo: Repo, one: Check) -> Json:
    return {
        "__typename": "CheckRun",
        "databaseId": one.id,
        "name": one.name,
        "status": one.status.upper(),
        "conclusion": one.conclusion.upper() if one.conclusion else None,
        "startedAt": stamp(one.started_at),
        "completedAt": stamp(one.completed_at),
    }


class PullNode:
    def __init__(self, repo: Repo, token: Token, thread: Thread) -> None:
        assert thread.pull is not None
        self._repo = repo
        self._token = token
        self._thread = thread
        self._pull = thread.pull
        self.id = shapes.node("PR", thread.id)
        self.databaseId = thread.id
        self.number = thread.number
        self.title = thread.title
        self.body = thread.body or ""
        self.url = shapes.page(repo, "pull", thread.number)
        self.state = "MERGED" if thread.pull.merged_at else thread.state.upper()
        self.isCrossRepository = thread.pull.from_fork
        self.isDraft = thread.pull.draft
        self.merged = thread.pull.merged_at is not None
        self.mergedAt = stamp(thread.pull.merged_at)
        self.createdAt = stamp(thread.created_at)
        self.updatedAt = stamp(thread.updated_at)
        self.closedAt = stamp(thread.closed_at)
        self.headRefName = thread.pull.head
        self.headRefOid = repo.head_of(thread)
        self.baseRefName = thread.pull.base
        self.baseRefOid = thread.pull.base_sha
        self.author = _actor(thread.author)
        self.mergedBy = _actor(thread.pull.merged_by) if thread.pull.merged_by else None
        self.label_names = list(thread.labels)

    def mergeable(self, info: Any) -> str:
        words = {True: "MERGEABLE", False: "CONFLICTING", None: "UNKNOWN"}
        return words[self._repo.mergeable(self._thread)]

    def mergeCommit(self, info: Any) -> CommitNode | None:  # noqa: N802
        sha = self._pull.merge_commit
        return CommitNode(self._repo, self._token, self._repo.bare.commit(sha)) if sha else None

    def labels(self, info: Any, first: int | None = None, last: int | None = None) -> Json:
        return _connection([{"name": name} for name in self.label_names], first, last)

    def comments(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        orderBy: Json | None = None,  # noqa: N803
    ) -> Json:
        return _comments(self._repo, self._token, self._thread, first, last, after, orderBy)

    def files(
        self, info: Any, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> Json:
        bare = self._repo.bare
        tip = bare.branch(self.baseRefName) or self._pull.base_sha
        base = bare.merge_base(tip, self.headRefOid) or self._pull.base_sha
        changed = [{"path": path} for _, path in bare.changed(base, self.headRefOid)]
        return _connection(changed, first, last, after)

    def commits(self, info: Any, first: int | None = None, last: int | None = None) -> Json:
        shas = self._repo.bare.between(self._pull.base_sha, self.headRefOid)
        commits = [
            {"commit": CommitNode(self._repo, self._token, self._repo.bare.commit(sha))} for sha in shas
        ]
        return _connection(commits, first, last)


class IssueNode:
    def __init__(self, repo: Repo, token: Token, thread: Thread) -> None:
        self._repo = repo
        self._token = token
        self._thread = thread
        self.id = shapes.node("I", thread.id)
        self.databaseId = thread.id
        self.number = thread.number
        self.title = thread.title
        self.body = thread.body or ""
        self.url = shapes.page(repo, "issues", thread.number)
        self.state = thread.state.upper()
        self.locked = thread.locked
        self.createdAt = stamp(thread.created_at)
        self.updatedAt = stamp(thread.updated_at)
        self.author = _actor(thread.author)
        self.viewerDidAuthor = thread.author == token.account

    def labels(
        self, info: Any, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> Json:
        return _connection([{"name": name} for name in self._thread.labels], first, last, after)

    def assignees(
        self, info: Any, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> Json:
        return _connection([{"login": login} for login in self._thread.assignees], first, last, after)

    def comments(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        orderBy: Json | None = None,  # noqa: N803
    ) -> Json:
        return _comments(self._repo, self._token, self._thread, first, last, after, orderBy)
