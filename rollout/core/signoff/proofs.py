"""What the machine can prove: it signs what holds, and takes back what has stopped holding."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import assert_never

from rollout.core.contract import COMPLETE, SOAK_GATE, Contract, ItemProof, Proof, SignoffItem
from rollout.core.signoff.checklist import end, is_signed, sign
from rollout.core.signoff.people import MACHINE
from rollout.core.state import (
    Ending,
    Rehearsal,
    Result,
    Rollout,
    SignatureEnd,
    Signoff,
    Status,
    TriggerState,
)

STATE_COMMIT = "state commit "
"""What the machine's evidence begins with; the commit's id follows, and its status.yaml shows the proof."""


def prove(
    contract: Contract,
    rollout: Rollout,
    status: Status,
    signoff: Signoff,
    head: str,
    at: datetime,
    *,
    rehearsal: Rehearsal | None = None,
) -> tuple[Signoff, tuple[str, ...]]:
    """Returns the checklist with what the machine can prove now, and the items that changed: `ID`, `ID
    withdrawn`.

    The evidence is `head`, the state commit whose status.yaml or rehearsal.yaml shows it. Where they say
    nothing about a proof any more, what was signed stays.
    """
    changed: list[str] = []
    release = rollout.release
    if signoff.blocked is not None or release is None or signoff.commit != release.commit:
        return signoff, ()  # what is signed on another release's checklist would count for nothing
    for item in contract.signoff.items:
        if item.proof is None:
            continue
        holds = _holds(item.proof, item, contract, status, rehearsal)
        if holds is None:
            continue
        signed = is_signed(item, contract, signoff, rollout)
        if holds and not signed:
            signoff = sign(signoff, item.id, f"{STATE_COMMIT}{head}", MACHINE, at)
            changed.append(item.id)
        elif not holds and signed:
            why = f"{STATE_COMMIT}{head} shows that it holds no more"
            ended = SignatureEnd(how=Ending.WITHDRAWN, by=MACHINE, at=at, reason=why)
            signoff = end(signoff, item.id, {MACHINE: ended})
            changed.append(f"{item.id} withdrawn")
    return signoff, tuple(changed)


def _holds(
    proof: ItemProof, item: SignoffItem, contract: Contract, status: Status, rehearsal: Rehearsal | None
) -> bool | None:
    """Returns whether the status proves it; None when it proves neither that nor the opposite."""
    match proof.kind:
        case Proof.HARNESS | Proof.CI_CHECKS | Proof.ROLLBACK_TARGET:
            return _gates_hold(status, proof.kind.value, contract)
        case Proof.SURFACE_HEALTHY | Proof.NO_TRIGGER if not _is_due(item, contract, status):
            return None
        case Proof.SURFACE_HEALTHY:
            surface = proof.of or ""
            results = {finding.result for finding in status.gates if finding.surface == surface}
            return _once_soaked(_all_hold(results), status)
        case Proof.PHASE_SOAKED:
            return _has_soaked(status, proof.of or "", contract)
        case Proof.NO_TRIGGER:
            return _once_soaked(_is_quiet(status), status)
        case Proof.REHEARSED:
            return True if rehearsal is not None and rehearsal.commit == status.commit else None
        case _:
            assert_never(proof.kind)


def _gates_hold(status: Status, kind: str, contract: Contract) -> bool | None:
    titles = {gate.title for phase in contract.phases for gate in phase.gates if gate.kind == kind}
    return _all_hold({finding.result for finding in status.gates if finding.gate in titles})


def _all_hold(results: Collection[Result]) -> bool | None:
    if Result.UNSATISFIED in results:
        return False
    return None if not results or Result.UNKNOWN in results else True


def _is_quiet(status: Status) -> bool | None:
    if any(trigger.fired for trigger in status.triggers):
        return False
    if not status.triggers or any(trigger.state is TriggerState.UNKNOWN for trigger in status.triggers):
        return None
    return True


def _is_due(item: SignoffItem, contract: Contract, status: Status) -> bool:
    """Returns whether it is due: health is proved in the phase that waits for the item."""
    return status.phase == _last_phase_before(item.before, contract)


def _once_soaked(holds: bool | None, status: Status) -> bool | None:
    return holds if holds is False or _soak_full(status) else None


def _last_phase_before(before: str, contract: Contract) -> str:
    names = [phase.name for phase in contract.phases]
    return names[-1] if before == COMPLETE else names[names.index(before) - 1]


def _has_soaked(status: Status, phase: str, contract: Contract) -> bool | None:
    names = [each.name for each in contract.phases]
    here, there = names.index(status.phase), names.index(phase)
    if here != there:
        return here > there or None
    return _soak_full(status)


def _soak_full(status: Status) -> bool:
    # The gates that every phase has come last, so this looks at one or two.
    soak = next((finding for finding in reversed(status.gates) if finding.gate == SOAK_GATE), None)
    return soak is not None and soak.result is Result.SATISFIED
