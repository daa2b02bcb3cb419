"""The token that jobs work with: an App's or the run's own, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.doctor.facts import APP_ID, APP_KEY, Hidden, Permission, Who, World
from rollout.core.doctor.finding import Finding, cannot_tell, ok, problem, warning

_SET_APP = f"gh variable set {APP_ID} --body CLIENT_ID, then gh secret set {APP_KEY} < KEY.pem"
_MAY_OPEN = (
    "Settings > Actions > General > Workflow permissions: tick `Allow GitHub Actions to create and approve"
    " pull requests`"
)
_JOBS = "give the App, or the job's `permissions:`, "


def token_mode(world: World) -> Iterator[Finding]:
    """Whether what the tool does starts workflows."""
    topic, secrets = "token", world.settings.secrets
    if world.uses_app is None:
        fix = f"gh variable list shows whether {APP_ID} is set"
        yield cannot_tell(topic, "whether jobs use a GitHub App: variables are not shown to this token", fix)
        return
    has_key = None if isinstance(secrets, Hidden) else APP_KEY in secrets
    if world.uses_app and has_key is False:
        yield problem(topic, f"{APP_ID} is set and {APP_KEY} is not: each run fails", _SET_APP)
    elif world.uses_app:
        yield ok(topic, "jobs use a GitHub App: what the tool does starts workflows")
    elif has_key:
        yield warning(topic, f"{APP_KEY} is set and {APP_ID} is not: the App is not used", _SET_APP)
    else:
        says = "jobs use the run's own token: its commits start nothing, so each step waits for the schedule"
        yield warning(topic, says, f"a GitHub App (README, On GitHub): {_SET_APP}")


def permissions(world: World) -> Iterator[Finding]:
    """Whether the token may do what reconcile does."""
    held = world.settings.permissions
    if held is None:
        says = f"what a job's token may do cannot be seen with that of {world.settings.login}"
        fix = "rollout doctor in a job, with the token that reconcile gets"
        yield cannot_tell("permissions", says, fix)
        return
    missing = [name for name, may in held.items() if may is False]
    hidden = [name for name, may in held.items() if isinstance(may, Hidden)]
    if missing:
        yield problem("permissions", f"the token lacks {', '.join(missing)}", _JOBS + ", ".join(missing))
    if hidden:
        yield cannot_tell("permissions", f"not answered: {', '.join(hidden)}", "run it again later")
    if not missing and not hidden:
        yield ok("permissions", f"the token has {', '.join(Permission)}")


def pull_requests(world: World) -> Iterator[Finding]:
    """Whether promotions can be opened, and whether their checks run."""
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
    if isinstance(settings.may_open_pulls, Hidden):
        fix = "look at Settings > Actions > General > Workflow permissions"
        yield cannot_tell(topic, f"whether Actions may open them: {settings.may_open_pulls.why}", fix)
    else:
        yield ok(topic, "Actions may open them")
    if world.uses_app is False:
        says = (
            "checks of a promotion wait until a person approves their run, since a run's own token opens it"
        )
        yield warning(topic, says, "press `Approve and run workflows` on each, or use a GitHub App")


def product(world: World) -> Iterator[Finding]:
    """Whether the release commit and its checks can be read."""
    others = {train.product for train in world.trains} - {"", world.settings.repository}
    for name in sorted(others):
        if name not in world.settings.unseen:
            yield ok("product", f"{name} can be read")
        else:
            fix = f"install the App on {name}; set the secret ROLLOUT_PRODUCT_TOKEN to a token that reads it"
            who = "this token" if world.settings.who is not Who.RUN else "a run's own token"
            yield problem("product", f"{who} does not reach {name}", fix)
