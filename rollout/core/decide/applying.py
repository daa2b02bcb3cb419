"""The percent in a flag file: what reconcile has to write there, and what it records of that. Pure."""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import FlagFile
from rollout.core.decide.requests import branch_of, find
from rollout.core.observation import Evidence, Results, WorkResult
from rollout.core.state import Outcome, Request, Status, TrainState, Work


def due(state: TrainState) -> tuple[Request, FlagFile] | None:
    """Returns the request to write the desired percent, and where; None where there is none, once it was
    read back, and while it names another place than the contract.
    """
    if state.status is None or state.status.legal.phase is None:
        return None
    request = find(state.status.requests, Work.APPLY, state.status.legal)
    if request is None or request.flag_file is None or request.result is not None:
        return None
    return (request, request.flag_file) if request.flag_file == state.contract.flag_file else None


def awaited_branch(state: TrainState) -> str:
    """Returns the branch whose pull request has to be merged to bring the percent; empty for none."""
    waiting = due(state)
    return branch_to_merge(state) if waiting is not None and waiting[0].begun_at is not None else ""


def branch_to_merge(state: TrainState) -> str:
    """Returns the one branch whose pull request may stay open; empty for none."""
    waiting = due(state)
    if waiting is None or waiting[1].via != "pull_request" or is_rollback_holding(state):
        return ""
    return branch_of(state.train, waiting[0])


def may_leave_open(state: TrainState) -> bool:
    """Returns whether pull requests may be open that no request stands for any more.

    While a percent is due, and once it was read back, reconcile has closed the others already.
    """
    if state.status is None or due(state) is not None:
        return False
    flag_file, requests = state.contract.flag_file, state.status.requests
    known = (flag_file, *(request.flag_file for request in requests if request.begun_at is not None))
    is_read_back = any(request.flag_file == flag_file and request.result is not None for request in requests)
    return not is_read_back and any(flag is not None and flag.via == "pull_request" for flag in known)


def is_held(state: TrainState) -> bool:
    """Returns whether the number stays as it is: in a freeze without an incident, and in a rollback that
    holds the percent, which a number that was not written yet would raise.
    """
    frozen, outcome = state.rollout.frozen, state.rollout.outcome
    if outcome in (Outcome.ROLLING_BACK, Outcome.ROLLED_BACK):
        return is_rollback_holding(state)
    return frozen is not None and frozen.incident is None


def is_rollback_holding(state: TrainState) -> bool:
    """Returns whether a rollback leaves the percent where it was when it began."""
    is_over = state.rollout.outcome in (Outcome.ROLLING_BACK, Outcome.ROLLED_BACK)
    return is_over and state.contract.rollback.canary_percent == "hold"


def may_rise(state: TrainState) -> bool:
    """Returns whether a higher number may be written: in a release under way only while no trigger fires."""
    if state.rollout.outcome is not Outcome.IN_PROGRESS or state.status is None:
        return True
    return not any(finding.fired for finding in state.status.triggers)


def begun(status: Status, request: Request, at: datetime) -> Status:
    """Returns the status that says when reconcile began to write the number."""
    changed = request.model_copy(update={"begun_at": at})
    requests = tuple(changed if each == request else each for each in status.requests)
    return status.model_copy(update={"requests": requests, "decided_at": at})


def result_of(state: TrainState, request: Request, *, ok: bool, detail: str, at: datetime) -> Results:
    """Returns what the read-back, or a failure, is as evidence."""
    assert state.status is not None
    answer = WorkResult(request=request.id, ok=ok, detail=detail[:300], started_at=at, finished_at=at)
    status = state.status
    return Results(
        train=state.train, release=status.release, commit=status.commit, finished_at=at, results=(answer,)
    )


def recorded(before: Status | None, after: Status) -> tuple[WorkResult, ...]:
    """Returns the failures that a commit recorded, which leave no result behind."""
    known = {request.id: request.failed for request in before.requests} if before else {}
    return tuple(
        WorkResult(
            request=request.id,
            ok=False,
            detail=request.failed,
            started_at=after.decided_at,
            finished_at=after.decided_at,
        )
        for request in after.requests
        if request.flag_file is not None and known.get(request.id, request.failed) != request.failed
    )


def from_outside(state: TrainState, item: Evidence) -> tuple[Evidence | None, list[str]]:
    """Returns evidence without results that only reconcile can give, and what to tell of these."""
    if not isinstance(item, Results) or state.status is None:
        return item, []
    own = {request.id: request.flag_file for request in state.status.requests if request.flag_file}
    left = tuple(result for result in item.results if result.request not in own)
    told = [
        f"result of {result.request} ignored: reconcile writes {own[result.request].path} itself"
        for result in item.results
        if result.request in own
    ]
    if not told:
        return item, []
    return (item.model_copy(update={"results": left}) if left else None), told
