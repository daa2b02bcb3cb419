"""The token that jobs work with: an App's or the run's own, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.doctor.facts import (
    APP_ID,
    APP_KEY,
    ENVIRONMENT,
    Environment,
    JobPermission,
    UnknownFact,
    Who,
    World,
)
from rollout.core.doctor.finding import Finding, cannot_tell, ok, problem, warning

_MAY_OPEN = (
    "Settings > Actions > General > Workflow permissions: tick `Allow GitHub Actions to create and approve"
    " pull requests`"
)


def _set_key(world: World) -> str:
    """Returns how to set the key. A plan without rules has no secrets of environments either."""
    rules = world.settings.rules
    if isinstance(rules, UnknownFact) and rules.plan:
        return f"gh secret set {APP_KEY} < KEY.pem"
    first = make_environment(ENVIRONMENT, world.settings.environment)
    return f"{first}gh secret set {APP_KEY} --env {ENVIRONMENT} < KEY.pem"


def make_environment(name: str, found: Environment | UnknownFact | None) -> str:
    """Returns the command that has to come before a secret of an environment; empty where the environment is
    there.

    On one that is there it would take its rules away.
    """
    if isinstance(found, Environment):
        return ""
    condition = f" (only where there is no environment {name})" if found is not None else ""
    return f"gh api -X PUT repos/{{owner}}/{{repo}}/environments/{name}{condition}, then "


def _set_app(world: World) -> str:
    return f"gh variable set {APP_ID} --body CLIENT_ID, then {_set_key(world)}"


def token_mode(world: World) -> Iterator[Finding]:
    """Yields whether what the tool does starts workflows, and who else can get at the App's key."""
    topic = "token"
    if world.uses_app is None:
        fix = f"gh variable list shows whether {APP_ID} is set"
        yield cannot_tell(topic, "whether jobs use a GitHub App: variables are not shown to this token", fix)
    elif world.uses_app:
        yield from _key(world)
    elif _has_key(world):
        yield warning(topic, f"{APP_KEY} is set and {APP_ID} is not: the App is not used", _set_app(world))
    else:
        says = "jobs use the run's own token: its commits start nothing, so each step waits for the schedule"
        yield warning(topic, says, f"a GitHub App (docs/github.md of rollout): {_set_app(world)}")


def _key(world: World) -> Iterator[Finding]:
    held, environment = _has_key(world), world.settings.environment
    if held is False:
        yield problem("token", f"{APP_ID} is set and {APP_KEY} is not: each run fails", _set_app(world))
        return
    yield ok("token", "jobs use a GitHub App: what the tool does starts workflows")
    rules = world.settings.rules
    if isinstance(rules, UnknownFact) and rules.plan:
        return
    if not isinstance(world.settings.secrets, UnknownFact) and APP_KEY in world.settings.secrets:
        says = f"whoever may push a branch can read {APP_KEY}: it is a secret of the whole repository"
        yield warning("App key", says, f"{_set_key(world)}, then gh secret delete {APP_KEY}")
    if environment is None or isinstance(environment, UnknownFact) or APP_KEY not in environment.secrets:
        return
    if environment.restricted:
        yield ok("App key", f"it is in the environment {ENVIRONMENT}, which only some branches may use")
    else:
        branches = ", ".join(world.job_branches)
        fix = f"Settings > Environments > {ENVIRONMENT} > Deployment branches: only {branches}"
        yield warning(
            "App key", f"every branch may use the environment {ENVIRONMENT}, so a pushed one can", fix
        )


def _has_key(world: World) -> bool | None:
    """Returns whether the key is set; None when this token may not see the places where it can be."""
    secrets, environment = world.settings.secrets, world.settings.environment
    shown = environment.secrets if isinstance(environment, Environment) else frozenset()
    known = shown | (frozenset() if isinstance(secrets, UnknownFact) else secrets)
    if APP_KEY in known:
        return True
    return None if isinstance(secrets, UnknownFact) or isinstance(environment, UnknownFact) else False


def permissions(world: World) -> Iterator[Finding]:
    """Yields whether the token may do what reconcile does."""
    held = world.settings.permissions
    if held is None:
        says = f"what a job's token may do cannot be seen with that of {world.settings.login}"
        fix = "gh workflow run rollout-doctor.yml: it asks with the token that reconcile gets"
        yield cannot_tell("permissions", says, fix)
        return
    asked = {one for workflow in world.settings.workflows for one in workflow.asks}
    needed = [name for name in held if name in asked or not asked]
    missing = [name for name in needed if held[name] is False]
    hidden: dict[str, list[JobPermission]] = {}
    for name in needed:
        if isinstance(why := held[name], UnknownFact):
            hidden.setdefault(why.fix or "run it again later", []).append(name)
    if missing:
        yield problem("permissions", f"the token lacks {', '.join(missing)}", _grant(world, missing))
    for fix, names in hidden.items():
        yield cannot_tell("permissions", f"not answered: {', '.join(names)}", fix)
    if not missing and not hidden:
        yield ok("permissions", f"the token has {', '.join(needed)}")


def _grant(world: World, missing: list[JobPermission]) -> str:
    """Returns how to grant it. An App's new permissions count once the installation accepts them."""
    names = ", ".join(missing)
    if world.settings.who is not Who.APP:
        return f"give the job's `permissions:` {names}"
    app = world.settings.login.removesuffix("[bot]")
    return (
        f"Settings > Developer settings > GitHub Apps > {app} > Permissions & events: {names};"
        f" then accept them in Settings > GitHub Apps > {app} > Configure"
    )


def pull_requests(world: World) -> Iterator[Finding]:
    """Yields whether promotions can be opened, and whether their checks run."""
    topic, settings = "pull requests", world.settings
    if world.uses_app:
        yield ok(topic, "opened by the App: their checks run at once")
        return
    if settings.may_open_pulls is False and world.uses_app is None:
        yield warning(
            topic, "Actions may not open them: fine with an App, else promotions never are", _MAY_OPEN
        )
        return
    if settings.may_open_pulls is False:
        yield problem(topic, "Actions may not open pull requests: no promotion is ever proposed", _MAY_OPEN)
        return
    if isinstance(settings.may_open_pulls, UnknownFact):
        fix = "look at Settings > Actions > General > Workflow permissions"
        yield cannot_tell(topic, f"whether Actions may open them: {settings.may_open_pulls.why}", fix)
    else:
        yield ok(topic, "Actions may open them")
    if world.uses_app is False:
        says = (
            "checks of a promotion wait until a person approves their run, since a run's own token opens it"
        )
        yield warning(topic, says, "click `Approve workflows to run` on each, or use a GitHub App")


def product(world: World) -> Iterator[Finding]:
    """Yields whether the release commit and its checks can be read."""
    others = {train.product for train in world.trains} - {"", world.settings.repository}
    for name in sorted(others):
        hidden = world.settings.unseen.get(name)
        if hidden is None:
            yield ok("product", f"{name} can be read")
        elif hidden.passing:
            yield cannot_tell("product", f"whether {name} can be read: {hidden.why}", "run it again later")
        elif hidden.fix:
            says = hidden.why.removesuffix(f"; {hidden.fix}")
            yield problem("product", f"{name} cannot be read: {says}", hidden.fix)
        else:
            fix = f"install the App on {name}; set ROLLOUT_PRODUCT_TOKEN in the environment rollout-product"
            who = "this token" if world.settings.who is not Who.RUN else "a run's own token"
            yield problem("product", f"{who} does not reach {name}", fix)
