"""POST /graphql: the part of GitHub's schema that a release bot needs, run by graphql-core, so that a
misspelt field or a wrong type of input is the error that GitHub would give."""

from __future__ import annotations

import base64
import binascii
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import graphql
from graphql.language import ast

from fakehub import shapes
from fakehub.entities import Token
from fakehub.errors import ApiError, ArchivedError, NoRefError, StaleHeadError, TooMuchError
from fakehub.graphql_lists import demand
from fakehub.graphql_nodes import CommitNode, PullNode, RefNode, review_of, suite_of
from fakehub.graphql_repository import RepositoryNode
from fakehub.repo import Repo
from fakehub.routing import visible
from fakehub.schemas import Json, stamp

if TYPE_CHECKING:
    from fakehub.hub import Hub

SCHEMA = Path(__file__).with_name("schema.graphql")


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
                demand(self._token, repo, "checks:read")
                return suite_of(repo, self._token, runs)
            for pull in repo.pulls():
                for review in pull.pull.reviews if pull.pull else ():
                    if shapes.node("PRR", review.id) == id:
                        demand(self._token, repo, "pull_requests:read")
                        return review_of(review)
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
        demand(self._token, repo, "contents:write")
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
        demand(self._token, repo, "contents:write")
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
        demand(self._token, repo, "pull_requests:write")
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
