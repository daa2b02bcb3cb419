"""People's claims folded into the checklist. Pure: what had to be looked up comes with each claim.

The outcome depends on what was said, by whom and when it was written, never on how often or in which order
it is read: of each person the newest signature of an item counts, and nothing that is older than the item's
newest withdrawal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rollout.core.contract import Contract, SignoffItem
from rollout.core.signoff.checklist import end, sign, with_item
from rollout.core.signoff.comments import Command, Said, SignCommand, WithdrawCommand
from rollout.core.signoff.people import MACHINE, has_role, same, why_not
from rollout.core.state import Ending, Rollout, Signature, SignatureEnd, SignedItem, Signoff, Withdrawal
from rollout.core.values import to_utc_seconds

MOST_PEOPLE = 50
"""Whose signatures of one item are kept."""

_NOTHING = SignedItem.model_construct()


@dataclass(frozen=True)
class Looked:
    """What was looked up for a command."""

    may_write: bool = False
    permission: str = ""
    problem: str = ""
    """Why the evidence does not count."""
    evidence: str = ""
    """As it is recorded."""
    digest: str = ""


@dataclass(frozen=True)
class Claim:
    """One command of a person."""

    command: Command
    by: str
    at: datetime
    comment: str = ""
    url: str = ""
    edited: bool = False

    @property
    def order(self) -> tuple[datetime, int]:
        """Comments of one second go by their numbers."""
        return self.at, int(self.comment) if self.comment.isdigit() else 0


def claim_of(said: Said, command: Command) -> Claim:
    return Claim(command, said.by, to_utc_seconds(said.at), said.id, said.url, said.edited)


def refusal(claim: Claim, contract: Contract, signoff: Signoff, rollout: Rollout) -> str:
    """Why a claim cannot count whatever is looked up for it; empty when that remains to be seen."""
    items = {item.id: item for item in contract.signoff.items}
    item = items.get(claim.command.item)
    if item is None:
        people = ", ".join(each.id for each in items.values() if each.proof is None)
        return f"there is no item {claim.command.item or 'without a name'}; people sign: {people}"
    if item.proof is not None:
        return f"{item.id} is proved by the machine ({item.proof.kind}); to stop a rollout: rollout freeze"
    if claim.edited:
        return "the comment was edited: say it again in a new one"
    if rollout.release is None or claim.at < rollout.release.started_at:
        return "it was said before this rollout began"
    if signoff.blocked is not None:
        return f"the sign-off is blocked by incident {signoff.blocked}"
    if isinstance(claim.command, WithdrawCommand):
        return _withdraw_refusal(claim, item, contract, signoff, claim.command)
    withdrawn = signoff.items.get(item.id, _NOTHING).withdrawn
    if withdrawn is not None and claim.at <= withdrawn.at:
        return f"{withdrawn.by} has taken {item.id} back since"
    return _crowd(claim, signoff) or why_not(item, contract.signoff, signoff.writers, claim.by)


def _crowd(claim: Claim, signoff: Signoff) -> str:
    signed = signoff.items.get(claim.command.item, _NOTHING)
    others = [each for each in signed.signatures if not same(each.by, claim.by)]
    return f"{MOST_PEOPLE} people have signed it already" if len(others) >= MOST_PEOPLE else ""


def _withdraw_refusal(
    claim: Claim, item: SignoffItem, contract: Contract, signoff: Signoff, command: WithdrawCommand
) -> str:
    if not command.reason:
        return "say why: /withdraw ITEM REASON"
    if not claim.by:
        return "whose account it was is not known any more"
    signed = signoff.items.get(item.id, _NOTHING)
    has_signed = any(same(each.by, claim.by) for each in signed.signatures)
    if has_signed or has_role(item, contract.signoff, claim.by):
        return ""
    return f"{item.role} of this release: {', '.join(contract.signoff.roles.named(item.role))}"


def is_known(claim: Claim, signoff: Signoff) -> bool:
    """Whether the claim, or a newer one of the same person, is folded in already."""
    signed = signoff.items.get(claim.command.item, _NOTHING)
    if isinstance(claim.command, WithdrawCommand):
        return signed.withdrawn is not None and claim.at <= signed.withdrawn.at
    return any(same(each.by, claim.by) and claim.at <= each.at for each in signed.signatures)


def is_counted(claim: Claim, signoff: Signoff) -> bool:
    """Whether this very claim is folded in, or stood until something newer took its place."""
    signed = signoff.items.get(claim.command.item, _NOTHING)
    if isinstance(claim.command, WithdrawCommand):
        return signed.withdrawn is not None and signed.withdrawn.comment == claim.comment
    return any(each.comment == claim.comment for each in signed.signatures)


def fold(
    claims: Iterable[tuple[Claim, Looked]], contract: Contract, signoff: Signoff, rollout: Rollout
) -> tuple[Signoff, dict[Claim, str]]:
    """The checklist with the claims, oldest first; and why each that does not count does not."""
    refused: dict[Claim, str] = {}
    for claim, looked in sorted(claims, key=lambda pair: pair[0].order):
        if is_known(claim, signoff):
            continue
        why = refusal(claim, contract, signoff, rollout) or _looked_refusal(claim, looked)
        if why:
            refused[claim] = why
        elif isinstance(claim.command, SignCommand):
            signoff = _signed(claim, looked, signoff)
        else:
            signoff = _withdrawn(claim, claim.command, signoff)
    return signoff, refused


def _looked_refusal(claim: Claim, looked: Looked) -> str:
    if not looked.may_write:
        return f"it takes write access to the repository, and {claim.by} has {looked.permission or 'none'}"
    return looked.problem


def _signed(claim: Claim, looked: Looked, signoff: Signoff) -> Signoff:
    return sign(
        signoff,
        claim.command.item,
        looked.evidence,
        claim.by,
        claim.at,
        digest=looked.digest,
        permission=looked.permission,
        comment=claim.comment,
        url=claim.url,
    )


def _withdrawn(claim: Claim, command: WithdrawCommand, signoff: Signoff) -> Signoff:
    signed = signoff.items.get(command.item, _NOTHING)
    ended = SignatureEnd(how=Ending.WITHDRAWN, by=claim.by, at=claim.at, reason=command.reason)
    older = {each.by: ended for each in signed.signatures if each.at <= claim.at}
    signoff = end(signoff, command.item, older)
    record = Withdrawal(by=claim.by, at=claim.at, reason=command.reason, comment=claim.comment)
    signed = signoff.items.get(command.item, _NOTHING)
    return with_item(signoff, command.item, signed.model_copy(update={"withdrawn": record}))


# --- what stops counting -----------------------------------------------------------------------------------


def live(signoff: Signoff) -> list[tuple[str, Signature]]:
    """Item and signature, of people, that nothing has ended."""
    return [
        (item, signature)
        for item, signed in signoff.items.items()
        for signature in signed.signatures
        if signature.ended is None and signature.by != MACHINE
    ]


def lapse_comments(
    signoff: Signoff, said: Collection[Said], issue_url: str, *, whole: bool, at: datetime
) -> Signoff:
    """The checklist without what rests on comments that were edited, deleted or passed to somebody else.

    Only comments of the issue at `issue_url` are judged: another one may be gone, and what was signed on it
    stays. `whole` says whether `said` are all comments that there are.
    """
    by_id = {one.id: one for one in said}
    for item, signature in live(signoff):
        if not signature.comment or not signature.url.startswith(f"{issue_url}#"):
            continue
        why = _why_lapsed(signature, by_id.get(signature.comment), whole=whole)
        if why:
            signoff = _lapsed(signoff, item, signature, why, at)
    return signoff


def _why_lapsed(signature: Signature, said: Said | None, *, whole: bool) -> str:
    if said is None:
        return "its comment was deleted" if whole else ""
    if said.edited:
        return "its comment was edited"
    if said.hidden:
        return "its comment was hidden"
    return "" if same(said.by, signature.by) else "its comment is of another account now"


def lapse_evidence(signoff: Signoff, looked: Mapping[tuple[str, str], Looked], at: datetime) -> Signoff:
    """The checklist without what rests on evidence that is gone or another now.

    `looked`: item and person -> what is seen now; who is not in it stays.
    """
    for item, signature in live(signoff):
        now = looked.get((item, signature.by))
        if now is None:
            continue
        if now.problem:
            why = f"its evidence counts no more: {now.problem}"[:500]
            signoff = _lapsed(signoff, item, signature, why, at)
        elif now.digest != signature.digest:
            signoff = _lapsed(signoff, item, signature, "its evidence has changed", at)
    return signoff


def _lapsed(signoff: Signoff, item: str, signature: Signature, why: str, at: datetime) -> Signoff:
    return end(signoff, item, {signature.by: SignatureEnd(how=Ending.LAPSED, by=MACHINE, at=at, reason=why)})
