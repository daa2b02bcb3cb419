"""Product-side work of an incident: asked for by requests whose ids say which incident and which try."""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import Contract, RollbackStep
from rollout.core.decide.requests import again, may_try_again
from rollout.core.state import Incident, Request, RollbackTarget, Rollout, Work


def ask(
    work: Work,
    incident: Incident,
    rollout: Rollout,
    at: datetime,
    *,
    step: RollbackStep | None = None,
    target: RollbackTarget | None = None,
) -> Request:
    """Returns the incident's first request of that kind."""
    return Request(
        id=f"{work}-{incident.id}-1",
        work=work,
        phase=incident.phase,
        canary_percent=rollout.canary_percent,
        incident=incident.id,
        step=step,
        target=target.version if target else None,
        channel=target.channel if target else None,
        attempt=1,
        requested_at=at,
    )


def newest(requests: tuple[Request, ...], work: Work, incident: Incident) -> Request | None:
    """Returns the request of that kind that the incident made, if it did."""
    mine = (request for request in requests if (request.work, request.incident) == (work, incident.id))
    return next(mine, None)


def replaced(requests: tuple[Request, ...], old: Request | None, new: Request) -> tuple[Request, ...]:
    """Returns the requests with the new one in the place of the old: status stays as long as it is."""
    return (*(request for request in requests if request is not old), new)


def ask_lanes(
    contract: Contract, incident: Incident, rollout: Rollout, requests: tuple[Request, ...], at: datetime
) -> tuple[Request, ...]:
    """Returns requests for the lanes that desired state switched and no request names yet."""
    if contract.rollback.lane is None:
        return ()
    known = {request.surface for request in requests if request.work is Work.KNOWN_GOOD_LANE}
    asked = ask(Work.KNOWN_GOOD_LANE, incident, rollout, at)
    return tuple(
        # By its place: two long names could be cut to one.
        asked.model_copy(update={"id": f"lane{place}-{incident.id}-1", "surface": surface})
        for place, surface in enumerate(contract.surfaces)
        if surface in rollout.lanes and surface not in known
    )


def ask_again(
    requests: tuple[Request, ...], at: datetime, works: tuple[Work, ...] = (Work.KNOWN_GOOD_LANE, Work.APPLY)
) -> tuple[Request, ...]:
    """Returns the requests with each switch of a lane, or of the percent, that failed asked for once more, a
    few times.
    """
    return tuple(
        again(request, at)
        if request.work in works and has_failed(request) and may_try_again(request)
        else request
        for request in requests
    )


def has_failed(request: Request) -> bool:
    return request.result is not None and not request.result.ok
