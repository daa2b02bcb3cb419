import pytest

from rollout.core import signoff
from rollout.core.contract import SignoffGate
from rollout.core.gates import signoff as gate
from rollout.core.state import Result, Rollout
from tests.core.world import COMMIT, START, World, contract_of


def test_nothing_is_signed_without_a_checklist_or_a_release() -> None:
    world = World()
    (item, *_) = world.contract.signoff.items
    assert not signoff.is_signed(item, None, world.rollout)
    assert not signoff.is_signed(item, world.state.signoff, Rollout(train="tau"))


def test_a_checklist_needs_a_release() -> None:
    with pytest.raises(ValueError, match="a checklist needs a release"):
        signoff.for_release(Rollout(train="tau"))


def test_every_before_has_an_entry_even_when_all_is_signed() -> None:
    world = World()
    world.sign(*(item.id for item in world.contract.signoff.items))
    missing = signoff.unsigned(world.contract, world.state.signoff, world.rollout)
    assert missing == {"general-availability": (), "complete": ()}


def test_a_signature_says_who_when_and_for_which_commit() -> None:
    checklist = signoff.sign(
        signoff.for_release(World().rollout), "final-approval", "https://e.x/1", "bob", START
    )
    signed = checklist.items["final-approval"]
    assert (signed.evidence, signed.by, signed.at, signed.commit) == ("https://e.x/1", "bob", START, COMMIT)


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
    signed = world.state.signoff.items["unified-harness"]
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


def test_a_gate_whose_items_do_not_exist_stays_shut() -> None:
    world = World(contract_of())
    asked = SignoffGate(kind="signoff", before="no-such-phase")
    (leaf,) = gate.evaluate(asked, world.view())
    assert (leaf.result, leaf.seen) == (Result.UNKNOWN, "no item is before no-such-phase")
