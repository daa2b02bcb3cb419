"""A rollback in sentences: what a person has to do about it, and where each of its steps stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rollout.core.contract import RollbackStep
from rollout.core.decide.requests import may_try_again
from rollout.core.rollback.revert_step import revert_of, waits_for_merge
from rollout.core.rollback.validation import NOT_CHECKED
from rollout.core.rollback.work import has_failed
from rollout.core.state import (
    Incident,
    IncidentStep,
    Outcome,
    Request,
    RollbackJoin,
    Rollout,
    StepState,
    TrainState,
    Work,
)
from rollout.rendering.by_hand import PERFORM, left_to_people
from rollout.rendering.gates import Style, clock_time, no_style, release_name
from rollout.rendering.inert import line


def target_by_hand(rollout: Rollout) -> str:
    """Returns why the version to return to is to be looked at; empty where a command recorded it."""
    target = rollout.rollback_target
    if target is None or target.by_hand is None:
        return ""
    return (
        f"a rollback returns to {release_name(target.version)}, which a person wrote into channel.yaml in"
        f" {target.by_hand[:10]}; if that is wrong: rollout withdraw, and start again with --rollback-to V"
    )


TITLES = {step: step.label for step in RollbackStep}
SYMBOLS = {
    StepState.DONE: "✓",
    StepState.SKIPPED: "-",
    StepState.RUNNING: "…",
    StepState.BLOCKED: "✗",
    StepState.FAILED: "!",
    StepState.PENDING: " ",
}
_COLOURS = {
    StepState.DONE: "green",
    StepState.RUNNING: "cyan",
    StepState.BLOCKED: "red",
    StepState.FAILED: "yellow",
}


def next_steps(state: TrainState, revert: str, merge: str = "") -> list[str]:
    """Returns what a person has to do, most important first.

    `revert` names the open pull request that reverts the release, such as `pull request #7`; empty when
    there is none. `merge` is how it is merged, where the reader does not see that.
    """
    incident = state.incident
    if incident is None and state.rollout.outcome is Outcome.ROLLED_BACK:
        return []
    if incident is None:
        return ["a rollback is under way, and its incident is not recorded: rollout verify"]
    by_hand = list(_left_behind(state, incident))
    if incident.ended is not None:
        return by_hand if incident.ended.how == "rolled_back" else []
    return [*_current(state, incident, revert, merge), *by_hand, *_way_out(incident)]


def _current(state: TrainState, incident: Incident, revert: str, merge: str) -> Iterator[str]:
    step = incident.current
    if step is None or step.state is StepState.PENDING:
        yield "take the next step: rollout reconcile"
    elif step.step is RollbackStep.REVERT:
        yield _revert(step, incident, revert, merge)
    elif step.step is RollbackStep.REVALIDATE:
        yield _revalidate(step, state)
    elif step.state is StepState.BLOCKED:
        yield f"decide where to go back to: {line(step.result, 300)}"
    else:
        yield f"{PERFORM} ({TITLES[step.step]}; it goes on without an answer after a while)"


def _revert(step: IncidentStep, incident: Incident, revert: str, merge: str) -> str:
    if revert_of(incident).declared is not None:
        return "go on after the revert that a person declared done: rollout reconcile"
    if step.state is StepState.BLOCKED:
        return line(step.result, 400)
    if revert or waits_for_merge(step):
        pull = revert or f"the pull request of {line(revert_of(incident).branch)}"
        how = f": {merge}" if merge and revert else ""
        return f"merge {pull}, which reverts {line(release_name(incident.release))}{how}"
    return f"go on with the revert: rollout reconcile ({line(step.result, 300)})"


def _revalidate(step: IncidentStep, state: TrainState) -> str:
    if step.state is StepState.BLOCKED:
        branch = line(state.contract.product.branch)
        anew = "the next harness run and its newest commit with checks are judged again"
        return f"fix {branch}; {anew} ({line(step.result, 300)})"
    asked = state.status.requests if state.status else ()
    if any(request.work is Work.HARNESS and request.result is None for request in asked):
        return f"{PERFORM} ({line(step.result, 200)})"
    if NOT_CHECKED in step.result:
        branch = line(state.contract.product.branch)
        return f"have CI run on a commit of {branch} that has the revert ({line(step.result, 300)})"
    return f"wait for the validation ({line(step.result, 300)})"


def _left_behind(state: TrainState, incident: Incident) -> Iterator[str]:
    for step in incident.steps:
        if step.state is not StepState.FAILED:
            continue
        if step.step is RollbackStep.INSPECT_TARGET:
            yield _no_target(step, incident)
        else:
            what = f"{TITLES[step.step]}: {line(step.result, 300)}"
            yield f"do by hand what the rollback went on without: {what}"
    for request in state.status.requests if state.status else ():
        if _never_switched(request):
            yield f"send {request.surface} to its known-good lane by hand: {_detail(request)}"
    yield from left_to_people(state.contract, state.rollout, state.status, incident)


def _no_target(step: IncidentStep, incident: Incident) -> str:
    if incident.ended is None:
        return f"decide which version to go back to: {line(step.result, 300)}"
    return "no version was recorded to go back to: bring a good one to where the product runs by hand"


def _never_switched(request: Request) -> bool:
    return request.work is Work.KNOWN_GOOD_LANE and has_failed(request) and not may_try_again(request)


def _detail(request: Request) -> str:
    return line(request.result.detail if request.result else "")


def _way_out(incident: Incident) -> Iterator[str]:
    if incident.step(RollbackStep.REVERT).attempts == 0:
        yield "if it is a false alarm: rollout rollback --cancel --reason WHY"


def what_next(state: TrainState) -> str:
    """Returns what the tool does by itself."""
    incident = state.incident
    if incident is None or incident.current is None:
        return "nothing is promoted until the rollback is over"
    target = None if _has_no_target(incident) else incident.target
    to = f" to {line(release_name(target.version))}" if target else ""
    return f"each reconcile takes the rollback{to} as far as it can; nothing is promoted meanwhile"


def _has_no_target(incident: Incident) -> bool:
    return incident.step(RollbackStep.INSPECT_TARGET).state in (StepState.FAILED, StepState.BLOCKED)


# --- how far it is ---------------------------------------------------------------------------------------


def step_lines(incident: Incident, now: datetime, style: Style = no_style) -> list[str]:
    """Returns one line a step: `✓ 2 capture evidence   14:20 UTC  7 captured`."""
    width = max(len(title) for title in TITLES.values())
    return [
        _step_line(number, step, width, now, style) for number, step in enumerate(incident.steps, start=1)
    ]


def _step_line(number: int, step: IncidentStep, width: int, now: datetime, style: Style) -> str:
    mark = f"{SYMBOLS[step.state]} {number} {TITLES[step.step]:<{width}}"
    colour = _COLOURS.get(step.state)
    at = step.finished_at or step.started_at
    told = [clock_time(at, now)] if at else []
    tries = f"attempt {step.attempts}: " if step.attempts > 1 and not step.state.is_over else ""
    told.append(f"{tries}{line(step.result, 300) or step.state.value}")
    return f"  {style(mark, fg=colour)}  {'  '.join(told)}".rstrip()


def joined_line(joined: RollbackJoin) -> str:
    """Returns `by ada: customers call`, `failure-streak-breach (voice): failure_streak=3`."""
    if joined.trigger is not None:
        where = f" ({joined.surface})" if joined.surface else ""
        return f"{joined.trigger}{where}: {line(joined.reason, 300)}"
    to = f", to {line(joined.target)}" if joined.target else ""
    to += f", reverted at {line(joined.reverted[:10])}" if joined.reverted else ""
    return f"by {line(joined.by, 60)}{to}: {line(joined.reason, 300)}"


def causes(incident: Incident) -> Sequence[str]:
    """Returns why it began."""
    if not incident.triggers:
        return [f"by {line(incident.started_by, 60)}: {line(incident.reason, 300)}"]
    return [
        f"{finding.trigger}{f' ({finding.surface})' if finding.surface else ''}: {line(finding.seen, 300)}"
        for finding in incident.triggers
    ]
