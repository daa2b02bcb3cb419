"""`rollout perform`: carries out the work that reconcile asked of the product side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import assert_never

from rollout.commands.preparing import Preparation, report_failure
from rollout.core.contract import Apply, Contract, Harness, RunCommand
from rollout.core.evidence_index import EvidenceEntry, in_words
from rollout.core.observation import Results, WorkResult
from rollout.core.state import Channel, ChannelRequest, Release, Request, Rollout, Status, Work
from rollout.core.text import inert
from rollout.ports import Clock, CommandRun, Worker

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_MAX_RESULTS = 50


def perform(
    contract: Contract,
    rollout: Rollout,
    status: Status | None,
    product: Worker,
    clock: Clock,
    progress: Callable[[str], None],
    channel: Channel | None = None,
    *,
    copies: bool,
) -> Results | None:
    """Does every pending request, one after the other, in their order; None when there is none.

    That of the channel is the last, and waits for no rollout. The harness runs on a prepared checkout.
    `copies` says whether the product's evidence is copied to some place; else it is only read, for its
    digests.

    A request that fails is a result too, and does not stop the next one.
    """
    release = rollout.release
    preparation = Preparation(contract.prepare, product, progress)
    results = [
        _carry_out(request, contract, release, preparation, product, clock, progress, copies=copies)
        for request in _pending(release, status)
        if release is not None
    ]
    if channel is not None and channel.request is not None and channel.request.result is None:
        results.append(_apply_version(channel.request, contract, product, clock, progress))
    if not results:
        return None
    return Results(
        train=contract.train,
        release=release.version if release else None,
        commit=release.commit if release else None,
        finished_at=clock.now(),
        results=tuple(results),
    )


def _pending(release: Release | None, status: Status | None) -> list[Request]:
    if release is None or status is None:
        return []
    if (status.release, status.commit) != (release.version, release.commit):
        return []  # asked for an earlier release
    return [request for request in status.requests if request.awaits_product][:_MAX_RESULTS]


def _carry_out(
    request: Request,
    contract: Contract,
    release: Release,
    preparation: Preparation,
    product: Worker,
    clock: Clock,
    progress: Callable[[str], None],
    *,
    copies: bool,
) -> WorkResult:
    return _timed(
        request,
        f"{request.work.label} for {request.phase}",
        lambda: _do(request, contract, release, preparation, product, copies=copies),
        product,
        clock,
        progress,
    )


def _apply_version(
    request: ChannelRequest,
    contract: Contract,
    product: Worker,
    clock: Clock,
    progress: Callable[[str], None],
) -> WorkResult:
    values = {
        "version": request.version,
        "previous": request.previous or "",
        "channel": request.channel.value,
    }
    section = contract.channel.apply
    return _timed(
        request,
        f"apply {request.version} of {request.channel}",
        lambda: (_run(section, values, product, "the contract has no channel.apply"), ()),
        product,
        clock,
        progress,
    )


def _timed(
    request: Request | ChannelRequest,
    what: str,
    do: Callable[[], tuple[CommandRun, tuple[EvidenceEntry, ...]]],
    product: Worker,
    clock: Clock,
    progress: Callable[[str], None],
) -> WorkResult:
    started_at = clock.now()
    progress(f"{what}: attempt {request.attempt} begins")
    ran, index = do()
    detail = inert(ran.detail, 300)
    progress(f"{what}: {detail}")
    report_failure(request.id, ran.failure, product, progress)
    return WorkResult(
        request=request.id,
        ok=ran.ok,
        detail=detail,
        started_at=started_at,
        finished_at=clock.now(),
        captured=index,
    )


def _do(
    request: Request,
    contract: Contract,
    release: Release,
    preparation: Preparation,
    product: Worker,
    *,
    copies: bool,
) -> tuple[CommandRun, tuple[EvidenceEntry, ...]]:
    rollback = contract.rollback
    match request.work:
        case Work.CAPTURE_EVIDENCE:
            index = product.capture(rollback.evidence, rollback.evidence_in_git)
            return CommandRun(ok=True, detail=in_words(index, copied=copies), stdout=b""), index
        case Work.APPLY:
            values = {
                "percent": str(request.canary_percent),
                "phase": request.phase,
                "version": release.version,
            }
            return _run(contract.apply, values, product, "the contract has no apply command"), ()
        case Work.APPLY_TARGET:
            values = {"version": request.target or "", "channel": request.channel or ""}
            return _run(rollback.apply, values, product, "the contract has no rollback.apply"), ()
        case Work.KNOWN_GOOD_LANE | Work.RELEASE_LANE:
            lane = request.work.value.removesuffix("_lane")
            values = {"surface": request.surface or "", "lane": lane}
            return _run(rollback.lane, values, product, "the contract has no rollback.lane"), ()
        case Work.HARNESS:
            if problem := preparation.problem():
                return CommandRun(ok=False, detail=problem, stdout=b""), ()
            return _run(contract.harness, {}, product, "the contract has no harness command"), ()
        case _:
            assert_never(request.work)


def _run(
    section: RunCommand | Apply | Harness | None,
    values: Mapping[str, str],
    product: Worker,
    without: str,
) -> CommandRun:
    """Runs the section's command, its placeholders replaced; `without` says that there is none."""
    if section is None or section.command is None:
        return CommandRun(ok=False, detail=without, stdout=b"")
    command = tuple(_filled(argument, values) for argument in section.command)
    return product.run(command, section.workdir, section.timeout)


def _filled(argument: str, values: Mapping[str, str]) -> str:
    """Returns the argument with its placeholders replaced, in one pass: what is filled in is never read
    again.
    """
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), argument)
