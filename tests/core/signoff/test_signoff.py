from typing import Literal

import pytest

from rollout.core import signoff
from rollout.core.contract import (
    Contract,
    ItemProof,
    Proof,
    Roles,
    SignoffGate,
    SignoffItem,
    find_problems,
)
from rollout.core.decide.gates import signoff as gate
from rollout.core.signoff.checklist import end
from rollout.core.signoff.people import is_named, why_not
from rollout.core.state import Ending, Rehearsal, Result, Rollout, SignatureEnd, Signoff, TriggerState
from tests.core.world import COMMIT, START, World, contract_of

ENDED = SignatureEnd(how=Ending.LAPSED, by="rollout", at=START, reason="its comment was deleted")


def item_of(contract: Contract, name: str) -> SignoffItem:
    return next(item for item in contract.signoff.items if item.id == name)


def with_policy(contract: Contract, **changes: object) -> Contract:
    return contract.model_copy(update={"signoff": contract.signoff.model_copy(update=changes)})


def signed_by(*people: str, item: str = "rollback-rehearsed") -> Signoff:
    checklist = signoff.for_release(World().rollout).model_copy(update={"author": "olga"})
    for person in people:
        checklist = signoff.sign(checklist, item, "docs/a.md", person, START, digest="d")
    return checklist


def test_nothing_is_signed_without_a_checklist_or_a_release() -> None:
    world = World()
    (item, *_) = world.contract.signoff.items
    assert not signoff.is_signed(item, world.contract, None, world.rollout)
    assert not signoff.is_signed(item, world.contract, world.state.signoff, Rollout(train="tau"))


def test_a_checklist_needs_a_release() -> None:
    with pytest.raises(ValueError, match="a checklist needs a release"):
        signoff.for_release(Rollout(train="tau"))


def test_every_before_has_an_entry_even_when_all_is_signed() -> None:
    world = World()
    checklist = world.state.signoff
    assert checklist is not None
    for item in world.contract.signoff.items:
        checklist = signoff.sign(checklist, item.id, "x", "rollout" if item.proof else "bob", START)
    checklist = checklist.model_copy(update={"author": "olga"})
    missing = signoff.unsigned(world.contract, checklist, world.rollout)
    assert missing == {"general-availability": (), "complete": ()}


def test_a_signature_says_who_when_and_for_which_commit() -> None:
    (signed,) = signed_by("bob").items["rollback-rehearsed"].signatures
    assert (signed.evidence, signed.by, signed.at, signed.commit) == ("docs/a.md", "bob", START, COMMIT)


def test_a_signature_for_another_commit_has_lapsed() -> None:
    world = World()
    world.sign("final-approval")
    release = world.rollout.release
    assert release is not None
    moved = world.rollout.model_copy(update={"release": release.model_copy(update={"commit": "9" * 40})})
    found = {item.id: state for item, state in signoff.states(world.contract, world.state.signoff, moved)}
    assert (found["final-approval"], found["unified-harness"]) == ("lapsed", "missing")


def test_what_the_machine_proves_points_to_the_commit_that_shows_it() -> None:
    world = World().rounds(1)
    assert world.state.signoff is not None
    (signed,) = world.state.signoff.items["unified-harness"].signatures
    observed = next(number for number, step in enumerate(world.steps, 1) if step.event == "observe")
    assert (signed.by, signed.evidence) == ("rollout", f"state commit {observed:040x}")


def test_a_blocked_checklist_is_signed_by_nobody() -> None:
    world = World().reach("canary-1")
    checklist = world.state.signoff
    assert checklist is not None
    blocked = checklist.model_copy(update={"blocked": "some-incident", "items": {}})
    proved = signoff.prove(world.contract, world.rollout, world.status, blocked, "a" * 40, START)
    assert proved == (blocked, ())
    assert set(signoff.unsigned(world.contract, blocked, world.rollout)["complete"]) == {
        "monitor-24h",
        "no-unresolved-trigger",
        "final-approval",
    }


def test_a_checklist_of_another_release_is_signed_by_no_proof() -> None:
    """Somebody edited its commit: a signature there would count for nothing, and be made again and again."""
    world = World().rounds(1)
    mine = signoff.for_release(world.rollout)
    _, changed = signoff.prove(world.contract, world.rollout, world.status, mine, "a" * 40, START)
    assert changed
    other = mine.model_copy(update={"commit": "9" * 40})
    assert signoff.prove(world.contract, world.rollout, world.status, other, "a" * 40, START) == (other, ())


def test_a_gate_whose_items_do_not_exist_stays_shut() -> None:
    world = World(contract_of())
    asked = SignoffGate(kind="signoff", before="no-such-phase")
    (leaf,) = gate.evaluate(asked, world.view())
    assert (leaf.result, leaf.seen) == (Result.UNKNOWN, "no item is before no-such-phase")


# --- people ------------------------------------------------------------------------------------------------


def test_an_item_for_two_needs_two_different_people() -> None:
    world = World()
    item = item_of(world.contract, "rollback-rehearsed").model_copy(update={"people": 2})
    for people, left in ((("bob",), 1), (("bob", "BOB"), 1), (("bob", "ada"), 0), (("bob", "rollout"), 1)):
        assert signoff.missing(item, world.contract, signed_by(*people), world.rollout) == left
    half = signed_by("bob")
    assert signoff.state_of(item, world.contract, half, world.rollout) == "missing"


def test_a_second_signature_of_a_person_takes_the_place_of_the_first() -> None:
    twice = signoff.sign(signed_by("bob"), "rollback-rehearsed", "docs/b.md", "Bob", START)
    (signed,) = twice.items["rollback-rehearsed"].signatures
    assert (signed.by, signed.evidence) == ("Bob", "docs/b.md")


def test_a_person_who_loses_the_role_counts_no_more() -> None:
    world = World()
    item = item_of(world.contract, "rollback-rehearsed")
    assert signoff.is_signed(item, world.contract, signed_by("bob"), world.rollout)
    changed = with_policy(world.contract, roles=Roles(owner=("ada",)))
    assert not signoff.is_signed(item, changed, signed_by("bob"), world.rollout)
    assert signoff.state_of(item, changed, signed_by("bob"), world.rollout) == "lapsed"
    assert signoff.is_signed(item, changed, signed_by("ADA"), world.rollout)


def test_people_do_not_sign_what_the_machine_proves() -> None:
    world = World()
    item = item_of(world.contract, "unified-harness")
    checklist = signed_by("bob", item="unified-harness")
    assert not signoff.is_signed(item, world.contract, checklist, world.rollout)


@pytest.mark.parametrize(
    ("rule", "named", "author", "login", "why"),
    [
        ("alone", ("grace", "olga"), "olga", "grace", ""),
        ("alone", ("grace", "olga"), "olga", "Olga", "who wrote the release does not approve it"),
        ("alone", ("olga",), "olga", "olga", ""),
        ("alone", ("olga",), None, "olga", ""),
        ("alone", (), "olga", "olga", "who wrote the release does not approve it"),
        ("alone", (), "olga", "grace", ""),
        ("alone", ("grace",), "olga", "ada", "approver of this release: grace"),
        ("alone", ("grace", "ada"), None, "ada", "nobody knows whether the release is by somebody else"),
        ("never", ("olga",), "olga", "olga", "who wrote the release does not approve it"),
        ("always", (), "olga", "olga", ""),
        ("always", (), None, "olga", ""),
        ("always", (), "olga", "", "whose account it was"),
        ("always", (), "olga", "Rollout", "rollout is the tool's own name"),
    ],
)
def test_who_may_approve(
    rule: Literal["alone", "always", "never"],
    named: tuple[str, ...],
    author: str | None,
    login: str,
    why: str,
) -> None:
    contract = with_policy(World().contract, author_may_approve=rule, roles=Roles(approver=named))
    found = why_not(item_of(contract, "final-approval"), contract.signoff, (author,) if author else (), login)
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_whoever_the_contract_names_is_heard() -> None:
    contract = World().contract
    assert is_named(contract.signoff, "anybody")
    named = with_policy(contract, roles=Roles(owner=("ada",), reviewer=("bob",), approver=("cyd",)))
    assert [is_named(named.signoff, login) for login in ("ADA", "bob", "cyd", "eve")] == [True] * 3 + [False]


def test_the_contract_cannot_ask_for_more_people_than_it_names() -> None:
    contract = with_policy(World().contract, roles=Roles(approver=("ada", "Ada")))
    items = [
        item.model_copy(update={"people": 2}) if item.id in ("final-approval", "monitor-24h") else item
        for item in contract.signoff.items
    ]
    assert find_problems(with_policy(contract, items=tuple(items))) == [
        "signoff.items.13.people: the machine proves it, alone",
        "signoff.items.15.people: 2 have to sign, and signoff.roles.approver names 1",
    ]


# --- what ends a signature ---------------------------------------------------------------------------------


def test_what_ended_is_shown_and_counts_no_more() -> None:
    world = World()
    item = item_of(world.contract, "rollback-rehearsed")
    lapsed = end(signed_by("bob"), item.id, {"bob": ENDED})
    assert signoff.state_of(item, world.contract, lapsed, world.rollout) == "lapsed"
    assert end(lapsed, item.id, {"bob": ENDED.model_copy(update={"reason": "x"})}) == lapsed
    withdrawn = ENDED.model_copy(update={"how": Ending.WITHDRAWN})
    both = end(signed_by("bob"), item.id, {"bob": withdrawn})
    assert signoff.state_of(item, world.contract, both, world.rollout) == "withdrawn"


def test_an_incident_takes_back_all_that_was_signed() -> None:
    world = World()
    blocked = signoff.block(signed_by("bob", "ada"), "20261123t100000z-v0.1.5", START)
    assert blocked.blocked == "20261123t100000z-v0.1.5"
    assert {each.ended.reason for each in blocked.items["rollback-rehearsed"].signatures if each.ended} == {
        "incident 20261123t100000z-v0.1.5"
    }
    opened = blocked.model_copy(update={"blocked": None})
    item = item_of(world.contract, "rollback-rehearsed")
    assert not signoff.is_signed(item, world.contract, opened, world.rollout)


def test_a_proof_that_stops_holding_is_taken_back_and_signed_again() -> None:
    world = World().reach("canary-1").soak(1800)
    assert state_of(world, "canary-1-soaked") == "signed"
    world.wait(minutes=10).observe({"voice": world.sample("voice", fields={"queue_depth": 5})})
    assert state_of(world, "canary-1-soaked") == "withdrawn"
    world.rounds(1).soak(1800)
    assert state_of(world, "canary-1-soaked") == "signed"


def state_of(world: World, name: str) -> str:
    item = item_of(world.contract, name)
    return signoff.state_of(item, world.contract, world.state.signoff, world.rollout)


@pytest.mark.parametrize(("commit", "signed"), [(COMMIT, True), ("f" * 40, False), (None, False)])
def test_a_rehearsal_of_this_release_signs_what_asks_for_one(commit: str | None, signed: bool) -> None:
    world = World()
    item = item_of(world.contract, "rollback-rehearsed").model_copy(
        update={"proof": ItemProof(kind=Proof.REHEARSED)}
    )
    contract = with_policy(world.contract, items=(item,))
    checklist = signoff.for_release(world.rollout)
    rehearsal = commit and Rehearsal(
        train="tau",
        release="v0.1.5",
        commit=commit,
        at=START,
        by="olga",
        target="v0.1.4",
        tip=COMMIT,
        steps=(),
    )
    after, changed = signoff.prove(
        contract, world.rollout, world.status, checklist, COMMIT, START, rehearsal=rehearsal or None
    )
    assert changed == (("rollback-rehearsed",) if signed else ())
    assert signoff.is_signed(item, contract, after, world.rollout) is signed


def test_a_trigger_that_fires_takes_its_proof_back() -> None:
    world = World().reach("general-availability").soak(86400)
    assert state_of(world, "no-unresolved-trigger") == "signed"
    assert world.state.signoff is not None
    (first, *others) = world.status.triggers
    fired = first.model_copy(update={"state": TriggerState.FIRED})
    status = world.status.model_copy(update={"triggers": (fired, *others)})
    _, changed = signoff.prove(
        world.contract, world.rollout, status, world.state.signoff, "a" * 40, world.now
    )
    assert changed == ("no-unresolved-trigger withdrawn",)
