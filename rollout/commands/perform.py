"""`rollout perform`: carries out the work that reconcile asked of the product side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import assert_never

from rollout.core.captured import Captured, in_words
from rollout.core.contract import Apply, ApplyTarget, Contract, Harness, SwitchLane
from rollout.core.observation import Results, WorkResult
from rollout.core.state import Release, Request, Rollout, Status, Work
from rollout.core.text import inert
from rollout.ports import Clock, Product, Ran

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
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
    ran, index = _do(request, contract, release, product)
    detail = inert(ran.detail, 300)
    progress(f"{request.work} for {request.phase}: {detail}")
    return WorkResult(
        request=request.id,
        ok=ran.ok,
        detail=detail,
        started_at=started_at,
        finished_at=clock.now(),
        captured=index,
    )


def _do(
    request: Request, contract: Contract, release: Release, product: Product
) -> tuple[Ran, tuple[Captured, ...]]:
    rollback = contract.rollback
    match request.work:
        case Work.CAPTURE_EVIDENCE:
            index = product.capture(rollback.evidence, rollback.evidence_in_git)
            return Ran(ok=True, detail=in_words(index), stdout=b""), index
        case Work.APPLY:
            values = {
                "percent": str(request.canary_percent),
                "phase": request.phase,
                "version": release.version,
            }
            return _run(contract.apply, values, product, "the contract has no apply section"), ()
        case Work.APPLY_TARGET:
            values = {"version": request.target or "", "channel": request.channel or ""}
            return _run(rollback.apply, values, product, "the contract has no rollback.apply"), ()
        case Work.KNOWN_GOOD_LANE:
            values = {"surface": request.surface or "", "lane": "known_good"}
            return _run(rollback.lane, values, product, "the contract has no rollback.lane"), ()
        case Work.HARNESS:
            return _run(contract.harness, {}, product, "the contract has no harness command"), ()
        case _:
            assert_never(request.work)


def _run(
    section: Apply | ApplyTarget | SwitchLane | Harness | None,
    values: Mapping[str, str],
    product: Product,
    without: str,
) -> Ran:
    """Run the section's command, its placeholders replaced; `without` says that there is none."""
    if section is None or section.command is None:
        return Ran(ok=False, detail=without, stdout=b"")
    command = tuple(_filled(argument, values) for argument in section.command)
    return product.run(command, section.workdir, section.timeout)


def _filled(argument: str, values: Mapping[str, str]) -> str:
    """The argument with its placeholders replaced, in one pass: what is filled in is never read again."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), argument)
