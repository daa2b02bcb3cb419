"""REST: the repository itself, rulesets, what Actions may do, rate limit, who am I."""

from __future__ import annotations

from typing import Any

from tests.fakehub import shapes
from tests.fakehub.entities import TokenKind
from tests.fakehub.errors import ApiError
from tests.fakehub.routing import Request, route
from tests.fakehub.schemas import build

R = "/repos/{owner}/{repo}"
ADMIN = "administration:read"


@route(f"GET {R}", answers="FullRepository")
def get_repo(request: Request) -> Any:
    return shapes.repository(request.repo, "FullRepository", request.token)


@route(f"GET {R}/rulesets", answers="RepositoryRuleset", many=True)
def list_rulesets(request: Request) -> Any:
    return [shapes.ruleset(request.repo, one, request.token) for one in request.repo.rulesets]


@route(f"GET {R}/rulesets/{{ruleset}}", answers="RepositoryRuleset")
def get_ruleset(request: Request) -> Any:
    for one in request.repo.rulesets:
        if str(one.id) == request.params["ruleset"]:
            return shapes.ruleset(request.repo, one, request.token)
    raise ApiError(404, "Not Found")


@route(f"GET {R}/rules/branches/{{branch*}}")
def get_branch_rules(request: Request) -> Any:
    """Active rules of a branch. The schema has them as a union without a name, so they are not checked."""
    return shapes.branch_rules(request.repo, request.params["branch"])


@route(f"GET {R}/actions/permissions/workflow", needs=ADMIN, answers="ActionsGetDefaultWorkflowPermissions")
def workflow_permissions(request: Request) -> Any:
    return build(
        "ActionsGetDefaultWorkflowPermissions",
        default_workflow_permissions=request.repo.default_workflow_permissions,
        can_approve_pull_request_reviews=request.repo.actions_may_open_pulls,
    )


@route(f"GET {R}/actions/permissions", needs=ADMIN, answers="ActionsRepositoryPermissions")
def actions_permissions(request: Request) -> Any:
    return build(
        "ActionsRepositoryPermissions",
        enabled=True,
        allowed_actions="all",
        sha_pinning_required=request.repo.sha_pinning_required,
    )


@route("GET /user", answers="PublicUser")
def get_user(request: Request) -> Any:
    if request.token.kind is not TokenKind.USER:
        raise ApiError(403, "Resource not accessible by integration")
    return shapes.own_user(request.hub, request.token.account)


@route("GET /rate_limit", answers="RateLimitOverview")
def get_rate_limit(request: Request) -> Any:
    hub = request.hub
    used = hub.calls_made()
    core = {
        "limit": hub.rate_limit,
        "remaining": max(0, hub.rate_limit - used),
        "reset": int(hub.clock.time.timestamp()) + 3600,
        "used": used,
    }
    return {**build("RateLimitOverview", resources={"core": core}), "rate": core}
