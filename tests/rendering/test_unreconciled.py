"""Between a person's edit and the next reconcile, `status` says one thing, and reconcile does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from rollout.core.state import Freeze, UnusableFile, Verdict
from rollout.rendering.documents import status_document
from rollout.rendering.terminal import status_view
from tests.core.world import World

Edit = Callable[[World], object]

HOLDS, OPENS = "every gate holds and the soak is full", "after the merge the next reconcile enters"
BROKEN = "signoff.yaml cannot be read; its last readable version decides, and nothing is promoted"
UNUSABLE = "contract.yaml cannot be used; the one before it decides, and nothing is promoted"


def freeze(world: World) -> None:
    world.edit(frozen=Freeze(reason="not now", at=world.now))


def break_file(world: World, name: str) -> None:
    world.state = replace(world.state, broken=(UnusableFile(f"{name}: no", "fix it", name),))


def break_signoff(world: World) -> None:
    break_file(world, "signoff.yaml")


def break_contract(world: World) -> None:
    world.use_contract(usable=False)


def fixed(edit: Edit) -> Edit:
    """The edit was taken up by a reconcile, and then undone by a person."""

    def then(world: World) -> None:
        edit(world)
        world.offer()
        world.use_contract(usable=True).edit(frozen=None)
        world.state = replace(world.state, broken=())

    return then


def merged(edit: Edit) -> Edit:
    """It came after a merge that no reconcile has seen."""

    def then(world: World) -> None:
        world.merge()
        edit(world)

    return then


class Shown(NamedTuple):
    next: str
    why: str = HOLDS
    """The first reason of the decision."""
    decision: Verdict = Verdict.PROMOTE


ON_HOLD = Verdict.HOLD
UNDONE = "the next reconcile undoes the change by hand and freezes"
AGAIN = "the next reconcile judges again what was changed by hand"
SHOWN: dict[str, tuple[Edit, Shown]] = {
    "nothing": (lambda _: None, Shown(f"{OPENS} canary-2 at 25 %")),
    "frozen": (freeze, Shown("nothing is promoted while it is frozen", "frozen: not now", ON_HOLD)),
    "broken file": (
        break_signoff,
        Shown("nothing is promoted until signoff.yaml can be read again", BROKEN, ON_HOLD),
    ),
    "broken contract": (
        break_contract,
        Shown("nothing is promoted until the contract can be used again", UNUSABLE, ON_HOLD),
    ),
    "unfrozen": (fixed(freeze), Shown(AGAIN, "frozen: not now", ON_HOLD)),
    "fixed file": (fixed(break_signoff), Shown(AGAIN, BROKEN, ON_HOLD)),
    "fixed contract": (fixed(break_contract), Shown(AGAIN, UNUSABLE, ON_HOLD)),
    "another percent": (
        lambda world: world.edit(canary_percent=7),
        Shown(
            f"{UNDONE}: canary percent changed to 7 without a phase",
            "rollout.yaml was changed by hand: canary percent changed to 7 without a phase",
            ON_HOLD,
        ),
    ),
    "broken rollout.yaml": (
        lambda world: break_file(world, "rollout.yaml"),
        Shown(f"{UNDONE}: rollout.yaml cannot be read", "rollout.yaml cannot be read", ON_HOLD),
    ),
    "merged": (
        merged(lambda _: None),
        Shown("the next reconcile judges the merge and enters canary-2 at 25 %"),
    ),
    "merged, then frozen": (
        merged(freeze),
        Shown(
            "the next reconcile judges the merge of canary-2 at 25 %;"
            " nothing more is promoted while it is frozen",
            "frozen: not now",
            ON_HOLD,
        ),
    ),
    "merged, then a broken file": (
        merged(break_signoff),
        Shown("canary-2 at 25 % is not entered until signoff.yaml can be read again", BROKEN, ON_HOLD),
    ),
    "merged, then a broken contract": (
        merged(break_contract),
        Shown("canary-2 at 25 % is not entered until the contract can be used again", UNUSABLE, ON_HOLD),
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_status_says_what_holds_before_a_reconcile_has_seen_it(name: str) -> None:
    world, (edit, wanted) = ready(), SHOWN[name]
    edit(world)
    document = status_document(world.state, now=world.now, pull_request=7)
    reasons = document["reasons"]
    assert isinstance(reasons, list)
    assert Shown(str(document["next"]), reasons[0], Verdict(str(document["decision"]))) == wanted
    shown = status_view(world.state, now=world.now, pull_request=7, columns=200)
    assert ("ready for canary-2" in shown) is (wanted.decision is Verdict.PROMOTE)
    may_be_merged = wanted.decision is Verdict.PROMOTE and world.rollout == world.status.legal
    assert ("merge pull request #7" in shown) is may_be_merged


@pytest.mark.parametrize("name", SHOWN)
def test_the_next_reconcile_does_so(name: str) -> None:
    world, (edit, wanted) = ready(), SHOWN[name]
    edit(world)
    world.offer()
    if wanted.next.startswith(UNDONE):
        assert world.rollout.frozen is not None
        assert wanted.next == f"{UNDONE}: {world.rollout.frozen.reason.removeprefix('illegal step: ')}"
        return
    is_entered = world.status.phase == "canary-2"
    assert is_entered is (wanted.next.startswith("the next reconcile judges the merge"))
    goes_on = wanted.decision is Verdict.PROMOTE or wanted.next == AGAIN
    if not is_entered:
        assert (world.status.decision.verdict is Verdict.PROMOTE) is goes_on
        assert (wanted.why in world.status.decision.reasons) is (wanted.next != AGAIN)


def ready() -> World:
    """A release for which the pull request to canary-2 is open."""
    world = World().reach("canary-1")
    soak = world.contract.phase("canary-1").soak
    assert isinstance(soak, int)
    world.sign_before("canary-1").soak(soak)
    assert world.status.decision.verdict is Verdict.PROMOTE
    return world
