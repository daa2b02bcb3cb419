"""What the tool only recorded, in words: nobody has brought it to the product yet, or nobody ever will."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from rollout.core.contract import Contract, RollbackStep
from rollout.core.decide.requests import applied_percent, branch_of, find, how_it_failed, may_try_again
from rollout.core.state import (
    Incident,
    IncidentStep,
    Request,
    RollbackTarget,
    Rollout,
    Status,
    StepState,
    Work,
)
from rollout.rendering.gates import day_and_time, release_name
from rollout.rendering.inert import line

PERFORM = "on the product's machine: rollout tick"
"""Does what is asked for, and hands in the result."""
NO_APPLY = "the contract has no apply command"
NO_ROLLBACK_APPLY = "the contract has no rollback.apply command"


def standing_at(contract: Contract, rollout: Rollout, status: Status | None) -> str:
    """Returns what follows the phase's name: ` at 10 %`, with who applies it where no command does."""
    percent = f"{rollout.canary_percent} %"
    match _is_applied(contract, rollout, status):
        case None if rollout.canary_percent:
            return f" at {percent} (you apply it)"
        case False:
            return f", {percent} not applied yet"
        case _:
            return f" at {percent}"


def frozen_at(
    contract: Contract,
    rollout: Rollout,
    status: Status | None,
    incident: Incident,
    in_words: Callable[[datetime], str] = day_and_time,
) -> str:
    """Returns what became of the percent that the rollback's freeze recorded; empty when it changed none.

    `in_words` tells a time. What was applied is told with its time: nobody looks at the product afterwards.
    """
    if rollout.canary_percent == incident.canary_percent:
        return ""
    percent = f"{rollout.canary_percent} %"
    applied = applied_percent(contract, rollout, status.requests if status else ())
    match applied.is_done:
        case None:
            return f"{percent} is recorded, and rollout has not applied it: {NO_APPLY}"
        case True:
            return f"{percent} was applied{f' at {in_words(applied.since)}' if applied.since else ''}"
        case False:
            request = _request(rollout, status)
            if request is not None and request.flag_file is not None:
                return f"{percent} is not applied yet{_not_written(request)}"
            return f"{percent} is not applied{': the apply command failed' if _failure(request) else ' yet'}"


def left_to_people(
    contract: Contract, rollout: Rollout, status: Status | None, incident: Incident
) -> Iterator[str]:
    """Yields what a rollback recorded, and a person has to bring to the product."""
    if rollout.canary_percent != incident.canary_percent:
        percent = f"{rollout.canary_percent} %"
        request = _request(rollout, status)
        if contract.apply is None:
            yield f"bring the product to {percent} by hand: {NO_APPLY}"
        elif request is not None and request.flag_file is not None:
            yield from percent_in_git(rollout.train, request)
        elif request is not None and request.result is None:
            yield f"{PERFORM} ({percent} is not applied yet)"
        elif _failure(request) and (incident.ended or (request and not may_try_again(request))):
            yield f"bring the product to {percent} by hand: {_failure(request)}"
    if incident.target is not None and was_only_recorded(incident):
        version = line(release_name(incident.target.version))
        yield f"bring {version} to where the product runs by hand: {NO_ROLLBACK_APPLY}"


def was_only_recorded(incident: Incident) -> bool:
    """Returns whether step 4 recorded the version, and there is no command that brings it to the product."""
    is_skipped = incident.step(RollbackStep.APPLY_METADATA).state is StepState.SKIPPED
    return is_skipped and incident.step(RollbackStep.INSPECT_TARGET).state is StepState.DONE


def reached(incident: Incident) -> RollbackTarget | None:
    """Returns where the product went back to; None when nothing brought it there."""
    step: IncidentStep = incident.step(RollbackStep.APPLY_METADATA)
    return incident.target if step.state is StepState.DONE else None


def _is_applied(contract: Contract, rollout: Rollout, status: Status | None) -> bool | None:
    return applied_percent(contract, rollout, status.requests if status else ()).is_done


def _request(rollout: Rollout, status: Status | None) -> Request | None:
    return find(status.requests if status else (), Work.APPLY, rollout)


def percent_in_git(train: str, request: Request, number: int | None = None, merge: str = "") -> Iterator[str]:
    """Yields what a person has to do about a percent in a flag file that was not read back: merge its pull
    request, or fix what stopped reconcile.

    `number` is the pull request's, where it is known, and `merge` how it is merged.
    """
    flag = request.flag_file
    if flag is None or request.result is not None:
        return
    place = f"{line(flag.where, 300)} to {request.canary_percent}"
    if request.failed:
        yield f"set {place} by hand, or fix what stopped reconcile{_not_written(request)}"
    elif flag.via == "pull_request" and request.begun_at is not None:
        pull = "the pull request" if number is None else f"pull request #{number}"
        how = f": {merge}" if merge and number is not None else ""
        yield f"merge {pull} from {branch_of(train, request)}, which sets {place}{how}"


def _not_written(request: Request) -> str:
    return f": {line(request.failed, 200)}" if request.failed else ""


def _failure(request: Request | None) -> str:
    failed = how_it_failed(request) if request else ""
    return f"the apply command failed: {line(failed, 200)}" if failed else ""
