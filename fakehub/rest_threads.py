"""REST: pull requests, issues, comments, labels."""

from __future__ import annotations

from typing import Any

from fakehub import shapes
from fakehub.entities import Thread
from fakehub.errors import ApiError, StaleHeadError
from fakehub.repo import Repo
from fakehub.rest_people import assignable
from fakehub.routing import Request, route
from fakehub.schemas import Json

R = "/repos/{owner}/{repo}"
READ = "pull_requests:read"
WRITE = "pull_requests:write"
EITHER_READ = "issues:read|pull_requests:read"
EITHER_WRITE = "issues:write|pull_requests:write"
BODY_LIMIT = 65_536


def _limited(body: Json) -> Json:
    """Raises ApiError 422 for a text that GitHub would not keep."""
    if len(body.get("body") or "") > BODY_LIMIT:
        raise ApiError.invalid("Issue", "body", f"body is too long (maximum is {BODY_LIMIT} characters)")
    return body


def _sorted(threads: list[Thread], query: dict[str, str]) -> list[Thread]:
    keys = {
        "created": lambda one: (one.created_at, one.number),
        "updated": lambda one: (one.updated_at, one.number),
    }
    newest_first = query.get("direction", "desc") == "desc"
    return sorted(threads, key=keys[query.get("sort", "created")], reverse=newest_first)


# --- pull requests ---------------------------------------------------------------------------------------


@route(f"GET {R}/pulls", needs=READ, answers="PullRequestSimple", many=True)
def list_pulls(request: Request) -> Any:
    repo, query = request.repo, request.query
    state = query.get("state", "open")
    found = [thread for thread in repo.pulls() if state in ("all", thread.state)]
    if "head" in query:
        owner, _, branch = query["head"].rpartition(":")
        # GitHub ignores a head without an owner; so does the fake, and a client that forgets it will notice.
        if owner:
            found = [
                thread
                for thread in found
                if thread.pull
                and not thread.pull.from_fork
                and (repo.owner, thread.pull.head) == (owner, branch)
            ]
    if "base" in query:
        found = [thread for thread in found if thread.pull and thread.pull.base == query["base"]]
    return [shapes.pull_simple(repo, thread) for thread in _sorted(found, query)]


@route(f"POST {R}/pulls", needs=WRITE, body="ReposOwnerRepoPullsPostBody", answers="PullRequest", status=201)
def create_pull(request: Request) -> Any:
    body = _limited(request.body)
    thread = request.repo.open_pull(
        request.token, body["title"], body["head"], body["base"], body.get("body"), bool(body.get("draft"))
    )
    return shapes.pull(request.repo, thread)


@route(f"GET {R}/pulls/{{number}}", needs=READ, answers="PullRequest")
def get_pull(request: Request) -> Any:
    return shapes.pull(request.repo, request.repo.pull(request.params["number"]))


@route(
    f"PATCH {R}/pulls/{{number}}",
    needs=WRITE,
    body="ReposOwnerRepoPullsPullNumberPatchBody",
    answers="PullRequest",
)
def edit_pull(request: Request) -> Any:
    repo, body = request.repo, _limited(request.body)
    thread = repo.pull(request.params["number"])
    assert thread.pull is not None
    if "base" in body:
        repo.retarget(request.token, thread, body["base"])
    _edit(request, thread, body)
    return shapes.pull(repo, thread)


def _edit(request: Request, thread: Thread, body: Json) -> None:
    repo, token = request.repo, request.token
    if "title" in body or "body" in body:
        repo.rewrite(token, thread, {name: body[name] for name in ("title", "body") if name in body})
    thread.updated_at = request.hub.clock.now()
    if body.get("state") == "closed":
        repo.close(token, thread, body.get("state_reason") or "completed")
    elif body.get("state") == "open":
        repo.reopen(token, thread)


@route(
    f"PUT {R}/pulls/{{number}}/merge",
    needs="contents:write",
    body="ReposOwnerRepoPullsPullNumberMergePutBody",
    answers="PullRequestMergeResult",
)
def merge_pull(request: Request) -> Any:
    body = request.body or {}
    thread = request.repo.pull(request.params["number"])
    try:
        sha = request.repo.merge(
            request.token,
            thread.number,
            sha=body.get("sha"),
            method=body.get("merge_method", "merge"),
            title=body.get("commit_title", ""),
            message=body.get("commit_message", ""),
        )
    except StaleHeadError as error:
        raise ApiError(409, "Base branch was modified. Review and try the merge again.") from error
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


@route(f"GET {R}/pulls/{{number}}/files", needs=READ, answers="DiffEntry", many=True)
def pull_files(request: Request) -> Any:
    repo = request.repo
    thread = repo.pull(request.params["number"])
    assert thread.pull is not None
    head = repo.head_of(thread)
    fork = repo.bare.merge_base(thread.pull.base_sha, head) or thread.pull.base_sha
    return [shapes.diff_entry(repo, head, letter, path) for letter, path in repo.bare.changed(fork, head)]


@route(f"GET {R}/pulls/{{number}}/commits", needs=READ, answers="Commit", many=True)
def pull_commits(request: Request) -> Any:
    repo = request.repo
    thread = repo.pull(request.params["number"])
    assert thread.pull is not None
    return [shapes.commit(repo, sha) for sha in repo.bare.between(thread.pull.base_sha, repo.head_of(thread))]


@route(f"GET {R}/pulls/{{number}}/reviews/{{review}}", needs=READ, answers="PullRequestReview")
def get_review(request: Request) -> Any:
    thread = request.repo.pull(request.params["number"])
    for one in thread.pull.reviews if thread.pull else ():
        if str(one.id) == request.params["review"]:
            return shapes.review(request.repo, thread.number, one)
    raise ApiError(404, "Not Found")


# --- issues ----------------------------------------------------------------------------------------------


@route(f"GET {R}/issues", needs="issues:read", answers="Issue", many=True)
def list_issues(request: Request) -> Any:
    repo, query = request.repo, request.query
    repo.need_issues()
    state = query.get("state", "open")
    found = [thread for thread in repo.threads.values() if state in ("all", thread.state)]
    if query.get("labels"):
        wanted = set(query["labels"].lower().split(","))
        found = [thread for thread in found if wanted <= {name.lower() for name in thread.labels}]
    if "creator" in query:
        found = [thread for thread in found if thread.author.login == query["creator"]]
    return [shapes.issue(repo, thread) for thread in _sorted(found, query)]


@route(
    f"POST {R}/issues", needs="issues:write", body="ReposOwnerRepoIssuesPostBody", answers="Issue", status=201
)
def create_issue(request: Request) -> Any:
    repo, body = request.repo, _limited(request.body)
    repo.need_issues()
    if not str(body["title"]).strip():
        raise ApiError.invalid("Issue", "title")
    thread = repo.open_thread(request.token, str(body["title"]), body.get("body"))
    thread.labels = _named(repo, body.get("labels") or [])
    thread.assignees = assignable(repo, body.get("assignees") or [])
    repo.emit_issue(request.token, thread, "opened")
    return shapes.issue(repo, thread)


@route(f"GET {R}/issues/comments/{{comment}}", needs=EITHER_READ, answers="IssueComment")
def get_comment(request: Request) -> Any:
    return shapes.comment(request.repo, request.repo.find_comment(request.params["comment"])[1])


@route(
    f"PATCH {R}/issues/comments/{{comment}}",
    needs=EITHER_WRITE,
    body="ReposOwnerRepoIssuesCommentsCommentIdPatchBody",
    answers="IssueComment",
)
def edit_comment(request: Request) -> Any:
    thread, comment = request.repo.find_comment(request.params["comment"])
    request.repo.edit_comment(request.token, thread, comment, _limited(request.body)["body"])
    return shapes.comment(request.repo, comment)


@route(f"DELETE {R}/issues/comments/{{comment}}", needs=EITHER_WRITE, status=204)
def delete_comment(request: Request) -> Any:
    _, comment = request.repo.find_comment(request.params["comment"])
    request.repo.delete_comment(request.token, comment.id)


@route(f"GET {R}/issues/{{number}}", needs=EITHER_READ, answers="Issue")
def get_issue(request: Request) -> Any:
    return shapes.issue(request.repo, request.repo.thread(request.params["number"]))


@route(
    f"PATCH {R}/issues/{{number}}",
    needs=EITHER_WRITE,
    body="ReposOwnerRepoIssuesIssueNumberPatchBody",
    answers="Issue",
)
def edit_issue(request: Request) -> Any:
    repo, body = request.repo, _limited(request.body)
    thread = repo.thread(request.params["number"])
    if "labels" in body:
        thread.labels = _named(repo, body["labels"] or [])
    if "assignees" in body:
        thread.assignees = assignable(repo, body["assignees"] or [])
    _edit(request, thread, body)
    return shapes.issue(repo, thread)


@route(f"GET {R}/issues/{{number}}/comments", needs=EITHER_READ, answers="IssueComment", many=True)
def list_comments(request: Request) -> Any:
    thread = request.repo.thread(request.params["number"])
    return [shapes.comment(request.repo, comment) for comment in thread.comments]


@route(
    f"POST {R}/issues/{{number}}/comments",
    needs=EITHER_WRITE,
    body="ReposOwnerRepoIssuesIssueNumberCommentsPostBody",
    answers="IssueComment",
    status=201,
)
def create_comment(request: Request) -> Any:
    comment = request.repo.comment(request.token, request.params["number"], _limited(request.body)["body"])
    return shapes.comment(request.repo, comment)


# --- labels ----------------------------------------------------------------------------------------------


def _named(repo: Repo, labels: list[str | Json]) -> list[str]:
    """Returns the labels of those names, made where there is none."""
    names = [label if isinstance(label, str) else str(label["name"]) for label in labels]
    return list(dict.fromkeys(repo.label(name).name for name in names))


def _labels_of(request: Request) -> list[Json]:
    thread = request.repo.thread(request.params["number"])
    return [shapes.label(request.repo, request.repo.label(name)) for name in thread.labels]


def _sent_labels(body: Any) -> list[str | Json]:
    return list(body if isinstance(body, list) else body.get("labels") or [])


@route(f"GET {R}/labels", needs=EITHER_READ, answers="Label", many=True)
def list_labels(request: Request) -> Any:
    return [shapes.label(request.repo, one) for one in request.repo.labels.values()]


@route(
    f"POST {R}/labels", needs=EITHER_WRITE, body="ReposOwnerRepoLabelsPostBody", answers="Label", status=201
)
def create_label(request: Request) -> Any:
    repo, body = request.repo, request.body
    if body["name"].lower() in repo.labels:
        raise ApiError(
            422,
            "Validation Failed",
            errors=[{"resource": "Label", "code": "already_exists", "field": "name"}],
        )
    return shapes.label(repo, repo.label(body["name"], body.get("color", "ededed"), body.get("description")))


@route(f"GET {R}/labels/{{name}}", needs=EITHER_READ, answers="Label")
def get_label(request: Request) -> Any:
    found = request.repo.labels.get(request.params["name"].lower())
    if found is None:
        raise ApiError(404, "Not Found")
    return shapes.label(request.repo, found)


@route(f"GET {R}/issues/{{number}}/labels", needs=EITHER_READ, answers="Label", many=True)
def list_thread_labels(request: Request) -> Any:
    return _labels_of(request)


# A bare list of names is right too: GitHub's schema has it as a model-less branch of the union.
LABELS = "ReposOwnerRepoIssuesIssueNumberLabelsPostBodyOneof0|[str]"


@route(f"POST {R}/issues/{{number}}/labels", needs=EITHER_WRITE, body=LABELS, answers="Label", many=True)
def add_labels(request: Request) -> Any:
    thread = request.repo.thread(request.params["number"])
    thread.labels = list(dict.fromkeys([*thread.labels, *_named(request.repo, _sent_labels(request.body))]))
    return _labels_of(request)


@route(f"PUT {R}/issues/{{number}}/labels", needs=EITHER_WRITE, body=LABELS, answers="Label", many=True)
def set_labels(request: Request) -> Any:
    thread = request.repo.thread(request.params["number"])
    thread.labels = _named(request.repo, _sent_labels(request.body))
    return _labels_of(request)


@route(f"DELETE {R}/issues/{{number}}/labels/{{name}}", needs=EITHER_WRITE, answers="Label", many=True)
def remove_label(request: Request) -> Any:
    thread = request.repo.thread(request.params["number"])
    if request.params["name"] not in thread.labels:
        raise ApiError(404, "Label does not exist")
    thread.labels.remove(request.params["name"])
    return _labels_of(request)
