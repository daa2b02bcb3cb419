"""Metrics: the workflow that asks their servers, and the secrets that it hands to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollout.core.doctor.facts import METRICS_ENVIRONMENT, Environment, UnknownFact, Workflow, World
from rollout.core.doctor.finding import Finding, cannot_tell, ok, problem, warning
from rollout.core.doctor.tokens import make_environment
from rollout.core.workflow_pin import LOCAL, METRICS_WORKFLOW, WORKFLOWS

_TOPIC = "metrics"


def metrics(world: World) -> Iterator[Finding]:
    """Yields whether metrics can be read, where a contract has any, and a workflow that nothing needs."""
    measuring = [train for train in world.trains if train.measures]
    if not measuring:
        yield from _unneeded(world)
        return
    names = ", ".join(train.name for train in measuring)
    secrets = sorted({name for train in measuring for name in train.variables})
    found = [*_workflow(world, names, secrets), *_secrets(world, secrets)]
    yield from found
    if not found:
        held = f"{', '.join(secrets)} of {METRICS_ENVIRONMENT}" if secrets else "no secrets"
        yield ok(_TOPIC, f"{METRICS_WORKFLOW} reads those of {names} with {held}")


def _flow(world: World) -> Workflow | None:
    return next((flow for flow in world.settings.workflows if flow.name == METRICS_WORKFLOW), None)


def _unneeded(world: World) -> Iterator[Finding]:
    flow, are_known = _flow(world), bool(world.trains) and not any(train.problem for train in world.trains)
    if flow is None or not are_known or LOCAL in flow.uses:  # the tool's own repository hands it out
        return
    does = f"hands on {', '.join(sorted(flow.secrets))}" if flow.secrets else "is there"
    says = f"{METRICS_WORKFLOW} {does}, and no contract has metrics"
    main = world.settings.default_branch
    yield warning(_TOPIC, says, f"git rm {WORKFLOWS}/{METRICS_WORKFLOW}, and merge that to {main}")


def _workflow(world: World, trains: str, secrets: Sequence[str]) -> Iterator[Finding]:
    main = world.settings.default_branch
    flow = _flow(world)
    if flow is None:
        says = f"{METRICS_WORKFLOW}: not on {main}, so no metrics of {trains} are read"
        yield problem(_TOPIC, says, f"rollout init --workflows, and merge it to {main}")
        return
    lacking = [name for name in secrets if name not in flow.secrets]
    if lacking:
        says = f"{METRICS_WORKFLOW} is older than the contract: it does not hand on {', '.join(lacking)}"
        yield problem(_TOPIC, says, f"rollout init --workflows --update, and merge it to {main}")


def _secrets(world: World, secrets: Sequence[str]) -> Iterator[Finding]:
    environment, shared = world.settings.metrics_environment, world.settings.secrets
    inside = environment.secrets if isinstance(environment, Environment) else frozenset()
    outside = frozenset() if isinstance(shared, UnknownFact) else shared
    missing = [name for name in secrets if name not in inside | outside]
    exposed = [name for name in secrets if name in outside]
    if missing and (isinstance(environment, UnknownFact) or isinstance(shared, UnknownFact)):
        says = f"whether {METRICS_ENVIRONMENT} holds {', '.join(missing)}: not shown to this token"
        yield cannot_tell(_TOPIC, says, _set(world, missing))
    elif missing:
        lacks = "lacks" if environment else "is missing, which holds"
        says = f"the environment {METRICS_ENVIRONMENT} {lacks} {', '.join(missing)}"
        yield problem(_TOPIC, f"{says}: what they open stays unknown", _set(world, missing))
    if exposed and not _lacks_environment_secrets(world):
        says = f"whoever may push a branch can read {', '.join(exposed)}: secrets of the whole repository"
        delete = ", then ".join(f"gh secret delete {name}" for name in exposed)
        yield warning(_TOPIC, says, f"{_set(world, exposed)}, then {delete}")


def _set(world: World, secrets: Sequence[str]) -> str:
    """Returns the commands that set them."""
    if _lacks_environment_secrets(world):
        return ", then ".join(f"gh secret set {name}" for name in secrets)
    first = make_environment(METRICS_ENVIRONMENT, world.settings.metrics_environment)
    sets = ", then ".join(f"gh secret set {name} --env {METRICS_ENVIRONMENT}" for name in secrets)
    return f"{first}{sets}"


def _lacks_environment_secrets(world: World) -> bool:
    """Returns whether the plan has none in private repositories, as it has no rules."""
    rules = world.settings.rules
    return isinstance(rules, UnknownFact) and rules.plan
