"""What keeps jobs from their work: actions that are not allowed, environments that let nobody in at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from rollout.core.doctor.facts import (
    ENVIRONMENT,
    METRICS_ENVIRONMENT,
    PRODUCT_ENVIRONMENT,
    PRODUCT_KEY,
    Actions,
    AllowList,
    Environment,
    UnknownFact,
    World,
)
from rollout.core.doctor.finding import Finding, cannot_tell, ok, problem
from rollout.core.doctor.tokens import make_environment
from rollout.core.text import inert
from rollout.core.workflow_pin import FOLDER, NESTED

_BY_GITHUB = ("actions/", "github/")
_GENERAL = "Settings > Actions > General > Actions permissions"


def allowed_actions(world: World) -> Iterator[Finding]:
    """Yields whether workflows may use what they name; a run with one action that is not allowed does not
    begin.
    """
    topic, actions = "allowed actions", world.settings.actions
    if isinstance(actions, UnknownFact) or not actions.enabled or actions.allowed == "all":
        return
    used = _used(world)
    owner = world.settings.repository.partition("/")[0]
    refused = [one for one in used if _is_allowed(one, actions, owner) is False]
    untold = [one for one in used if _is_allowed(one, actions, owner) is None]
    if refused:
        says = f"{', '.join(refused)} may not be used ({actions.allowed}): runs that use it do not begin"
        patterns = ", ".join(f"{one.partition('@')[0]}@*" for one in refused)
        fix = f"{_GENERAL}: allow {patterns}; where that is greyed out, in the organization's settings"
        yield problem(topic, says, fix)
    if untold:
        says = f"whether {', '.join(untold)} may be used: the list of allowed ones is not shown to this token"
        yield cannot_tell(topic, says, f"look at {_GENERAL}")
    if used and not refused and not untold:
        yield ok(topic, f"all that workflows use are allowed ({actions.allowed})")


def _used(world: World) -> list[str]:
    """Returns actions of other repositories, each as `owner/name/path@ref`;
    of what the tool's own uses, `@*`.
    """
    flows = (*world.settings.workflows, *world.settings.on_state_branch)
    every = {one for flow in flows for one in flow.uses}
    uses = {one for one in every if not one.startswith(("./", "$/", "docker://"))}
    calls_tool = any(one.partition("@")[0].endswith(f"/{FOLDER}") for one in every)
    known = {one.partition("@")[0] for one in uses}
    return sorted(uses | {f"{one}@*" for one in NESTED if calls_tool and one not in known})


def _is_allowed(used: str, actions: Actions, owner: str) -> bool | None:
    """Returns whether it is allowed, None when that is hidden. What `owner` has itself is always allowed.

    Source: GitHub's documentation, "Managing GitHub Actions settings for a repository".
    """
    is_own = used.lower().startswith(f"{owner.lower()}/")
    if actions.allowed != "selected" or (is_own and not isinstance(actions.selected, AllowList)):
        return is_own
    if not isinstance(actions.selected, AllowList):
        return None
    verdict = is_own or (actions.selected.by_github and used.startswith(_BY_GITHUB))
    for pattern in actions.selected.patterns:
        wanted = pattern.removeprefix("!")
        if used.endswith("@*"):
            wanted = wanted.partition("@")[0]  # which version the tool's own action takes is not known
        if fnmatchcase(used.lower(), wanted.lower() if "@" in wanted else f"{wanted.lower()}@*"):
            if pattern.startswith("!"):
                return False
            verdict = True
    return verdict


def environments(world: World) -> Iterator[Finding]:
    """Yields whether somebody has to let each job in, every ten minutes."""
    of = {
        ENVIRONMENT: world.settings.environment,
        PRODUCT_ENVIRONMENT: world.settings.product_environment,
        METRICS_ENVIRONMENT: world.settings.metrics_environment,
    }
    for name, environment in of.items():
        if isinstance(environment, Environment):
            yield from _environment(name, environment)
            needed = world.job_branches if name == ENVIRONMENT else (world.settings.default_branch,)
            yield from _lets_in(name, environment, needed)


def _environment(name: str, environment: Environment) -> Iterator[Finding]:
    topic, where = "environment", f"Settings > Environments > {name}"
    more = "" if name == METRICS_ENVIRONMENT else ", those of a rollback too"
    if environment.reviewers:
        who = ", ".join(environment.reviewers)
        says = f"each job in {name} waits until {who} approves it{more}"
        yield problem(topic, says, f"{where} > Required reviewers: untick; a merge is what approves")
    if environment.wait_minutes:
        says = f"each job in {name} waits {environment.wait_minutes} minutes{more}"
        yield problem(topic, says, f"{where} > Wait timer: untick")


def _lets_in(name: str, environment: Environment, needed: Sequence[str]) -> Iterator[Finding]:
    """Yields whether the branches whose runs use it may."""
    where, allowed = f"Settings > Environments > {name} > Deployment branches", environment.branches
    if isinstance(allowed, UnknownFact):
        says = f"whether {name} lets {', '.join(needed)} in: {allowed.why}"
        yield cannot_tell("environment", says, f"{where}: selected branches, {', '.join(needed)}")
    elif allowed is not None:
        out = [branch for branch in needed if not any(_fits(branch, pattern) for pattern in allowed)]
        for branch in out:
            says = f"{name} lets {', '.join(map(inert, allowed)) or 'no branch'} in, and not {branch}"
            command = f"gh api repos/{{owner}}/{{repo}}/environments/{name}/deployment-branch-policies"
            fix = f"{command} -f name={branch}"
            more = "" if name == METRICS_ENVIRONMENT else ", those of a rollback too"
            yield problem("environment", f"{says}: its jobs fail{more}", fix)


def _fits(branch: str, pattern: str) -> bool:
    """Matches as GitHub does, by Ruby's File.fnmatch with FNM_PATHNAME: a `*` stops at a slash."""
    parts = re.split(r"(\*\*/|\*+|\?|\[\w+\])", pattern)
    known = {"**/": "(?:[^/]+/)*", "?": "[^/]"}
    marks = (known.get(part, "[^/]*" if part.startswith("*") else part) for part in parts[1::2])
    texts = [re.escape(part) for part in parts[::2]]
    whole = texts[0] + "".join(mark + text for mark, text in zip(marks, texts[1:], strict=True))
    return re.fullmatch(whole, branch) is not None


def product_secret(world: World) -> Iterator[Finding]:
    """Yields whether the job that runs a private product elsewhere can check it out, and that it can be
    written.
    """
    products, environment = world.settings.products, world.settings.product_environment
    for name, product in sorted(products.items()):
        if product.archived:
            says = f"{name} is archived: no revert can be proposed there"
            yield problem("product", says, f"{name}: Settings > General > Danger Zone: unarchive it")
    private = [name for name, product in sorted(products.items()) if product.private]
    secrets = world.settings.secrets
    if not private or isinstance(environment, UnknownFact) or isinstance(secrets, UnknownFact):
        return
    held = secrets | (environment.secrets if environment else frozenset())
    if PRODUCT_KEY not in held:
        says = f"{', '.join(private)}: private, and {PRODUCT_KEY} is not set: no job can check it out"
        first = make_environment(PRODUCT_ENVIRONMENT, environment)
        fix = f"{first}gh secret set {PRODUCT_KEY} --env {PRODUCT_ENVIRONMENT}"
        yield problem("product token", says, f"{fix}: a token with contents: read of it")
