"""REST: who may what, and what people do on issues: reactions, assignees, locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fakehub import shapes
from fakehub.entities import Access, Reaction
from fakehub.errors import ApiError
from fakehub.repo import Repo
from fakehub.routing import Answer, Request, route
from fakehub.schemas import build

R = "/repos/{owner}/{repo}"
EITHER_READ = "issues:read|pull_requests:read"
EITHER_WRITE = "issues:write|pull_requests:write"
REACTIONS = f"{R}/issues/comments/{{comment}}/reactions"


@route(f"GET {R}/collaborators/{{login}}/permission", answers="RepositoryCollaboratorPermission")
def collaborator_permission(request: Request) -> Any:
    login = request.params["login"]
    account = request.hub.known_account(login)
    if account is None:
        raise ApiError(404, f"{login} is not a user")
    word = request.repo.access_of(login).name.lower()
    return build(
        "RepositoryCollaboratorPermission",
        permission=word,
        role_name=word,
        user={**shapes.user(request.hub, account), "role_name": word},
    )


# --- reactions -------------------------------------------------------------------------------------------


@route(
    f"POST {REACTIONS}",
    needs=EITHER_WRITE,
    body="ReposOwnerRepoIssuesCommentsCommentIdReactionsPostBody",
    answers="Reaction",
    status=201,
)
def react(request: Request) -> Any:
    _, comment = request.repo.find_comment(request.params["comment"])
    content, account = request.body["content"], request.token.account
    for one in comment.reactions:
        if (one.author, one.content) == (account, content):
            return Answer(200, shapes.reaction(request.repo, one))
    made = Reaction(request.hub.next_id(), account, content, request.hub.clock.now())
    comment.reactions.append(made)
    return shapes.reaction(request.repo, made)


@route(f"GET {REACTIONS}", needs=EITHER_READ, answers="Reaction", many=True)
def list_reactions(request: Request) -> Any:
    _, comment = request.repo.find_comment(request.params["comment"])
    return [shapes.reaction(request.repo, one) for one in comment.reactions]


# --- assignees and locks ---------------------------------------------------------------------------------


def assignable(repo: Repo, logins: Sequence[str]) -> list[str]:
    """Returns the logins. Raises ApiError 422 for somebody who cannot be assigned."""
    for login in logins:
        if repo.access_of(login) < Access.READ:
            raise ApiError.invalid("Issue", "assignees", f"{login} cannot be assigned")
    return list(logins)


@route(f"GET {R}/assignees/{{login}}", needs="metadata:read", status=204)
def is_assignable(request: Request) -> Any:
    if request.repo.access_of(request.params["login"]) < Access.READ:
        raise ApiError(404, "Not Found")


@route(f"PUT {R}/issues/{{number}}/lock", needs=EITHER_WRITE, status=204)
def lock(request: Request) -> Any:
    request.repo.thread(request.params["number"]).locked = True


@route(f"DELETE {R}/issues/{{number}}/lock", needs=EITHER_WRITE, status=204)
def unlock(request: Request) -> Any:
    request.repo.thread(request.params["number"]).locked = False
