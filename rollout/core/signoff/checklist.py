"""Which signatures count, and what is missing."""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import Contract, SignoffItem
from rollout.core.signoff.people import MACHINE, same, why_not
from rollout.core.state import Ending, Rollout, Signature, SignatureEnd, SignedItem, Signoff

_NOTHING = SignedItem.model_construct()


def for_release(rollout: Rollout) -> Signoff:
    """Returns an empty checklist for the release of a rollout that has one.
    Raises ValueError when it has none.
    """
    if rollout.release is None:
        raise ValueError("a checklist needs a release")
    return Signoff(train=rollout.train, release=rollout.release.version, commit=rollout.release.commit)


def counting(
    item: SignoffItem, contract: Contract, signoff: Signoff | None, rollout: Rollout
) -> tuple[Signature, ...]:
    """Returns the item's signatures that count for the release that is being rolled out, one a person."""
    if signoff is None or rollout.release is None or signoff.blocked is not None:
        return ()
    signed = signoff.items.get(item.id)
    if signed is None:
        return ()
    found: dict[str, Signature] = {}
    for signature in signed.signatures:
        stands = signature.ended is None and signature.commit == rollout.release.commit
        if stands and _is_by_the_right_one(signature, item, contract, signoff):
            found[signature.by.casefold()] = signature
    return tuple(found.values())


def _is_by_the_right_one(
    signature: Signature, item: SignoffItem, contract: Contract, signoff: Signoff
) -> bool:
    if item.proof is not None:
        return signature.by == MACHINE
    return not why_not(item, contract.signoff, signoff.writers, signature.by)


def missing(item: SignoffItem, contract: Contract, signoff: Signoff | None, rollout: Rollout) -> int:
    """Returns how many people (or proofs) the item still needs."""
    return max(_wanted(item) - len(counting(item, contract, signoff, rollout)), 0)


def _wanted(item: SignoffItem) -> int:
    return 1 if item.proof else item.people


def is_signed(item: SignoffItem, contract: Contract, signoff: Signoff | None, rollout: Rollout) -> bool:
    """Returns whether the item is signed by all that it needs, for the release commit that is being rolled
    out.
    """
    return len(counting(item, contract, signoff, rollout)) >= _wanted(item)


def unsigned(contract: Contract, signoff: Signoff | None, rollout: Rollout) -> dict[str, tuple[str, ...]]:
    """Maps `before` to the ids of the missing items, with an entry for each `before` of the contract."""
    found: dict[str, tuple[str, ...]] = {}
    for item in contract.signoff.items:
        found.setdefault(item.before, ())
        if not is_signed(item, contract, signoff, rollout):
            found[item.before] += (item.id,)
    return found


def states(contract: Contract, signoff: Signoff | None, rollout: Rollout) -> list[tuple[SignoffItem, str]]:
    """Returns each item with `signed`, `missing`, `lapsed` (signed, but it counts no more) or `withdrawn`."""
    return [(item, state_of(item, contract, signoff, rollout)) for item in contract.signoff.items]


def state_of(item: SignoffItem, contract: Contract, signoff: Signoff | None, rollout: Rollout) -> str:
    """Returns what `states` does, for one item."""
    if is_signed(item, contract, signoff, rollout):
        return "signed"
    signed = signoff.items.get(item.id, _NOTHING) if signoff else _NOTHING
    if not signed.signatures:
        return "missing"
    counted = counting(item, contract, signoff, rollout)
    gone = [signature for signature in signed.signatures if signature not in counted]
    if not gone:
        return "missing"
    ended = [signature.ended.how for signature in gone if signature.ended is not None]
    return "withdrawn" if Ending.WITHDRAWN in ended else "lapsed"


def sign(signoff: Signoff, item: str, evidence: str, by: str, at: datetime, **more: str) -> Signoff:
    """Returns the checklist with one more signature for its release commit; it replaces the person's last
    one.

    `more` are further fields of the signature.
    """
    signature = Signature(evidence=evidence, by=by, at=at, commit=signoff.commit, **more)  # type: ignore[arg-type]
    signed = signoff.items.get(item, _NOTHING)
    others = [each for each in signed.signatures if not same(each.by, by)]
    every = tuple(sorted((*others, signature), key=lambda each: each.by.casefold()))
    return with_item(signoff, item, signed.model_copy(update={"signatures": every}))


def with_item(signoff: Signoff, item: str, signed: SignedItem) -> Signoff:
    return signoff.model_copy(update={"items": {**signoff.items, item: signed}})


def end(signoff: Signoff, item: str, ending: dict[str, SignatureEnd]) -> Signoff:
    """Returns the checklist with live signatures of the item ended: whose, and why."""
    signed = signoff.items.get(item, _NOTHING)
    changed = tuple(
        signature.model_copy(update={"ended": ending[signature.by]})
        if signature.ended is None and signature.by in ending
        else signature
        for signature in signed.signatures
    )
    if changed == signed.signatures:
        return signoff
    return with_item(signoff, item, signed.model_copy(update={"signatures": changed}))


def block(signoff: Signoff, incident: str, at: datetime) -> Signoff:
    """Returns the checklist as an incident leaves it: blocked, and all that was signed taken back."""
    ended = SignatureEnd(how=Ending.WITHDRAWN, by=MACHINE, at=at, reason=f"incident {incident}")
    for item, signed in signoff.items.items():
        signoff = end(signoff, item, {signature.by: ended for signature in signed.signatures})
    return signoff.model_copy(update={"blocked": incident})
