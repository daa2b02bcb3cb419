"""The sign-off checklist: what is missing, what the machine can prove, and recording an item."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from rollout.core.contract import COMPLETE, SOAK_GATE, Contract, ItemProof, Proof, SignoffItem
from rollout.core.state import Result, Rollout, SignedItem, Signoff, Status, TriggerState

MACHINE = "rollout"
"""Who signs what the machine proved."""


def is_signed(item: SignoffItem, signoff: Signoff | None, rollout: Rollout) -> bool:
    """Whether the item is signed for the release commit that is being rolled out."""
    if signoff is None or rollout.release is None or signoff.blocked is not None:
        return False
    signed = signoff.items.get(item.id)
    return signed is not None and signed.commit == rollout.release.commit


def unsigned(contract: Contract, signoff: Signoff | None, rollout: Rollout) -> dict[str, tuple[str, ...]]:
    """`before` -> ids of the items still missing, an entry for each `before` that the contract uses."""
    missing: dict[str, tuple[str, ...]] = {}
    for item in contract.signoff.items:
        missing.setdefault(item.before, ())
        if not is_signed(item, signoff, rollout):
            missing[item.before] += (item.id,)
    return missing


def for_release(rollout: Rollout) -> Signoff:
    """An empty checklist for the release of a rollout that has one. Raises ValueError when it has none."""
    if rollout.release is None:
        raise ValueError("a checklist needs a release")
    return Signoff(train=rollout.train, release=rollout.release.version, commit=rollout.release.commit)


def sign(signoff: Signoff, item: str, evidence: str, by: str, at: datetime) -> Signoff:
    """The checklist with one more item recorded for its release commit."""
    signed = SignedItem(evidence=evidence, by=by, at=at, commit=signoff.commit)
    return signoff.model_copy(update={"items": {**signoff.items, item: signed}})


def prove(
    contract: Contract, rollout: Rollout, status: Status, signoff: Signoff, head: str, at: datetime
) -> tuple[Signoff, tuple[str, ...]]:
    """The checklist with what the machine can now prove, and the ids newly signed.

    The evidence is `head`, the state commit whose status.yaml shows it.
    """
    newly = tuple(
        item.id
        for item in contract.signoff.items
        if item.proof and not is_signed(item, signoff, rollout) and _holds(item.proof, item, contract, status)
    )
    for item in newly if signoff.blocked is None else ():
        signoff = sign(signoff, item, f"state commit {head}", MACHINE, at)
    return signoff, newly if signoff.blocked is None else ()


def _holds(proof: ItemProof, item: SignoffItem, contract: Contract, status: Status) -> bool:
    match proof.kind:
        case Proof.HARNESS | Proof.CI_CHECKS | Proof.ROLLBACK_TARGET:
            return _gates_hold(status, proof.kind.value, contract)
        case Proof.SURFACE_HEALTHY:
            return _is_due(item, contract, status) and _surface_holds(status, proof.of or "")
        case Proof.PHASE_SOAKED:
            return _has_soaked(status, proof.of or "", contract)
        case Proof.NO_TRIGGER:
            quiet = all(t.state is not TriggerState.UNKNOWN and not t.fired for t in status.triggers)
            return _is_due(item, contract, status) and quiet and bool(status.triggers)
        case _:
            assert_never(proof.kind)


def _gates_hold(status: Status, kind: str, contract: Contract) -> bool:
    titles = {gate.title for phase in contract.phases for gate in phase.gates if gate.kind == kind}
    found = [finding for finding in status.gates if finding.gate in titles]
    return bool(found) and all(finding.result is Result.SATISFIED for finding in found)


def _surface_holds(status: Status, surface: str) -> bool:
    found = [finding for finding in status.gates if finding.surface == surface]
    return bool(found) and all(f.result in (Result.SATISFIED, Result.NOT_APPLICABLE) for f in found)


def _is_due(item: SignoffItem, contract: Contract, status: Status) -> bool:
    """Health is proved where it matters: with the soak full in the phase that waits for the item."""
    return status.phase == _last_phase_before(item.before, contract) and _soak_full(status)


def _last_phase_before(before: str, contract: Contract) -> str:
    names = [phase.name for phase in contract.phases]
    return names[-1] if before == COMPLETE else names[names.index(before) - 1]


def _has_soaked(status: Status, phase: str, contract: Contract) -> bool:
    names = [each.name for each in contract.phases]
    if names.index(status.phase) > names.index(phase):
        return True
    return status.phase == phase and _soak_full(status)


def _soak_full(status: Status) -> bool:
    # The gates that every phase has come last, so this looks at one or two.
    soak = next((finding for finding in reversed(status.gates) if finding.gate == SOAK_GATE), None)
    return soak is not None and soak.result is Result.SATISFIED


def states(contract: Contract, signoff: Signoff | None, rollout: Rollout) -> list[tuple[SignoffItem, str]]:
    """Each item with `signed`, `missing` or `lapsed` (signed for another commit)."""
    return [(item, _state(item, signoff, rollout)) for item in contract.signoff.items]


def _state(item: SignoffItem, signoff: Signoff | None, rollout: Rollout) -> str:
    if is_signed(item, signoff, rollout):
        return "signed"
    return "lapsed" if signoff is not None and item.id in signoff.items else "missing"
