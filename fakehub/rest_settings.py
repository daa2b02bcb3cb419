"""REST: the repository itself, rulesets, what Actions may do, rate limit, who am I."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fakehub import shapes
from fakehub.entities import Environment, TokenKind
from fakehub.errors import ApiError
from fakehub.routing import Request, route
from fakehub.schemas import build, stamp

R = "/repos/{owner}/{repo}"
ADMIN = "administration:read"


@route(f"GET {R}", answers="FullRepository")
def get_repo(request: Request) -> Any:
    return shapes.repository(request.repo, "FullRepository", request.token)


@route(f"GET {R}/rulesets", answers="RepositoryRuleset", many=True)
def list_rulesets(request: Request) -> Any:
    return [shapes.ruleset(request.repo, one, request.token) for one in request.repo.rulesets]


def _need_plan(request: Request) -> None:
    """Raises as a free plan does, with its words (github/branch-deploy#345)."""
    if not request.repo.has_rulesets:
        what = "Upgrade to GitHub Pro or make this repository public to enable this feature."
        raise ApiError(403, what)


@route(f"GET {R}/rulesets/{{ruleset}}", answers="RepositoryRuleset")
def get_ruleset(request: Request) -> Any:
    _need_plan(request)
    for one in request.repo.rulesets:
        if str(one.id) == request.params["ruleset"]:
            return shapes.ruleset(request.repo, one, request.token)
    raise ApiError(404, "Not Found")


@route(f"GET {R}/rules/branches/{{branch*}}")
def get_branch_rules(request: Request) -> Any:
    """Lists active rules of a branch, which need not exist.
    The schema has them as a union without a name, so they are not checked.
    """
    _need_plan(request)
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
        allowed_actions=request.repo.allowed_actions,
        sha_pinning_required=request.repo.sha_pinning_required,
    )


@route(f"GET {R}/actions/permissions/selected-actions", needs=ADMIN, answers="SelectedActions")
def selected_actions(request: Request) -> Any:
    if request.repo.allowed_actions != "selected":
        raise ApiError(409, "Conflict")
    patterns = list(request.repo.selected_actions)
    return build(
        "SelectedActions", github_owned_allowed=True, verified_allowed=False, patterns_allowed=patterns
    )


def _variables(request: Request, given: Mapping[str, str]) -> Any:
    at = stamp(request.hub.started)
    return [
        build("ActionsVariable", name=name, value=value, created_at=at, updated_at=at)
        for name, value in given.items()
    ]


@route(
    f"GET {R}/actions/variables",
    needs="variables:read",
    answers="ReposOwnerRepoActionsVariablesGetResponse200",
    wrap="variables",
)
def list_variables(request: Request) -> Any:
    return _variables(request, request.hub.engine.variables)


@route(f"GET {R}/actions/variables/{{name}}", needs="variables:read", answers="ActionsVariable")
def get_variable(request: Request) -> Any:
    """Returns the repository's own variable (REST reference, "Get a repository variable")."""
    name, known = request.params["name"], request.hub.engine.variables
    if name not in known:
        raise ApiError(404, "Not Found")
    return _variables(request, {name: known[name]})[0]


@route(
    f"GET {R}/actions/organization-variables",
    needs="variables:read",
    answers="ReposOwnerRepoActionsOrganizationVariablesGetResponse200",
    wrap="variables",
)
def list_organization_variables(request: Request) -> Any:
    if request.repo.organization_variables is None:
        raise ApiError(404, "Not Found")
    return _variables(request, request.repo.organization_variables)


def _secrets(request: Request, names: Iterable[str]) -> Any:
    at = stamp(request.hub.started)
    return [build("ActionsSecret", name=name, created_at=at, updated_at=at) for name in names]


@route(
    f"GET {R}/actions/secrets",
    needs="secrets:read",
    answers="ReposOwnerRepoActionsSecretsGetResponse200",
    wrap="secrets",
)
def list_secrets(request: Request) -> Any:
    elsewhere = {name for one in request.repo.environments.values() for name in one.secrets}
    return _secrets(request, sorted(request.hub.engine.secrets.keys() - elsewhere))


@route(
    f"GET {R}/actions/organization-secrets",
    needs="secrets:read",
    answers="ReposOwnerRepoActionsOrganizationSecretsGetResponse200",
    wrap="secrets",
)
def list_organization_secrets(request: Request) -> Any:
    return _secrets(request, ())


def _environment(request: Request) -> Environment:
    found = request.repo.environments.get(request.params["environment"])
    if found is None:
        raise ApiError(404, "Not Found")
    return found


@route(f"GET {R}/environments/{{environment}}", needs="actions:read", answers="Environment")
def get_environment(request: Request) -> Any:
    found = _environment(request)
    policy = {"protected_branches": found.protected_only, "custom_branch_policies": not found.protected_only}
    return build(
        "Environment",
        id=1,
        name=request.params["environment"],
        deployment_branch_policy=policy if found.restricted else None,
        protection_rules=_protection_rules(request, found),
    )


def _protection_rules(request: Request, found: Environment) -> list[Any]:
    rules: list[Any] = [{"id": 1, "node_id": "GA_1", "type": "branch_policy"}] if found.restricted else []
    if found.wait_minutes:
        rules.append({"id": 2, "node_id": "GA_2", "type": "wait_timer", "wait_timer": found.wait_minutes})
    if found.reviewers:
        people = [request.hub.account(login) for login in found.reviewers]
        asked = [{"type": "User", "reviewer": shapes.user(request.hub, one)} for one in people]
        rules.append({"id": 3, "node_id": "GA_3", "type": "required_reviewers", "reviewers": asked})
    return rules


@route(
    f"GET {R}/environments/{{environment}}/deployment-branch-policies",
    needs="actions:read",
    answers="ReposOwnerRepoEnvironmentsEnvironmentNameDeploymentBranchPoliciesGetResponse200",
    wrap="branch_policies",
)
def list_branch_policies(request: Request) -> Any:
    names = _environment(request).branches or ("**/*",)
    return [build("DeploymentBranchPolicy", id=number, name=name) for number, name in enumerate(names, 1)]


@route(
    f"GET {R}/environments/{{environment}}/secrets",
    needs="environments:read",
    answers="ReposOwnerRepoEnvironmentsEnvironmentNameSecretsGetResponse200",
    wrap="secrets",
)
def list_environment_secrets(request: Request) -> Any:
    return _secrets(request, sorted(_environment(request).secrets))


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
