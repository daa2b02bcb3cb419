"""Objects of the GraphQL schema: what git holds, its checks, pull requests and issues."""

from __future__ import annotations

import re
from typing import Any

from fakehub import shapes
from fakehub.bare import GITHUB, CommitData, Person, TreeEntry
from fakehub.entities import Check, Comment, CommitStatus, Review, Thread, Token
from fakehub.errors import TooMuchError
from fakehub.graphql_lists import actor, connection, demand, ordered
from fakehub.repo import Repo
from fakehub.schemas import Json, stamp


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
        demand(self._token, self._repo, "pull_requests:read")
        heads = [one for one in self._repo.pulls() if one.pull and not one.pull.from_fork]
        heads = [one for one in heads if one.pull and one.pull.head == self.name]
        heads = [one for one in heads if self._repo.hub.shows(one.created_at)]
        pulls = [PullNode(self._repo, self._token, thread) for thread in heads]
        pulls = [one for one in pulls if states is None or one.state in states]
        pulls = [one for one in pulls if baseRefName in (None, one.baseRefName)]
        return connection(pulls, first, last, after)

    def target(self, info: Any) -> Any:
        sha = self._repo.bare.refs()[self.prefix + self.name]
        found = self._repo.bare.object(sha)
        assert found is not None
        return git_object(self._repo, self._token, *found)


def git_object(repo: Repo, token: Token, sha: str, kind: str) -> Any:
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
        return git_object(self._repo, self._token, *self._target)


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
        return git_object(self._repo, self._token, self.oid, self.type)


_CO_AUTHOR = re.compile(r"^co-authored-by:([^<\n]+)<([^>\n]*)>", re.IGNORECASE | re.MULTILINE)


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
        return connection([self._actor_of(person) for person in people], first, last, after)

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
        return connection(commits, first, last)

    def history(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        path: str = "",
    ) -> Json:
        shas = self._repo.bare.log(self.oid, "--date-order", *([path] if path else []))
        return connection(
            [CommitNode(self._repo, self._token, self._repo.bare.commit(sha)) for sha in shas],
            first,
            last,
            after,
        )

    def associatedPullRequests(self, info: Any, first: int | None = None, last: int | None = None) -> Json:  # noqa: N802
        demand(self._token, self._repo, "pull_requests:read")
        pulls = [
            thread
            for thread in self._repo.pulls()
            if thread.pull
            and (
                thread.pull.merge_commit == self.oid
                or self.oid in self._repo.bare.between(thread.pull.base_sha, self._repo.head_of(thread))
            )
        ]
        return connection([PullNode(self._repo, self._token, thread) for thread in pulls], first, last)

    def status(self, info: Any) -> Json | None:
        demand(self._token, self._repo, "statuses:read")
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
        demand(self._token, self._repo, "checks:read")
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
        return connection([suite_of(self._repo, self._token, runs) for runs in wanted], first, last, after)

    def statusCheckRollup(self, info: Any) -> Json | None:  # noqa: N802
        demand(self._token, self._repo, "statuses:read")
        demand(self._token, self._repo, "checks:read")
        statuses = {one.context: one for one in self._repo.statuses if one.sha == self.oid}
        checks = {(one.suite, one.name): one for one in self._repo.checks if one.sha == self.oid}
        shown = [_status_context(self._repo, one) for one in statuses.values()]
        shown += [_check_context(self._repo, one) for one in checks.values()]

        def pages(
            info: Any, first: int | None = None, last: int | None = None, after: str | None = None
        ) -> Json:
            return connection(shown, first, last, after)

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
        "creator": actor(one.creator),
    }


def suite_of(repo: Repo, token: Token, attempts: list[Check]) -> Json:
    newest = list({one.name: one for one in attempts}.values())

    def pages(
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        filterBy: Json | None = None,  # noqa: N803
    ) -> Json:
        shown = attempts if (filterBy or {}).get("checkType") == "ALL" else newest
        return connection([_check_context(repo, one) for one in shown], first, last, after)

    def workflow_run(info: Any) -> Json | None:
        if not attempts[0].workflow:
            return None
        demand(token, repo, "actions:read")
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
        self.author = actor(thread.author)
        self.mergedBy = actor(thread.pull.merged_by) if thread.pull.merged_by else None
        self.label_names = list(thread.labels)

    def mergeable(self, info: Any) -> str:
        words = {True: "MERGEABLE", False: "CONFLICTING", None: "UNKNOWN"}
        return words[self._repo.mergeable(self._thread)]

    def mergeCommit(self, info: Any) -> CommitNode | None:  # noqa: N802
        sha = self._pull.merge_commit
        return CommitNode(self._repo, self._token, self._repo.bare.commit(sha)) if sha else None

    def labels(self, info: Any, first: int | None = None, last: int | None = None) -> Json:
        return connection([{"name": name} for name in self.label_names], first, last)

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
        return connection(changed, first, last, after)

    def commits(self, info: Any, first: int | None = None, last: int | None = None) -> Json:
        shas = self._repo.bare.between(self._pull.base_sha, self.headRefOid)
        commits = [
            {"commit": CommitNode(self._repo, self._token, self._repo.bare.commit(sha))} for sha in shas
        ]
        return connection(commits, first, last)


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
        self.author = actor(thread.author)
        self.viewerDidAuthor = thread.author == token.account

    def labels(
        self, info: Any, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> Json:
        return connection([{"name": name} for name in self._thread.labels], first, last, after)

    def assignees(
        self, info: Any, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> Json:
        return connection([{"login": login} for login in self._thread.assignees], first, last, after)

    def comments(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        orderBy: Json | None = None,  # noqa: N803
    ) -> Json:
        return _comments(self._repo, self._token, self._thread, first, last, after, orderBy)


def _comments(
    repo: Repo, token: Token, thread: Thread, first: Any, last: Any, after: Any, order: Json | None
) -> Json:
    comments = [one for one in thread.comments if repo.hub.shows(one.created_at)]
    shown = [_comment(repo, token, one) for one in ordered(comments, order)]
    return connection(shown, first, last, after)


def review_of(one: Review) -> Json:
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
        "author": actor(one.author),
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
