"""People's commands folded into the checklist. Pure: what had to be looked up comes with each.

The outcome depends on what was said, by whom and when it was written, never on how often or in which order
it is read: of each person the newest signature of an item counts, and nothing that is older than the item's
newest withdrawal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.core.contract import Contract, SignoffItem
from rollout.core.signoff.checklist import end, sign, with_item
from rollout.core.signoff.comments import Comment, SignoffCommand
from rollout.core.signoff.people import MACHINE, Writers, has_role, same, why_not
from rollout.core.signoff.window import describe
from rollout.core.state import (
    Ending,
    Rollout,
    Signature,
    SignatureEnd,
    SignedItem,
    Signoff,
    TrainState,
    Withdrawal,
)
from rollout.core.values import to_utc_seconds

_MANY = 100
"""Comments after which the place that is read up to moves on though nothing was signed."""
MOST_PEOPLE = 50
"""Whose signatures of one item are kept."""

_NOTHING = SignedItem.model_construct()


@dataclass(frozen=True)
class Grounds:
    """What a command rests on, looked up."""

    may_write: bool = False
    permission: str = ""
    problem: str = ""
    """Why the evidence does not count."""
    evidence: str = ""
    """As it is recorded."""
    digest: str = ""


Answers = Mapping[Comment, Sequence[str]]
"""Comment -> why what it says does not count; empty when it does."""


@dataclass(frozen=True)
class SignoffUpdate:
    """What people's comments make of a checklist."""

    signoff: Signoff
    refused: Mapping[SignoffCommand, str] = field(default_factory=dict)
    waiting: frozenset[SignoffCommand] = frozenset()
    """Commands that could not be looked up now."""
    detail: str = ""
    """What changed; empty when nothing did."""
    answers: Answers = field(default_factory=dict)

    def why(self, command: SignoffCommand) -> str:
        """Returns why it does not count; empty when it does."""
        if command in self.refused:
            return f"{command.item}: {self.refused[command]}"
        if is_counted(command, self.signoff):
            return ""
        return f"{command.item}: something newer took its place"


def refusal(command: SignoffCommand, contract: Contract, signoff: Signoff, rollout: Rollout) -> str:
    """Returns why a command cannot count whatever is looked up for it; empty when that remains to be seen."""
    items = {item.id: item for item in contract.signoff.items}
    item = items.get(command.item)
    if item is None:
        people = ", ".join(each.id for each in items.values() if each.proof is None)
        return f"there is no item {command.item or 'without a name'}; people sign: {people}"
    if item.proof is not None:
        return f"{item.id} is proved by the machine ({item.proof.kind}); to stop a rollout: rollout freeze"
    if command.comment.edited:
        return "the comment was edited: say it again in a new one"
    if rollout.release is None or command.at < rollout.release.started_at:
        return "it was said before this rollout began"
    if signoff.blocked is not None:
        return f"the sign-off is blocked by incident {signoff.blocked}"
    if command.verb == "withdraw":
        return _withdraw_refusal(command, item, contract, signoff)
    withdrawn = signoff.items.get(item.id, _NOTHING).withdrawn
    if withdrawn is not None and command.at <= withdrawn.at:
        return f"{withdrawn.by} has taken {item.id} back since"
    return _crowd(command, signoff) or why_not(item, contract.signoff, signoff.writers, command.by)


def _crowd(command: SignoffCommand, signoff: Signoff) -> str:
    signed = signoff.items.get(command.item, _NOTHING)
    others = [each for each in signed.signatures if not same(each.by, command.by)]
    return f"{MOST_PEOPLE} people have signed it already" if len(others) >= MOST_PEOPLE else ""


def _withdraw_refusal(
    command: SignoffCommand, item: SignoffItem, contract: Contract, signoff: Signoff
) -> str:
    if not command.text:
        return "say why: /withdraw ITEM REASON"
    if not command.by:
        return "whose account it was is not known any more"
    signed = signoff.items.get(item.id, _NOTHING)
    has_signed = any(same(each.by, command.by) for each in signed.signatures)
    if has_signed or has_role(item, contract.signoff, command.by):
        return ""
    return f"{item.role} of this release: {', '.join(contract.signoff.roles.named(item.role))}"


def is_known(command: SignoffCommand, signoff: Signoff) -> bool:
    """Returns whether the command, or a newer one of the same person, is folded in already."""
    signed = signoff.items.get(command.item, _NOTHING)
    if command.verb == "withdraw":
        return signed.withdrawn is not None and command.at <= signed.withdrawn.at
    return any(same(each.by, command.by) and command.at <= each.at for each in signed.signatures)


def is_counted(command: SignoffCommand, signoff: Signoff) -> bool:
    """Returns whether this very command is folded in, or stood until something newer took its place."""
    signed = signoff.items.get(command.item, _NOTHING)
    if command.verb == "withdraw":
        return signed.withdrawn is not None and signed.withdrawn.comment == command.comment.id
    return any(each.comment == command.comment.id for each in signed.signatures)


def fold(
    commands: Iterable[tuple[SignoffCommand, Grounds]], contract: Contract, signoff: Signoff, rollout: Rollout
) -> tuple[Signoff, dict[SignoffCommand, str]]:
    """Returns the checklist with the commands, oldest first; and why each that does not count does not."""
    refused: dict[SignoffCommand, str] = {}
    for command, grounds in sorted(commands, key=lambda pair: pair[0].order):
        if is_known(command, signoff):
            continue
        why = refusal(command, contract, signoff, rollout) or _refusal_for(command, grounds)
        if why:
            refused[command] = why
        elif command.verb == "signoff":
            signoff = _signed(command, grounds, signoff)
        else:
            signoff = _withdrawn(command, signoff)
    return signoff, refused


def _refusal_for(command: SignoffCommand, grounds: Grounds) -> str:
    if not grounds.may_write:
        return f"it takes write access to the repository, and {command.by} has {grounds.permission or 'none'}"
    return grounds.problem


def _signed(command: SignoffCommand, grounds: Grounds, signoff: Signoff) -> Signoff:
    return sign(
        signoff,
        command.item,
        grounds.evidence,
        command.by,
        command.at,
        digest=grounds.digest,
        permission=grounds.permission,
        comment=command.comment.id,
        url=command.comment.url,
    )


def _withdrawn(command: SignoffCommand, signoff: Signoff) -> Signoff:
    signed = signoff.items.get(command.item, _NOTHING)
    ended = SignatureEnd(how=Ending.WITHDRAWN, by=command.by, at=command.at, reason=command.text)
    older = {each.by: ended for each in signed.signatures if each.at <= command.at}
    signoff = end(signoff, command.item, older)
    record = Withdrawal(by=command.by, at=command.at, reason=command.text, comment=command.comment.id)
    signed = signoff.items.get(command.item, _NOTHING)
    return with_item(signoff, command.item, signed.model_copy(update={"withdrawn": record}))


# --- what stops counting -----------------------------------------------------------------------------------


def live(signoff: Signoff) -> list[tuple[str, Signature]]:
    """Returns item and signature, of people, that nothing has ended."""
    return [
        (item, signature)
        for item, signed in signoff.items.items()
        for signature in signed.signatures
        if signature.ended is None and signature.by != MACHINE
    ]


def lapse_comments(
    signoff: Signoff, comments: Collection[Comment], issue_url: str, *, whole: bool, at: datetime
) -> Signoff:
    """Returns the checklist without what rests on comments that were edited, deleted or passed to somebody
    else.

    What was signed on another issue than the one at `issue_url` stays when its comment is not among these:
    that issue may be gone. An issue keeps its number when its repository is renamed. `whole` says whether
    these are all comments that there are.
    """
    by_id = {comment.id: comment for comment in comments}
    for item, signature in live(signoff):
        if not signature.comment:
            continue
        is_here = _number(signature.url) == _number(issue_url)
        why = _why_lapsed(signature, by_id.get(signature.comment), whole=whole and is_here)
        if why:
            signoff = _lapsed(signoff, item, signature, why, at)
    return signoff


def _number(url: str) -> str:
    """Returns the number of the issue at an address, or of the one that a comment's address is of."""
    return url.partition("#")[0].rpartition("/")[2]


def _why_lapsed(signature: Signature, comment: Comment | None, *, whole: bool) -> str:
    if comment is None:
        return "its comment was deleted" if whole else ""
    if comment.edited:
        return "its comment was edited"
    if comment.hidden:
        return "its comment was hidden"
    return "" if same(comment.author, signature.by) else "its comment is of another account now"


def lapse_evidence(signoff: Signoff, grounds: Mapping[tuple[str, str], Grounds], at: datetime) -> Signoff:
    """Returns the checklist without what rests on evidence that is gone or another now.

    `grounds`: item and person -> what is seen now; who is not in it stays.
    """
    for item, signature in live(signoff):
        now = grounds.get((item, signature.by))
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


# --- what a reading comes to -------------------------------------------------------------------------------


def with_writers(signoff: Signoff, writers: Writers) -> Signoff:
    """Returns the checklist, and who wrote the release."""
    if not writers.logins:
        return signoff
    names = tuple(name[:200] for name in writers.logins)
    return signoff.model_copy(update={"author": signoff.author or names[0], "authors": names})


def approvals(said: Sequence[SignoffCommand], state: TrainState) -> set[SignoffCommand]:
    """Returns those of items that an approver signs: they depend on who wrote the release."""
    approvers = {item.id for item in state.contract.signoff.items if item.role == "approver"}
    return {command for command in said if command.item in approvers}


def concluded(
    before: Signoff,
    update: SignoffUpdate,
    comments: Sequence[Comment],
    found: Mapping[Comment, Sequence[SignoffCommand]],
) -> SignoffUpdate:
    """Returns the update with what changed, the place that is read up to, and an answer to each comment."""
    signoff = update.signoff if update.waiting else _moved_on(before, update.signoff, comments)
    detail = describe(before, signoff) if signoff != before else ""
    return replace(update, signoff=signoff, detail=detail, answers=_answers(found, update))


def _moved_on(before: Signoff, signoff: Signoff, comments: Sequence[Comment]) -> Signoff:
    """Records up to where comments are read, if there is a commit anyway or it is worth one."""
    newest = max((to_utc_seconds(one.created_at) for one in comments), default=None)
    old = before.read_until
    if newest is None or (old is not None and newest <= old):
        return signoff
    new = [one for one in comments if old is None or one.created_at > old]
    if signoff == before and len(new) < _MANY:
        return signoff
    return signoff.model_copy(update={"read_until": newest})


def _answers(found: Mapping[Comment, Sequence[SignoffCommand]], update: SignoffUpdate) -> Answers:
    """Returns answers to each comment with a command, unless a part of it waits."""
    return {
        comment: tuple(filter(None, map(update.why, said)))
        for comment, said in found.items()
        if said and not update.waiting.intersection(said)
    }
