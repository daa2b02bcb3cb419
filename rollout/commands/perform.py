"""`rollout perform`: carries out the work that reconcile asked of the product side."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import assert_never

from rollout.core.contract import Contract
from rollout.core.observation import Results, WorkResult
from rollout.core.state import Release, Request, Rollout, Status, Work
from rollout.core.text import inert
from rollout.ports import Clock, Product, Ran

_PLACEHOLDER = re.compile(r"\{(percent|phase|version)\}")
_MAX_RESULTS = 50


def perform(
    contract: Contract,
    rollout: Rollout,
    status: Status | None,
    product: Product,
    clock: Clock,
    progress: Callable[[str], None],
) -> Results | None:
    """Do every pending request, one after the other, in their order; None when there is none.

    A request that fails is a result too, and does not stop the next one.
    """
    release = rollout.release
    requests = _pending(release, status)
    if release is None or not requests:
        return None
    results = tuple(_carry_out(request, contract, release, product, clock, progress) for request in requests)
    return Results(
        train=contract.train,
        release=release.version,
        commit=release.commit,
        finished_at=clock.now(),
        results=results,
    )


def _pending(release: Release | None, status: Status | None) -> list[Request]:
    if release is None or status is None:
        return []
    if (status.release, status.commit) != (release.version, release.commit):
        return []  # asked for an earlier release
    return [request for request in status.requests if request.result is None][:_MAX_RESULTS]


def _carry_out(
    request: Request,
    contract: Contract,
    release: Release,
    product: Product,
    clock: Clock,
    progress: Callable[[str], None],
) -> WorkResult:
    started_at = clock.now()
    progress(f"{request.work} for {request.phase}: attempt {request.attempt} begins")
    ran = _do(request, contract, release, product)
    detail = inert(ran.detail, 300)
    progress(f"{request.work} for {request.phase}: {detail}")
    return WorkResult(
        request=request.id, ok=ran.ok, detail=detail, started_at=started_at, finished_at=clock.now()
    )


def _do(request: Request, contract: Contract, release: Release, product: Product) -> Ran:
    match request.work:
        case Work.APPLY:
            if contract.apply is None:
                return Ran(ok=False, detail="the contract has no apply section", stdout=b"")
            command = tuple(_filled(argument, request, release) for argument in contract.apply.command)
            return product.run(command, contract.apply.workdir, contract.apply.timeout)
        case Work.HARNESS:
            if contract.harness is None or contract.harness.command is None:
                return Ran(ok=False, detail="the contract has no harness command", stdout=b"")
            return product.run(contract.harness.command, contract.harness.workdir, contract.harness.timeout)
        case _:
            assert_never(request.work)


def _filled(argument: str, request: Request, release: Release) -> str:
    """The argument with its placeholders replaced, in one pass: what is filled in is never read again."""
    values = {"percent": str(request.canary_percent), "phase": request.phase, "version": release.version}
    return _PLACEHOLDER.sub(lambda found: values[found[1]], argument)
