"""Whether one recorded checklist can lead on from another: what `verify` asks of what people signed."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import Contract, SignoffItem
from rollout.core.signoff.people import MACHINE, why_not
from rollout.core.state import Rollout, Signature, SignedItem, Signoff

_NOTHING = SignedItem.model_construct()


def problem(before: Signoff, after: Signoff, contract: Contract, rollout: Rollout) -> str:
    """Returns the first thing that no claim of a person could have done to the checklist; else empty."""
    return next(_problems(before, after, contract, rollout), "")


def _problems(before: Signoff, after: Signoff, contract: Contract, rollout: Rollout) -> Iterator[str]:
    kept = {
        "items": before.items,
        "author": before.author,
        "authors": before.authors,
        "read_until": before.read_until,
    }
    if after.model_copy(update=kept) != before:
        yield "more than signatures changed"
    if before.author is not None and after.author != before.author:
        yield "the release has another author"
    if before.authors and after.authors != before.authors:
        yield "the release has other authors"
    items = {item.id: item for item in contract.signoff.items}
    for name in [*before.items, *(name for name in after.items if name not in before.items)]:
        old, new = before.items.get(name, _NOTHING), after.items.get(name, _NOTHING)
        if old != new:
            found = _item(items.get(name), old, new, after, contract, rollout)
            yield from (f"{name}: {why}" for why in found)


def _item(
    item: SignoffItem | None,
    old: SignedItem,
    new: SignedItem,
    after: Signoff,
    contract: Contract,
    rollout: Rollout,
) -> Iterator[str]:
    if old.withdrawn is not None and (new.withdrawn is None or new.withdrawn.at < old.withdrawn.at):
        yield "a withdrawal is gone"
    known = {signature.by.casefold(): signature for signature in old.signatures}
    people = [signature.by.casefold() for signature in new.signatures]
    if len(set(people)) != len(people):
        yield "somebody signed twice"
    if set(known) - set(people):
        yield "a signature is gone"
    for signature in new.signatures:
        was = known.get(signature.by.casefold())
        if signature != was:
            yield from _signature(signature, was, item, new, after, contract, rollout)


def _signature(
    signature: Signature,
    was: Signature | None,
    item: SignoffItem | None,
    new: SignedItem,
    after: Signoff,
    contract: Contract,
    rollout: Rollout,
) -> Iterator[str]:
    if was is not None and signature.model_copy(update={"ended": was.ended}) == was:
        if was.ended is not None:
            yield f"what ended the signature of {was.by} was changed"
        return
    if was is not None and signature.at <= was.at:
        yield f"the signature of {was.by} was changed"
    if item is None:
        yield "the contract has no such item"
    elif item.proof is not None or signature.by == MACHINE:
        yield "it is not for people to sign"
    else:
        why = why_not(item, contract.signoff, after.writers, signature.by)
        if why:
            yield f"{signature.by} may not sign it: {why}"
    if rollout.release is None or signature.commit != rollout.release.commit:
        yield "it is signed for another commit"
    elif signature.at < rollout.release.started_at:
        yield "it was signed before the rollout began"
    if not signature.evidence or not signature.digest:
        yield "it is signed without evidence"
    if signature.ended is None and new.withdrawn is not None and signature.at <= new.withdrawn.at:
        yield "it was withdrawn"
