"""The checklist in words, for the terminal, for scripts and for its issue."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import Contract, SignoffItem
from rollout.core.signoff import MACHINE, counting, state_of
from rollout.core.signoff.proofs import STATE_COMMIT
from rollout.core.state import Rollout, Signature, SignedItem, Signoff
from rollout.core.values import format_instant

_NOTHING = SignedItem.model_construct()
_PROOFS = {
    "harness": "the unified harness passes",
    "ci_checks": "the release commit's checks are green",
    "rollback_target": "a rollback target is recorded",
    "phase_soaked": "the soak of {of} is full",
    "surface_healthy": "{of} meets every gate with the soak full",
    "no_trigger": "no trigger fires with the soak full",
    "rehearsed": "`rollout rehearse` went through a rollback of this release",
}


def signoff_document(contract: Contract, rollout: Rollout, signoff: Signoff | None) -> dict[str, object]:
    """Returns the checklist; an item's `state` is `signed`, `missing`, `lapsed` or `withdrawn`."""
    items = [_item_document(item, contract, signoff, rollout) for item in contract.signoff.items]
    return {
        "complete": rollout.release is not None and all(item["state"] == "signed" for item in items),
        "blocked": signoff.blocked if signoff else None,
        "author": signoff.author if signoff else None,
        "authors": list(signoff.writers) if signoff else [],
        "items": items,
    }


def _item_document(
    item: SignoffItem, contract: Contract, signoff: Signoff | None, rollout: Rollout
) -> dict[str, object]:
    found = counting(item, contract, signoff, rollout)
    return {
        "id": item.id,
        "section": item.section,
        "before": item.before,
        "state": state_of(item, contract, signoff, rollout),
        "title": item.title,
        "role": None if item.proof else item.role,
        "people": 1 if item.proof else item.people,
        "signed": [
            {"by": one.by, "at": format_instant(one.at), "evidence": one.evidence, "url": one.url}
            for one in found
        ],
        "gone": list(what_is_gone(item, contract, signoff, rollout)),
    }


def what_is_gone(
    item: SignoffItem, contract: Contract, signoff: Signoff | None, rollout: Rollout
) -> Iterator[str]:
    """Yields signatures that no longer count, with why, and who has withdrawn the item."""
    signed = signoff.items.get(item.id, _NOTHING) if signoff else _NOTHING
    counted = counting(item, contract, signoff, rollout)
    for signature in signed.signatures:
        if signature not in counted:
            yield f"{signature.by} signed: {_why_gone(signature, signoff)}"
    withdrawn = signed.withdrawn
    if withdrawn is not None and not any(each.ended for each in signed.signatures):
        yield f"withdrawn by {withdrawn.by}: {withdrawn.reason}"


def _why_gone(signature: Signature, signoff: Signoff | None) -> str:
    if signature.ended is not None:
        by = "" if signature.ended.by in (signature.by, MACHINE) else f" by {signature.ended.by}"
        return f"{signature.ended.how}{by}, {signature.ended.reason}"
    if signoff is not None and signoff.blocked is not None:
        return f"blocked by incident {signoff.blocked}"
    if signoff is not None and signature.commit != signoff.commit:
        return "for another commit"
    return "the contract does not let it count any more"


def what_it_takes(item: SignoffItem, contract: Contract, signoff: Signoff | None, rollout: Rollout) -> str:
    """Returns who signs an open item, or what proves it."""
    if item.proof is not None:
        return f"reconcile signs it once {_PROOFS[item.proof.kind].format(of=item.proof.of)}"
    named = contract.signoff.roles.named(item.role)
    who = f"{item.role} ({', '.join(named)})" if named else f"{item.role} (anyone with write access)"
    counted = len(counting(item, contract, signoff, rollout))
    if item.people == 1:
        return f"{who} signs"
    return f"{who}: {counted} of {item.people} people have signed"


def strangers(contract: Contract, signoff: Signoff | None) -> tuple[str, ...]:
    """Returns what was signed and is no item of the contract (any more)."""
    known = {item.id for item in contract.signoff.items}
    return tuple(name for name in signoff.items if name not in known) if signoff else ()


def state_commit(signature: Signature) -> str:
    """Returns the state commit that the machine's evidence names; empty for a person's."""
    found = signature.evidence
    return found.removeprefix(STATE_COMMIT) if found.startswith(STATE_COMMIT) else ""
