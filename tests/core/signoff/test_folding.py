"""People's words folded into the checklist, and what `verify` takes for that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from rollout.core.signoff import checklist
from rollout.core.signoff.comments import Comment, SignoffCommand
from rollout.core.signoff.folding import (
    MOST_PEOPLE,
    Grounds,
    fold,
    is_counted,
    is_known,
    lapse_comments,
    lapse_evidence,
    refusal,
)
from rollout.core.signoff.transition import problem
from rollout.core.signoff.window import (
    describe,
    fingerprint,
    is_as_written,
    is_open,
    is_over,
    key_of,
    labels,
    sealed,
    waits_on_signatures,
)
from rollout.core.state import Outcome, Rollout, Signoff, TrainState
from tests.core.world import START, World

WORLD = World()
CONTRACT, ROLLOUT = WORLD.contract, WORLD.rollout
ITEM = "rollback-rehearsed"
ISSUE = "https://github.com/acme/tau/issues/7"
GOOD = Grounds(may_write=True, permission="write", evidence="docs/a.md", digest="d")


def minutes(count: int) -> datetime:
    return START + timedelta(minutes=count)


def empty() -> Signoff:
    return checklist.for_release(ROLLOUT).model_copy(update={"author": "olga"})


def sign(by: str, at: int, item: str = ITEM, comment: str = "", *, edited: bool = False) -> SignoffCommand:
    name = comment or str(at)
    url = f"{ISSUE}#issuecomment-{name}"
    return SignoffCommand("signoff", item, "docs/a.md", Comment(name, by, "", minutes(at), edited, url))


def withdraw(by: str, at: int, reason: str = "it is not so", item: str = ITEM) -> SignoffCommand:
    url = f"{ISSUE}#issuecomment-{at}"
    return SignoffCommand("withdraw", item, reason, Comment(str(at), by, "", minutes(at), url=url))


def folded(*commands: SignoffCommand, onto: Signoff | None = None) -> Signoff:
    return fold([(command, GOOD) for command in commands], CONTRACT, onto or empty(), ROLLOUT)[0]


def standing(signoff: Signoff, item: str = ITEM) -> list[str]:
    found = signoff.items.get(item)
    return [each.by for each in found.signatures if each.ended is None] if found else []


# --- what counts -------------------------------------------------------------------------------------------


def test_the_order_in_which_it_is_heard_does_not_matter() -> None:
    commands = [sign("bob", 1), sign("ada", 2), withdraw("cyd", 3), sign("ada", 4), sign("bob", 1)]
    outcomes = {folded(*order).model_dump_json() for order in permutations(commands)}
    assert len(outcomes) == 1
    assert standing(folded(*commands)) == ["ada"]


def test_hearing_it_in_pieces_gives_the_same() -> None:
    commands = [sign("bob", 1), sign("ada", 2), withdraw("cyd", 3), sign("ada", 4)]
    pieces = empty()
    for command in commands:
        pieces = folded(command, command, onto=pieces)
    assert pieces == folded(*commands)


def test_what_was_withdrawn_is_not_signed_by_an_older_comment() -> None:
    withdrawn = folded(withdraw("cyd", 3))
    _, refused = fold([(sign("bob", 2), GOOD)], CONTRACT, withdrawn, ROLLOUT)
    assert list(refused.values()) == [f"cyd has taken {ITEM} back since"]
    assert describe(empty(), withdrawn) == f"{ITEM} withdrawn by cyd"


def test_a_claim_is_known_or_counted() -> None:
    signoff = folded(sign("bob", 2), withdraw("cyd", 3), sign("bob", 4))
    known = (sign("bob", 2), sign("bob", 4), sign("bob", 5))
    assert [is_known(command, signoff) for command in known] == [True, True, False]
    counted = (sign("bob", 2), sign("bob", 4), withdraw("cyd", 3))
    assert [is_counted(command, signoff) for command in counted] == [False, True, True]
    assert is_known(withdraw("cyd", 3), signoff)


@pytest.mark.parametrize(
    ("command", "grounds", "why"),
    [
        (sign("bob", 1, "vibes"), GOOD, "there is no item vibes; people sign: "),
        (sign("bob", 1, ""), GOOD, "there is no item without a name"),
        (sign("bob", 1, "unified-harness"), GOOD, "unified-harness is proved by the machine (harness)"),
        (sign("bob", 1, edited=True), GOOD, "the comment was edited"),
        (sign("bob", -1), GOOD, "it was said before this rollout began"),
        (sign("rollout", 1), GOOD, "rollout is the tool's own name"),
        (sign("", 1), GOOD, "whose account it was"),
        (sign("olga", 1, "final-approval"), GOOD, "who wrote the release does not approve it"),
        (
            sign("bob", 1),
            Grounds(permission="read"),
            "it takes write access to the repository, and bob has read",
        ),
        (sign("bob", 1), Grounds(), "it takes write access to the repository, and bob has none"),
        (sign("bob", 1), Grounds(may_write=True, problem="there is no run 4"), "there is no run 4"),
        (withdraw("bob", 1, ""), GOOD, "say why"),
        (withdraw("", 1), GOOD, "whose account it was"),
        (withdraw("bob", 1), Grounds(), "it takes write access"),
    ],
)
def test_what_does_not_count_says_why(command: SignoffCommand, grounds: Grounds, why: str) -> None:
    signoff, refused = fold([(command, grounds)], CONTRACT, empty(), ROLLOUT)
    assert signoff == empty()
    assert refused[command].startswith(why)


def test_a_withdrawal_takes_the_role_or_a_signature() -> None:
    policy = CONTRACT.signoff
    roles = policy.roles.model_copy(update={"owner": ("ada",)})
    contract = CONTRACT.model_copy(update={"signoff": policy.model_copy(update={"roles": roles})})
    signed = folded(sign("bob", 1))
    assert refusal(withdraw("eve", 2), contract, signed, ROLLOUT) == "owner of this release: ada"
    assert refusal(withdraw("BOB", 2), contract, signed, ROLLOUT) == ""
    assert refusal(withdraw("ada", 2), contract, signed, ROLLOUT) == ""


def test_nothing_counts_while_blocked_or_without_a_release() -> None:
    blocked = checklist.block(empty(), "incident-1", START)
    assert "blocked by incident" in refusal(sign("bob", 1), CONTRACT, blocked, ROLLOUT)
    assert "before this rollout" in refusal(sign("bob", 1), CONTRACT, empty(), Rollout(train="tau"))


def test_a_crowd_is_cut() -> None:
    crowd = folded(*(sign(f"p{count}", count) for count in range(MOST_PEOPLE + 5)))
    assert len(crowd.items[ITEM].signatures) == MOST_PEOPLE
    assert "have signed it already" in refusal(sign("late", 99), CONTRACT, crowd, ROLLOUT)
    assert refusal(sign("p0", 99), CONTRACT, crowd, ROLLOUT) == ""


# --- what stops counting -----------------------------------------------------------------------------------


def said(command: SignoffCommand, **changes: Any) -> Comment:
    return replace(command.comment, **changes)


@pytest.mark.parametrize(
    ("comments", "whole", "why"),
    [
        ([said(sign("bob", 2))], True, None),
        ([], False, None),
        ([], True, "its comment was deleted"),
        ([said(sign("bob", 2), edited=True)], False, "its comment was edited"),
        ([said(sign("bob", 2), author="mallory")], True, "its comment is of another account now"),
        ([said(sign("bob", 2), author="BOB")], True, None),
    ],
)
def test_a_signature_goes_with_its_comment(comments: list[Comment], whole: bool, why: str | None) -> None:
    signed = folded(sign("bob", 2))
    after = lapse_comments(signed, comments, ISSUE, whole=whole, at=minutes(9))
    (signature,) = after.items[ITEM].signatures
    assert (signature.ended.reason if signature.ended else None) == why
    if why:
        assert describe(signed, after) == f"{ITEM} by bob lapsed"


def test_what_was_signed_on_an_issue_that_is_gone_stays() -> None:
    signed = folded(sign("bob", 2))
    assert lapse_comments(signed, [], f"{ISSUE}1", whole=True, at=minutes(9)) == signed
    by_command = checklist.sign(empty(), ITEM, "docs/a.md", "bob", START)
    assert lapse_comments(by_command, [], ISSUE, whole=True, at=minutes(9)) == by_command


def test_a_signature_goes_with_its_evidence() -> None:
    signed = folded(sign("bob", 2), sign("ada", 3))
    here = {(ITEM, "bob"): GOOD}
    assert lapse_evidence(signed, here, minutes(9)) == signed
    for now in (Grounds(digest="other"), Grounds(problem="there is no run 4")):
        assert standing(lapse_evidence(signed, {(ITEM, "bob"): now}, minutes(9))) == ["ada"]


# --- what verify takes -------------------------------------------------------------------------------------


def test_what_was_folded_is_taken() -> None:
    before = folded(sign("bob", 1))
    for after in (
        folded(sign("ada", 2), onto=before),
        folded(withdraw("cyd", 3), onto=before),
        folded(sign("bob", 4), onto=before),
        lapse_comments(before, [], ISSUE, whole=True, at=minutes(9)),
        before.model_copy(update={"read_until": minutes(3)}),
    ):
        assert problem(before, after, CONTRACT, ROLLOUT) == ""


def forged(**changes: object) -> Signoff:
    signed = folded(sign("bob", 1))
    (signature,) = signed.items[ITEM].signatures
    item = signed.items[ITEM].model_copy(update={"signatures": (signature.model_copy(update=changes),)})
    return replaced(signed, ITEM, item)


def replaced(signoff: Signoff, name: str, item: object) -> Signoff:
    return signoff.model_copy(update={"items": {name: item}})


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (forged(by="rollout"), "it is not for people to sign"),
        (forged(commit="9" * 40), "signed for another commit"),
        (forged(at=minutes(-5)), "signed before the rollout began"),
        (forged(evidence=""), "signed without evidence"),
        (forged(digest=""), "signed without evidence"),
        (empty().model_copy(update={"blocked": "x"}), "more than signatures changed"),
        (empty().model_copy(update={"author": "eve"}), "another author"),
        (replaced(folded(sign("bob", 1)), "vibes", folded(sign("bob", 1)).items[ITEM]), "no such item"),
        (replaced(empty(), "unified-harness", folded(sign("bob", 1)).items[ITEM]), "not for people"),
        (replaced(empty(), "final-approval", folded(sign("olga", 1)).items[ITEM]), "olga may not sign it"),
    ],
)
def test_what_no_comment_could_have_done_is_named(after: Signoff, why: str) -> None:
    assert why in problem(empty(), after, CONTRACT, ROLLOUT)


def test_what_was_there_is_not_undone() -> None:
    before = folded(sign("bob", 1), withdraw("cyd", 2), sign("bob", 3), sign("ada", 4))
    item = before.items[ITEM]
    ada, bob = item.signatures
    assert item.withdrawn is not None
    later = item.withdrawn.model_copy(update={"at": minutes(9)})
    newer, other = (
        bob.model_copy(update={"at": minutes(8)}),
        bob.model_copy(update={"evidence": "docs/b.md"}),
    )
    cases: dict[str, dict[str, object]] = {
        "a signature is gone": {"signatures": (bob,)},
        "a withdrawal is gone": {"withdrawn": None},
        "somebody signed twice": {"signatures": (ada, bob, bob)},
        "the signature of bob was changed": {"signatures": (ada, other)},
        "it was withdrawn": {"signatures": (ada, newer), "withdrawn": later},
    }
    for why, changes in cases.items():
        changed = replaced(before, ITEM, item.model_copy(update=changes))
        assert why in problem(before, changed, CONTRACT, ROLLOUT)


def test_an_ended_signature_does_not_live_again() -> None:
    lapsed = lapse_comments(folded(sign("bob", 1)), [], ISSUE, whole=True, at=minutes(9))
    assert "what ended the signature of bob" in problem(lapsed, folded(sign("bob", 1)), CONTRACT, ROLLOUT)


# --- the window --------------------------------------------------------------------------------------------


def test_the_key_needs_a_release() -> None:
    assert key_of(ROLLOUT) == "signoff/tau/v0.1.5"
    with pytest.raises(ValueError, match="needs a release"):
        key_of(Rollout(train="tau"))


def test_labels_and_ends() -> None:
    assert labels(CONTRACT, empty()) == ("rollout-signoff",)
    assert labels(CONTRACT, checklist.block(empty(), "i", START)) == ("rollout-signoff", "rollout-blocked")
    assert is_open(WORLD.state)
    ended = {outcome: is_over(ROLLOUT.model_copy(update={"outcome": outcome})) for outcome in Outcome}
    over = [Outcome.COMPLETE, Outcome.ROLLED_BACK, Outcome.WITHDRAWN]
    assert [outcome for outcome, is_ended in ended.items() if is_ended] == over


def test_decisions_rest_on_people_only_once_all_of_the_phase_have_signed() -> None:
    world = World().reach("canary-3")
    assert not waits_on_signatures(world.state)
    world.sign_before("canary-3")
    assert waits_on_signatures(world.state)
    none = TrainState(**{**vars(world.state), "status": None})
    assert not waits_on_signatures(none)
    assert describe(empty(), empty()) == "comments read"
    one = checklist.sign(empty(), ITEM, "docs/proof.md", "bob", START)
    both = checklist.sign(one, ITEM, "docs/proof.md", "cyd", START)
    assert describe(one, both) == f"{ITEM} by cyd"


def test_a_text_that_somebody_changed_is_not_as_it_was_written() -> None:
    body = sealed("- [ ] one\n\n- [ ] two\n")
    assert is_as_written(body)
    assert is_as_written(f"\n{body}\n")
    for changed in (body.replace("[ ]", "[x]", 1), f"{body}\n\nmine", "mine", ""):
        assert not is_as_written(changed)
    assert fingerprint("a\n") == fingerprint("a") != fingerprint("b")
