"""REST: commits, refs, trees, blobs, contents, branches, comparison, statuses and checks."""

from __future__ import annotations

import base64
from typing import Any

from fakehub import pagination, shapes
from fakehub.bare import GITHUB, Person
from fakehub.errors import ApiError, StaleHeadError
from fakehub.repo import Repo, person
from fakehub.routing import Answer, Request, route
from fakehub.schemas import Json, build

READ = "contents:read"
WRITE = "contents:write"
MOST_FILES = 300
"""Of a comparison, on its first page."""
R = "/repos/{owner}/{repo}"


def commit_named(repo: Repo, name: str) -> str:
    """Raises ApiError 422 as GitHub does for a commit that is not there."""
    sha = repo.bare.commit_of(name)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {name}")
    return sha


def found_object(repo: Repo, sha: str, kind: str) -> str:
    """Raises ApiError 404 when there is no such object of that kind."""
    found = repo.bare.object(sha)
    if found is None or (found[1] != kind and kind != "tree"):
        raise ApiError(404, "Not Found")
    return sha


# --- refs ------------------------------------------------------------------------------------------------


@route(f"GET {R}/git/refs/{{ref*}}", needs=READ, answers="GitRef")
@route(f"GET {R}/git/ref/{{ref*}}", needs=READ, answers="GitRef")
def get_ref(request: Request) -> Any:
    name = f"refs/{request.params['ref']}"
    sha = request.repo.bare.refs().get(name)
    if sha is None:
        raise ApiError(404, "Not Found")
    return shapes.ref(request.repo, name, sha)


@route(f"GET {R}/git/matching-refs/{{ref*}}", needs=READ, answers="GitRef", many=True)
def matching_refs(request: Request) -> Any:
    refs = request.repo.bare.refs(f"refs/{request.params['ref']}")
    return [shapes.ref(request.repo, name, sha) for name, sha in refs.items()]


@route(f"POST {R}/git/refs", needs=WRITE, body="ReposOwnerRepoGitRefsPostBody", answers="GitRef", status=201)
def create_ref(request: Request) -> Any:
    repo, name, sha = request.repo, request.body["ref"], request.body["sha"]
    if not name.startswith("refs/") or name.count("/") < 2:
        raise ApiError(422, "Reference name must start with 'refs/' and contain at least 2 slashes.")
    if name in repo.bare.refs():
        raise ApiError(422, "Reference already exists")
    if repo.bare.commit_of(sha) is None:
        raise ApiError(422, "Object does not exist")
    repo.move(request.token, name, sha)
    return shapes.ref(repo, name, sha)


@route(
    f"PATCH {R}/git/refs/{{ref*}}", needs=WRITE, body="ReposOwnerRepoGitRefsRefPatchBody", answers="GitRef"
)
def update_ref(request: Request) -> Any:
    repo, name, sha = request.repo, f"refs/{request.params['ref']}", request.body["sha"]
    if name not in repo.bare.refs():
        raise ApiError(422, "Reference does not exist")
    if repo.bare.commit_of(sha) is None:
        raise ApiError(422, "Object does not exist")
    repo.move(request.token, name, sha, force=bool(request.body.get("force")))
    return shapes.ref(repo, name, sha)


@route(f"DELETE {R}/git/refs/{{ref*}}", needs=WRITE, status=204)
def delete_ref(request: Request) -> Any:
    name = f"refs/{request.params['ref']}"
    if name not in request.repo.bare.refs():
        raise ApiError(422, "Reference does not exist")
    request.repo.move(request.token, name, None)


# --- objects ---------------------------------------------------------------------------------------------


@route(f"GET {R}/git/commits/{{sha}}", needs=READ, answers="GitCommit")
def get_git_commit(request: Request) -> Any:
    return shapes.git_commit(request.repo, found_object(request.repo, request.params["sha"], "commit"))


@route(
    f"POST {R}/git/commits",
    needs=WRITE,
    body="ReposOwnerRepoGitCommitsPostBody",
    answers="GitCommit",
    status=201,
)
def create_git_commit(request: Request) -> Any:
    repo, body = request.repo, request.body
    for sha in (body["tree"], *body.get("parents", [])):
        if repo.bare.object(sha) is None:
            raise ApiError(
                422, "Tree SHA does not exist" if sha == body["tree"] else "Parent SHA does not exist"
            )
    author = (
        Person(body["author"]["name"], body["author"]["email"]) if "author" in body else person(request.token)
    )
    committer = body.get("committer")
    sha = repo.bare.write_commit(
        body["tree"],
        body.get("parents", []),
        body["message"],
        author,
        request.hub.clock.now(),
        Person(committer["name"], committer["email"]) if committer else GITHUB,
        body.get("author", {}).get("date"),
    )
    return shapes.git_commit(repo, sha)


@route(f"GET {R}/git/trees/{{sha*}}", needs=READ, answers="GitTree")
def get_tree(request: Request) -> Any:
    repo, name = request.repo, request.params["sha"]
    sha = repo.bare.commit_of(name) or found_object(repo, name, "tree")
    return shapes.tree(repo, sha, recursive="recursive" in request.query)


@route(
    f"POST {R}/git/trees", needs=WRITE, body="ReposOwnerRepoGitTreesPostBody", answers="GitTree", status=201
)
def create_tree(request: Request) -> Any:
    repo, entries = request.repo, []
    for entry in request.body["tree"]:
        sha = entry.get("sha")
        if "content" in entry:
            sha = repo.bare.write_blob(entry["content"].encode())
        entries.append((entry.get("mode", "100644"), sha, entry["path"]))
    tree = repo.bare.write_tree(request.body.get("base_tree"), entries)
    return shapes.tree(repo, tree, recursive=False)


@route(f"GET {R}/git/blobs/{{sha}}", needs=READ, answers="Blob")
def get_blob(request: Request) -> Any:
    return shapes.blob(request.repo, found_object(request.repo, request.params["sha"], "blob"))


@route(
    f"POST {R}/git/blobs", needs=WRITE, body="ReposOwnerRepoGitBlobsPostBody", answers="ShortBlob", status=201
)
def create_blob(request: Request) -> Any:
    content = request.body["content"]
    raw = base64.b64decode(content) if request.body.get("encoding") == "base64" else content.encode()
    sha = request.repo.bare.write_blob(raw)
    return {"sha": sha, "url": shapes.url(request.repo, "git/blobs", sha)}


@route(f"GET {R}/contents/{{path*}}", needs=READ)
def get_contents(request: Request) -> Any:
    repo, path = request.repo, request.params["path"]
    commit = repo.bare.commit_of(request.query.get("ref", repo.default_branch))
    found = repo.bare.object(f"{commit}:{path}") if commit else None
    if found is None:
        raise ApiError(404, "Not Found")
    if found[1] == "blob":
        return shapes.content_file(repo, path, found[0])
    files = [entry for entry in repo.bare.tree(found[0]) if entry.type == "blob"]
    return [shapes.content_file(repo, f"{path}/{entry.path}", entry.sha) for entry in files]


# --- commits and branches --------------------------------------------------------------------------------


@route(f"GET {R}/commits", needs=READ, answers="Commit", many=True)
def list_commits(request: Request) -> Any:
    repo, query = request.repo, request.query
    tip = repo.bare.commit_of(query.get("sha", repo.default_branch))
    if tip is None:
        raise ApiError(404, "Not Found")
    paths = [query["path"]] if "path" in query else []
    return [shapes.commit(repo, sha) for sha in repo.bare.log("--date-order", tip, "--", *paths)]


@route(f"GET {R}/commits/{{ref*}}/status", needs="statuses:read", answers="CombinedCommitStatus")
def get_combined_status(request: Request) -> Any:
    return shapes.combined_status(request.repo, commit_named(request.repo, request.params["ref"]))


@route(f"GET {R}/commits/{{ref*}}/statuses", needs="statuses:read", answers="Status", many=True)
def list_statuses(request: Request) -> Any:
    repo = request.repo
    sha = commit_named(repo, request.params["ref"])
    return [shapes.status(repo, one) for one in reversed(repo.statuses) if one.sha == sha]


LAST_IN_DESCRIPTION = 0xFFFF


@route(
    f"POST {R}/statuses/{{sha}}",
    needs="statuses:write",
    body="ReposOwnerRepoStatusesShaPostBody",
    answers="Status",
    status=201,
)
def create_status(request: Request) -> Any:
    body = request.body
    description = body.get("description") or ""
    if len(description) > 140:
        raise ApiError.invalid("Status", "description", "description is too long (maximum is 140 characters)")
    if any(ord(char) > LAST_IN_DESCRIPTION for char in description):
        raise ApiError.invalid(
            "Status", "description", "description contains unicode characters above 0xffff"
        )
    status = request.repo.set_status(
        request.token,
        request.params["sha"],
        body.get("context", "default"),
        body["state"],
        body.get("description"),
        body.get("target_url"),
    )
    return shapes.status(request.repo, status)


MOST_SUITES = 1000
"""Of a commit, newest first, whose runs are listed (GitHub's REST documentation, "Check runs")."""


@route(
    f"GET {R}/commits/{{ref*}}/check-runs",
    needs="checks:read",
    answers="ReposOwnerRepoCommitsRefCheckRunsGetResponse200",
    wrap="check_runs",
)
def list_check_runs(request: Request) -> Any:
    repo, query = request.repo, request.query
    sha = commit_named(repo, request.params["ref"])
    mine = [one for one in repo.checks if one.sha == sha]
    listed = set(list(dict.fromkeys(one.suite for one in mine))[-MOST_SUITES:])
    found = [one for one in mine if one.suite in listed and query.get("check_name", one.name) == one.name]
    if query.get("filter", "latest") == "latest":
        found = list({(one.suite, one.name): one for one in found}.values())
    if "status" in query:
        found = [one for one in found if one.status == query["status"]]
    return [shapes.check_run(repo, one) for one in reversed(found)]


@route(f"GET {R}/commits/{{sha}}/pulls", needs="pull_requests:read", answers="PullRequestSimple", many=True)
def pulls_of_commit(request: Request) -> Any:
    repo = request.repo
    sha = commit_named(repo, request.params["sha"])
    found = [
        thread
        for thread in repo.pulls()
        if thread.pull
        and (
            thread.pull.merge_commit == sha
            or sha in repo.bare.between(thread.pull.base_sha, repo.head_of(thread))
        )
    ]
    return [shapes.pull_simple(repo, thread) for thread in found]


@route(f"GET {R}/commits/{{ref*}}", needs=READ, answers="Commit")
def get_commit(request: Request) -> Any:
    return shapes.commit(request.repo, commit_named(request.repo, request.params["ref"]), files=True)


@route(f"GET {R}/compare/{{basehead*}}", needs=READ, answers="CommitComparison")
def compare(request: Request) -> Any:
    repo = request.repo
    base, _, head = request.params["basehead"].partition("...")
    shas = [repo.bare.commit_of(name) for name in (base, head)]
    if shas[0] is None or shas[1] is None:
        raise ApiError(404, "Not Found")
    document = shapes.comparison(repo, shas[0], shas[1])
    hub_url, is_first = request.hub.url, request.query.get("page", "1") == "1"
    commits, link = pagination.page(hub_url, request.path, request.query, document["commits"], "")
    document |= {"commits": commits, "files": document["files"][:MOST_FILES] if is_first else []}
    return Answer(200, document, headers={"Link": link} if link else {})


@route(f"GET {R}/branches", needs=READ, answers="ShortBranch", many=True)
def list_branches(request: Request) -> Any:
    repo = request.repo
    refs = repo.bare.refs("refs/heads/")
    return [shapes.branch(repo, name.removeprefix("refs/heads/"), sha) for name, sha in refs.items()]


@route(f"GET {R}/branches/{{branch*}}/protection", needs="administration:read", answers="BranchProtection")
def get_protection(request: Request) -> Any:
    raise ApiError(404, "Branch not protected")


@route(f"GET {R}/branches/{{branch*}}", needs=READ, answers="BranchWithProtection")
def get_branch(request: Request) -> Any:
    name = request.params["branch"]
    sha = request.repo.bare.branch(name)
    if sha is None:
        raise ApiError(404, "Branch not found")
    return shapes.branch(request.repo, name, sha, whole=True)


@route(f"POST {R}/merges", needs=WRITE, body="ReposOwnerRepoMergesPostBody", answers="Commit", status=201)
def merge_branches(request: Request) -> Any:
    repo, body = request.repo, request.body
    base, head = repo.bare.branch(body["base"]), repo.bare.commit_of(body["head"])
    if base is None or head is None:
        raise ApiError(404, "Base does not exist" if base is None else "Head does not exist")
    if repo.bare.contains(base, head):
        return Answer(204)
    tree = repo.bare.merged_tree(base, head)
    if tree is None:
        raise ApiError(409, "Merge conflict")
    message = body.get("commit_message") or f"Merge {body['head']} into {body['base']}"
    sha = repo.bare.write_commit(tree, [base, head], message, person(request.token), request.hub.clock.now())
    repo.move(request.token, f"refs/heads/{body['base']}", sha, old=base)
    return shapes.commit(repo, sha)


# --- contents, written -----------------------------------------------------------------------------------


@route(
    f"PUT {R}/contents/{{path*}}",
    needs=WRITE,
    body="ReposOwnerRepoContentsPathPutBody",
    answers="FileCommit",
)
def put_contents(request: Request) -> Any:
    repo, body, path = request.repo, request.body, request.params["path"]
    branch = body.get("branch", repo.default_branch)
    head = repo.bare.branch(branch)
    if head is None:
        raise ApiError(404, f"Branch {branch} not found")
    old = repo.bare.object(f"{head}:{path}")
    if old and body.get("sha") != old[0]:
        raise ApiError(409 if body.get("sha") else 422, f"{path} does not match {body.get('sha', '')}")
    try:
        sha = repo.commit_on_branch(
            request.token, branch, head, body["message"], [(path, base64.b64decode(body["content"]))], []
        )
    except StaleHeadError as error:
        raise ApiError(409, error.message) from error
    return Answer(200 if old else 201, _file_commit(repo, path, sha))


def _file_commit(repo: Repo, path: str, sha: str) -> Json:
    found = repo.bare.object(f"{sha}:{path}")
    assert found is not None
    commit = {
        "sha": sha,
        "message": repo.bare.commit(sha).message,
        "url": shapes.url(repo, "git/commits", sha),
    }
    return build("FileCommit", content=shapes.content_file(repo, path, found[0]), commit=commit)
