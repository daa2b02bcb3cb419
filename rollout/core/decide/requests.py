"""Requests: product-side work that the rollout needs, asked for in status.yaml and answered by results."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from rollout.core.contract import Contract, FlagFile, HarnessGate
from rollout.core.observation import Observation, WorkResult, is_ahead
from rollout.core.state import GateFinding, Request, Result, Rollout, Work
from rollout.core.values import compact_instant, format_instant

_DATED_AHEAD = "dated by a clock that ran ahead"
MOST_ATTEMPTS = 3
"""How often work of a rollback or of a lane that failed is asked for before things go on without it."""


def again(request: Request, at: datetime) -> Request:
    """Returns the same once more."""
    stem = request.id.removesuffix(f"-{request.attempt}")
    attempt = request.attempt + 1
    changes = {"id": f"{stem}-{attempt}", "attempt": attempt, "requested_at": at, "result": None}
    return request.model_copy(update=changes)


def may_try_again(request: Request) -> bool:
    return request.attempt < MOST_ATTEMPTS


def find(requests: tuple[Request, ...], work: Work, rollout: Rollout) -> Request | None:
    """Returns the request of that kind for where the rollout stands now."""
    for request in requests:
        if (request.work, request.phase, request.canary_percent) == (
            work,
            rollout.phase,
            rollout.canary_percent,
        ):
            return request
    return None


def needed(
    contract: Contract,
    rollout: Rollout,
    requests: tuple[Request, ...],
    gates: tuple[GateFinding, ...],
    observation: Observation | None,
    now: datetime,
) -> tuple[Request, ...]:
    """Returns the requests that stand now: at most one of each kind, each kept until it is done or
    superseded.
    """
    wanted: list[Request] = []
    if contract.apply is not None:
        wanted.append(_apply(contract.apply.flag_file, rollout, requests, now))
    harness = _harness(contract, rollout, requests, gates, observation, now)
    if harness is not None:
        wanted.append(harness)
    return (*wanted, *_not_back_yet(requests, now))


def following(
    contract: Contract, rollout: Rollout, requests: tuple[Request, ...], now: datetime
) -> tuple[Request, ...]:
    """Returns the requests with the percent asked for where the contract says now: in another flag file, by a
    command, or nowhere.
    """
    current = find(requests, Work.APPLY, rollout)
    flag_file = contract.flag_file
    if current is None or current.flag_file == flag_file:
        return requests
    others = tuple(request for request in requests if request is not current)
    return (_apply(flag_file, rollout, requests, now), *others) if contract.apply else others


def lanes_back(
    contract: Contract, rollout: Rollout, lanes: Collection[str], now: datetime
) -> tuple[Request, ...]:
    """Returns requests to send these surfaces from their known-good lane back to the release's."""
    if contract.rollback.lane is None:
        return ()
    assert rollout.phase is not None
    return tuple(
        Request(
            id=f"back{place}-{compact_instant(now).lower()}-1",
            work=Work.RELEASE_LANE,
            phase=rollout.phase,
            canary_percent=rollout.canary_percent,
            surface=surface,
            attempt=1,
            requested_at=now,
        )
        for place, surface in enumerate(contract.surfaces)
        if surface in lanes
    )


def _not_back_yet(requests: tuple[Request, ...], now: datetime) -> Iterator[Request]:
    """Yields switches back that are still to be made; one that failed is asked for once more, a few times."""
    for request in requests:
        if request.work is not Work.RELEASE_LANE or (request.result and request.result.ok):
            continue
        failed = request.result is not None and may_try_again(request)
        yield again(request, now) if failed else request


def answer(
    requests: tuple[Request, ...], results: tuple[WorkResult, ...], now: datetime
) -> tuple[Request, ...]:
    """Returns the requests with the results that are theirs; a request that has its result keeps it."""
    by_id = {result.request: result for result in results}
    return tuple(_answered(request, by_id.get(request.id), now) for request in requests)


def ignored(requests: tuple[Request, ...], results: tuple[WorkResult, ...]) -> Iterator[str]:
    """Yields why a result was not used, for each that fits none of these requests."""
    asked = {request.id: request for request in requests}
    for result in results:
        request = asked.get(result.request)
        if request is not None and _is_recorded_failure(request, result):
            continue
        if request is None:
            yield f"result of {result.request} ignored: it answers no pending request"
        elif request.result is None:
            began, wanted = format_instant(result.started_at), format_instant(request.requested_at)
            yield f"result of {result.request} ignored: it began at {began}, and was asked for at {wanted}"
        elif request.result != result:
            yield f"result of {result.request} ignored: another one was recorded before"


def _is_recorded_failure(request: Request, result: WorkResult) -> bool:
    """Returns whether the result is why a flag file was not written, which the request keeps and goes on."""
    return request.flag_file is not None and not result.ok and request.failed == result.detail


def _answered(request: Request, result: WorkResult | None, now: datetime) -> Request:
    if request.result is not None or result is None:
        return request
    if is_of_an_old_run(request.requested_at, result, now):
        return request
    if request.flag_file is not None and not result.ok:
        # Each run tries again, and records only a failure that is new: the request stays the same one.
        return request.model_copy(update={"failed": result.detail})
    return request.model_copy(update={"result": result})


def is_of_an_old_run(requested_at: datetime, result: WorkResult, now: datetime) -> bool:
    """Returns whether the work began before it was asked for: a workflow that is run again brings old results
    back.

    A request that a clock ahead of ours has dated tells nothing of the kind.
    """
    return is_ahead(requested_at, result.started_at) and not is_ahead(requested_at, now)


def _ask(work: Work, rollout: Rollout, now: datetime, after: Request | None = None) -> Request:
    assert rollout.phase is not None
    attempt = after.attempt + 1 if after else 1
    return Request(
        id=f"{work}-{rollout.phase}-{rollout.canary_percent}-{attempt}"[:100],
        work=work,
        phase=rollout.phase,
        canary_percent=rollout.canary_percent,
        attempt=attempt,
        failed=_why_again(after, now) if after else "",
        requested_at=now,
    )


def _why_again(request: Request, now: datetime) -> str:
    return how_it_failed(request) or (_DATED_AHEAD if is_dated_ahead(request, now) else "")


def is_dated_ahead(request: Request, now: datetime) -> bool:
    """Returns whether a clock that ran ahead has dated the request or its result, so that nothing can follow
    it.
    """
    dates = (request.requested_at, request.result.finished_at if request.result else request.requested_at)
    return is_ahead(max(dates), now)


def how_it_failed(request: Request) -> str:
    """Returns how its last attempt failed; empty when none has."""
    result = request.result
    if result is None:
        return request.failed
    return "" if result.ok else result.detail or "no reason given"


def _apply(
    flag_file: FlagFile | None, rollout: Rollout, requests: tuple[Request, ...], now: datetime
) -> Request:
    current = find(requests, Work.APPLY, rollout)
    if current is not None and current.flag_file == flag_file:
        failed = current.result is not None and not current.result.ok
        if not failed and not is_dated_ahead(current, now):
            return current
    asked = _ask(Work.APPLY, rollout, now, current)
    if current is not None and current.flag_file != flag_file:
        # How it failed in another place says nothing about this one.
        asked = asked.model_copy(update={"failed": ""})
    return asked.model_copy(update={"flag_file": flag_file})


def _harness(
    contract: Contract,
    rollout: Rollout,
    requests: tuple[Request, ...],
    gates: tuple[GateFinding, ...],
    observation: Observation | None,
    now: datetime,
) -> Request | None:
    title = _harness_gate(contract, rollout)
    refreshed = [name for name, surface in contract.surfaces.items() if surface.refresh == "harness"]
    if (title is None and not refreshed) or contract.harness is None or contract.harness.command is None:
        return None
    current = find(requests, Work.HARNESS, rollout)
    if rollout.frozen is not None:
        return current
    passed = title is None or any(
        finding.gate == title and finding.result is Result.SATISFIED for finding in gates
    )
    if current is not None and is_dated_ahead(current, now):
        return _ask(Work.HARNESS, rollout, now, current)
    if passed and current is not None and _are_refreshed(refreshed, observation, current):
        return current
    if passed and not refreshed:
        return current
    if current is None:
        return _ask(Work.HARNESS, rollout, now)
    # A finished run is asked for again only once an observation has shown that it was not enough.
    was_seen = (
        current.result is not None
        and observation is not None
        and observation.started_at >= current.result.finished_at
    )
    return _ask(Work.HARNESS, rollout, now, current) if was_seen else current


def _are_refreshed(surfaces: Collection[str], observation: Observation | None, run: Request) -> bool:
    """Returns whether an observation has read of each surface what a run since `run` was asked for has
    left.
    """
    for name in surfaces:
        sample = observation.samples.get(name) if observation else None
        if sample is None or sample.updated_at is None or sample.updated_at < run.requested_at:
            return False
    return True


def _harness_gate(contract: Contract, rollout: Rollout) -> str | None:
    assert rollout.phase is not None
    gates = contract.gates_of(contract.phase(rollout.phase))
    return next((gate.title for gate in gates if isinstance(gate, HarnessGate)), None)


class AppliedPercent(NamedTuple):
    """What is known of the percent that the product is to run at."""

    is_done: bool | None
    """None: the contract does not say how it gets there."""
    since: datetime | None = None
    why_not: str = ""


_NO_COMMAND = AppliedPercent(None)


def applied_percent(contract: Contract, rollout: Rollout, requests: tuple[Request, ...]) -> AppliedPercent:
    """Returns whether the product runs at the desired percent, and since when, or why not."""
    if contract.apply is None:
        return _NO_COMMAND
    request = find(requests, Work.APPLY, rollout)
    flag = contract.apply.flag_file
    if request is not None and request.flag_file != flag:
        request = None  # it is of another place, which the contract named before
    if request is not None and request.result is not None and request.result.ok:
        return AppliedPercent(True, request.result.finished_at)
    why_not = _why_not_applied(request) if flag is None else _why_not_read_back(flag, rollout, request)
    return AppliedPercent(False, why_not=why_not)


def prefix_of(train: str) -> str:
    """Returns what the branches of pull requests begin with that bring a percent."""
    return f"rollout-apply/{train}/"


def branch_of(train: str, request: Request) -> str:
    """Returns the natural key of the pull request that brings the percent of that request."""
    asked = compact_instant(request.requested_at)
    return f"{prefix_of(train)}{request.phase}-{request.canary_percent}-{asked}"


def _why_not_read_back(flag: FlagFile, rollout: Rollout, request: Request | None) -> str:
    how = "not read back yet"
    if request is not None and request.failed:
        how = f"not written: {request.failed}"
    elif request is not None and request.begun_at is not None and flag.via == "pull_request":
        how = f"waits for the merge of {branch_of(rollout.train, request)}"
    return f"{flag.where}: {rollout.canary_percent} % {how}"


def _why_not_applied(request: Request | None) -> str:
    failed = how_it_failed(request) if request else ""
    if failed == _DATED_AHEAD:
        return f"apply command asked for again: the last one was {failed}"
    return f"apply command failed: {failed}" if failed else "apply command not done yet"
