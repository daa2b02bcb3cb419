"""Workflows: are they there and enabled, does the schedule keep up, is what they call pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from rollout.core.doctor.cron import Rhythm, rhythm
from rollout.core.doctor.facts import IN_FORK, Settings, UnknownFact, Workflow, World
from rollout.core.doctor.finding import Finding, cannot_tell, ok, problem, warning
from rollout.core.text import inert
from rollout.core.values import format_duration, format_instant
from rollout.core.workflow_pin import (
    CHECK_WORKFLOW,
    CLOSED_WORKFLOW,
    COLLECT_WORKFLOW,
    FOLDER,
    RECONCILE_WORKFLOW,
    SCHEDULE_WORKFLOW,
    why_disabled,
)

NEEDED = (
    COLLECT_WORKFLOW,
    RECONCILE_WORKFLOW,
    "rollout-rollback.yml",
    SCHEDULE_WORKFLOW,
    "rollout-start.yml",
)
NEEDED_WITH_STATE = (CHECK_WORKFLOW, CLOSED_WORKFLOW)
"""On the branch that carries state: GitHub takes them from there for its pushes and pull requests."""
_PINNED = re.compile(r"(\./|\$/).*|.+@[0-9a-f]{40}|docker://.+@sha256:[0-9a-f]{64}")
_OUTSIDE = (
    "start it from a scheduler of your own: POST /repos/{0}/dispatches with event_type rollout-reconcile;"
    " or raise sampling.max_gap in the contract"
)
_LEAST_MINUTES = 5
_DEAD_AFTER = timedelta(hours=24)


def installed(world: World) -> Iterator[Finding]:
    """Yields whether the default branch has the workflows, switched on."""
    topic, settings = "workflows", world.settings
    if not isinstance(settings.actions, UnknownFact) and not settings.actions.enabled:
        yield problem(topic, "Actions are switched off", "Settings > Actions > General: allow all actions")
        return
    there = {workflow.name: workflow for workflow in settings.workflows}
    needed = NEEDED if world.has_own_branch else (CHECK_WORKFLOW, *NEEDED)
    missing = [name for name in needed if name not in there]
    if missing:
        says = f"{', '.join(missing)}: not on {settings.default_branch}, the only branch whose schedules run"
        yield problem(topic, says, f"rollout init --workflows, and merge it to {settings.default_branch}")
    yield from _on_state_branch(world)
    flows = {flow.name: flow for flow in (*settings.on_state_branch, *settings.workflows)}
    off = [flow for flow in flows.values() if flow.is_disabled]
    yield from (_switched_off(flow) for flow in off)
    if any(not workflow.state for workflow in settings.workflows):
        yield cannot_tell(topic, "whether they are enabled: this token may not ask", "gh workflow list --all")
    elif not missing and not off:
        yield ok(topic, f"all are on {settings.default_branch} and enabled")


def _on_state_branch(world: World) -> Iterator[Finding]:
    branch, there = world.state_branch, {workflow.name for workflow in world.settings.on_state_branch}
    missing = [name for name in NEEDED_WITH_STATE if name not in there]
    if world.has_own_branch and not world.branch_problem and missing:
        says = f"{', '.join(missing)}: not on {branch}, whose pull requests and pushes need them there"
        yield problem("workflows", says, f"rollout init --workflows, then git push origin {branch}")


def _in_fork(settings: Settings) -> Iterator[Finding]:
    fix = f"where this fork releases: gh variable set {IN_FORK} --body true"
    if isinstance(settings.variables, UnknownFact):
        yield cannot_tell("schedule", f"whether {IN_FORK} lets this fork run by itself", fix)
    elif settings.variables.get(IN_FORK, "").lower() != "true":  # `==` in a workflow ignores case
        says = "the repository is a fork: its scheduled and pushed runs do nothing"
        if IN_FORK in settings.variables:
            says = f"{says} where {IN_FORK} is {inert(settings.variables[IN_FORK])!r}"
        yield problem("schedule", says, fix)


def _switched_off(workflow: Workflow) -> Finding:
    says = f"{workflow.name} was disabled {why_disabled(workflow.state)}"
    return problem("workflows", says, f"gh workflow enable {workflow.name}")


def schedule(world: World, now: datetime) -> Iterator[Finding]:
    """Yields whether scheduled runs come as often as soak needs."""
    topic, settings, planned_by = "schedule", world.settings, world.schedule
    if planned_by is None or planned_by.is_disabled:
        return
    if not planned_by.crons:
        yield warning(topic, f"{SCHEDULE_WORKFLOW} has no schedule", "see that something dispatches it")
        return
    if settings.fork:
        yield from _in_fork(settings)
    planned = rhythm(planned_by.crons)
    if planned is None:
        says = f"{SCHEDULE_WORKFLOW} does not run every week alike: {', '.join(planned_by.crons)}"
        yield cannot_tell(topic, says, "compare it with max_gap of the contract yourself")
        return
    gap = min((train.max_gap for train in world.trains if train.max_gap), default=0)
    yield from _planned(planned, gap)
    if isinstance(settings.runs, UnknownFact):
        yield cannot_tell(
            topic, f"when it last ran: {settings.runs.why}", f"gh run list --workflow {SCHEDULE_WORKFLOW}"
        )
    elif not settings.runs:
        fix = f"wait some hours, or gh workflow run {SCHEDULE_WORKFLOW}"
        yield cannot_tell(topic, "no scheduled run yet: GitHub begins minutes to hours after a merge", fix)
    else:
        yield from _kept(settings.runs, planned, gap, now, _OUTSIDE.format(settings.repository))


def _planned(planned: Rhythm, gap: int) -> Iterator[Finding]:
    if planned.shortest_hole < _LEAST_MINUTES:
        says = f"it asks for runs {planned.shortest_hole} minutes apart, and GitHub gives one in 5"
        yield warning("schedule", says, f"a cron with 5 minutes or more between runs in {SCHEDULE_WORKFLOW}")
    if gap and planned.longest_hole * 60 > gap:
        says = f"runs are up to {format_duration(planned.longest_hole * 60)} apart, and more than "
        says += f"{format_duration(gap)} between observations earns no soak"
        fix = f"a shorter cron in {SCHEDULE_WORKFLOW}, or a longer sampling.max_gap"
        yield problem("schedule", says, fix)


def _kept(
    runs: tuple[datetime, ...], planned: Rhythm, gap: int, now: datetime, outside: str
) -> Iterator[Finding]:
    topic, silent = "schedule", now - runs[0]
    last = f"the last scheduled run was at {format_instant(runs[0])}"
    if silent > max(_DEAD_AFTER, timedelta(minutes=3 * planned.longest_hole)):
        says, enable = f"{last}, {_days_and_hours(silent)} ago", f"gh workflow enable {SCHEDULE_WORKFLOW}"
        yield problem(topic, says, f"{enable}; {outside}")
        return
    holes = [silent, *(later - earlier for later, earlier in pairwise(runs))]
    longest = int(max(holes).total_seconds()) // 60 * 60
    if gap and longest > gap:
        says = f"of the last {len(runs)} scheduled runs two were {format_duration(longest)} apart"
        says += f": more than {format_duration(gap)} earns no soak"
        yield warning(topic, says, outside)
    else:
        yield ok(topic, f"{last}; at most {format_duration(longest)} between the last {len(runs)}")


def _days_and_hours(span: timedelta) -> str:
    hours = int(span.total_seconds()) // 3600
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def pins(world: World) -> Iterator[Finding]:
    """Yields whether code that runs beside a write token can change under its name."""
    workflows = (*world.settings.workflows, *world.settings.on_state_branch)
    loose = [(flow.name, one) for flow in workflows for one in flow.uses if not _PINNED.fullmatch(one)]
    for name, used in dict(reversed(loose)).items():
        fix = f"uses: {used.split('@')[0]}@SHA, the commit's whole id, with the version as a comment"
        yield problem(
            "pins", f"{name}: {used} is not pinned by a commit: its owner can change what runs", fix
        )
    if workflows and not loose:
        yield ok("pins", "every action is pinned by a commit's whole id")
    if world.has_own_branch:
        yield from _other_pins(world)


def _other_pins(world: World) -> Iterator[Finding]:
    """Yields a state branch on which another rollout judges than the one that decides."""
    here, there = _tools(world.settings.workflows), _tools(world.settings.on_state_branch)
    if here and there and here != there:
        says = f"{world.state_branch} calls {', '.join(sorted(there))}"
        says += f", and {world.settings.default_branch} {', '.join(sorted(here))}"
        fix = "rollout init --workflows --update --action OWNER/REPO@SHA, and push both branches"
        yield warning("pins", says, fix)


def _tools(workflows: tuple[Workflow, ...]) -> set[str]:
    """Returns each rollout that they call, as `owner/name@commit` with the commit cut short."""
    used = (one for workflow in workflows for one in workflow.uses)
    calls = (one.split(f"/{FOLDER}@") for one in used if f"/{FOLDER}@" in one)
    return {f"{repository}@{commit[:12]}" for repository, commit in calls}
