"""The repository of the GraphQL schema, from which all else is reached."""

from __future__ import annotations

from typing import Any

from fakehub import shapes
from fakehub.entities import Token
from fakehub.errors import ApiError, TooMuchError
from fakehub.graphql_lists import connection, demand, ordered
from fakehub.graphql_nodes import IssueNode, PullNode, RefNode, git_object
from fakehub.repo import Repo
from fakehub.routing import allowed
from fakehub.schemas import Json


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
        demand(self._token, self._repo, "contents:read")
        known = self._repo.bare.refs()
        for name in (qualifiedName, f"refs/heads/{qualifiedName}", f"refs/tags/{qualifiedName}"):
            if name in known:
                return RefNode(self._repo, self._token, name)
        return None

    def release(self, info: Any, tagName: str) -> Json | None:  # noqa: N803
        demand(self._token, self._repo, "contents:read")
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
        demand(self._token, self._repo, "contents:read")
        self._refuse_too_much(first)
        names = [name for name in self._repo.bare.refs(refPrefix.rstrip("/") + "/") if query in name]
        return connection([RefNode(self._repo, self._token, name) for name in names], first, last, after)

    def _refuse_too_much(self, first: int | None) -> None:
        if (first or 0) > self._repo.hub.biggest_page:
            raise TooMuchError

    def object(self, info: Any, expression: str | None = None, oid: str | None = None) -> Any:
        demand(self._token, self._repo, "contents:read")
        found = self._repo.bare.object(expression or oid or "")
        return git_object(self._repo, self._token, *found) if found else None

    def issue(self, info: Any, number: int) -> IssueNode:
        demand(self._token, self._repo, "issues:read")
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
        demand(self._token, self._repo, "issues:read")
        self._refuse_too_much(first)
        shown = self._repo.threads.values() if self._repo.has_issues else ()
        threads = [thread for thread in shown if thread.pull is None]
        threads = [one for one in threads if self._repo.hub.shows(one.created_at)]
        threads = [one for one in threads if states is None or one.state.upper() in states]
        threads = [one for one in threads if labels is None or set(labels) & set(one.labels)]
        return connection(
            [IssueNode(self._repo, self._token, one) for one in ordered(threads, orderBy)],
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
        demand(self._token, self._repo, "issues:read")
        names = [one.name for one in self._repo.labels.values() if query.lower() in one.name.lower()]
        return connection([{"name": name} for name in names], first, last, after)

    def pullRequest(self, info: Any, number: int) -> PullNode:  # noqa: N802
        demand(self._token, self._repo, "pull_requests:read")
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
        demand(self._token, self._repo, "pull_requests:read")
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
        return connection(pulls, first, last, after)
