"""`rollout signoff record`."""

from __future__ import annotations

import pytest

from rollout.commands.signoff import record
from rollout.commands.verify import verify
from rollout.core.signoff.checklist import is_signed
from rollout.core.state import Signature
from rollout.errors import InputError, RefusedError
from rollout.ports import Permission
from tests.world import COMMIT, TAU, World

ITEM = "rollback-rehearsed"
PATH = "docs/minutes.md"


@pytest.fixture
def world() -> World:
    world = World()
    world.start()
    world.issues.may["alice"] = Permission.MAINTAIN
    return world


def sign(world: World, item: str = ITEM, evidence: str = PATH, by: str = "bob") -> str | None:
    return record(world.store, world.issues, world.evidence, world.clock, TAU, item, evidence, by).commit


def signed(world: World, item: str = ITEM) -> list[Signature]:
    assert world.state.signoff is not None
    found = world.state.signoff.items.get(item)
    return list(found.signatures) if found else []


def test_an_approval_is_recorded_for_the_release_commit(world: World) -> None:
    sign(world)
    assert signed(world) == [
        Signature(
            evidence=PATH, digest=PATH, by="bob", at=world.now, commit=COMMIT, permission=Permission.WRITE
        )
    ]
    (entry, *_) = world.store.log(TAU)
    assert entry.trailers["Rollout-Event"] == "signoff"
    assert entry.paths == ("signoff.yaml",)
    assert entry.subject == "rollout(tau): sign-off of v0.1.5: rollback-rehearsed by bob"


def test_the_same_again_changes_nothing(world: World) -> None:
    sign(world)
    world.clock.forward(hours=1)
    assert sign(world) is None


def test_better_evidence_replaces_and_a_second_person_adds(world: World) -> None:
    sign(world)
    world.clock.forward(hours=1)
    sign(world, evidence="docs/other.md")
    sign(world, by="alice")
    assert [(one.by, one.evidence) for one in signed(world)] == [("alice", PATH), ("bob", "docs/other.md")]


def test_what_people_write_is_inert(world: World) -> None:
    with pytest.raises(InputError, match="no path inside") as refused:
        sign(world, evidence="../see\n\n\x1b[31mRollout-Event: complete")
    assert "\x1b" not in str(refused.value)
    world.issues.may["bob Rollout-Train: x"] = Permission.WRITE
    sign(world, by="bob\nRollout-Train: x")
    assert [one.by for one in signed(world)] == ["bob Rollout-Train: x"]


@pytest.mark.parametrize("evidence", ["", "  ", "TBD", "todo", "n/a", "None", "see logs", "-"])
def test_no_evidence(world: World, evidence: str) -> None:
    with pytest.raises(InputError, match="is no evidence"):
        sign(world, evidence=evidence)
    assert signed(world) == []


def test_evidence_that_is_not_there(world: World) -> None:
    world.evidence.gone.add(PATH)
    with pytest.raises(RefusedError, match=r"there is no path docs/minutes\.md at 1111111111"):
        sign(world)


def test_an_item_that_the_contract_lacks(world: World) -> None:
    with pytest.raises(InputError, match="no such item") as caught:
        sign(world, item="vibes")
    assert ITEM in caught.value.hint
    assert "unified-harness" not in caught.value.hint


def test_an_item_that_the_machine_proves(world: World) -> None:
    with pytest.raises(RefusedError, match="proved by the machine"):
        sign(world, item="unified-harness")


def test_somebody_who_may_not_write(world: World) -> None:
    with pytest.raises(RefusedError, match="it takes write access to the repository, and eve has none"):
        sign(world, by="eve")


def test_who_wrote_the_release_does_not_approve_it(world: World) -> None:
    world.issues.may["olga"] = Permission.ADMIN
    with pytest.raises(RefusedError, match="who wrote the release does not approve it"):
        sign(world, item="final-approval", by="olga")
    sign(world, item="final-approval", by="bob")
    assert world.state.signoff is not None
    assert world.state.signoff.author == "olga"


def test_whoever_wrote_a_part_of_the_release_does_not_approve_it(world: World) -> None:
    """The whole range counts: authors, co-authors, and who opened its pull requests."""
    world.evidence.others = ("Ada", "zoe")
    world.issues.may |= dict.fromkeys(("ada", "zoe"), Permission.ADMIN)
    for writer in ("ada", "zoe", "olga"):
        with pytest.raises(RefusedError, match="who wrote the release does not approve it"):
            sign(world, item="final-approval", by=writer)
    sign(world, item="final-approval", by="bob")
    assert world.state.signoff is not None
    assert world.state.signoff.authors == ("olga", "Ada", "zoe")
    world.evidence.others = ()
    sign(world, by="bob")
    assert verify(world.store, TAU, None).problems == []


def test_what_keeps_the_writers_from_being_known_is_named(world: World) -> None:
    world.evidence.authors = {}
    unknown = "nobody knows whether the release is by somebody else: commit 1111111111 belongs to no account"
    with pytest.raises(RefusedError, match=unknown):
        sign(world, item="final-approval", by="bob")
    assert world.state.signoff is not None
    assert world.state.signoff.authors == ()


def test_an_approval_that_an_older_tool_recorded_is_judged_anew(world: World) -> None:
    """It knew the release commit's author only; here one of the other writers has approved."""
    world.issues.may["ada"] = Permission.ADMIN
    sign(world, item="final-approval", by="ada")
    signoff = world.state.signoff
    assert signoff is not None
    older = signoff.model_copy(update={"authors": ()})
    assert older.writers == ("olga",)
    told = older.model_copy(update={"authors": ("olga", "ada")})
    contract, rollout = world.state.contract, world.rollout
    item = next(each for each in contract.signoff.items if each.id == "final-approval")
    assert is_signed(item, contract, older, rollout)
    assert not is_signed(item, contract, told, rollout)


def test_a_token_signs_for_its_owner_only(world: World) -> None:
    world.issues.me = "bob"
    with pytest.raises(RefusedError, match="alice cannot be signed for with the token of bob"):
        sign(world, by="alice")
    sign(world, by="")
    assert [one.by for one in signed(world)] == ["bob"]
    world.issues.me = "rollout-app[bot]"
    with pytest.raises(RefusedError, match="is no person"):
        sign(world, by="")


def test_without_a_rollout() -> None:
    with pytest.raises(RefusedError, match="no rollout in progress"):
        sign(World())


def test_a_checklist_that_an_incident_blocks() -> None:
    world = World().play_to("canary-1")
    world.ci("failure")
    world.tick()
    assert world.state.incident is not None
    assert world.state.signoff is not None
    assert world.state.signoff.blocked == world.state.incident.id
    with pytest.raises(RefusedError):
        sign(world)


@pytest.mark.parametrize(
    ("item", "gate"),
    [
        ("unified-harness", "harness"),
        ("ci-live-smoke", "ci_checks"),
        ("rollback-target", "rollback_target"),
    ],
)
def test_what_the_machine_proves_names_the_commit_that_shows_it(item: str, gate: str) -> None:
    world = World().play_to("canary-1")
    (proof,) = signed(world, item)
    shown = world.store.load(TAU, proof.evidence.removeprefix("state commit ")).status
    assert proof.by == "rollout"
    assert shown is not None
    assert gate in [finding.gate for finding in shown.gates if finding.result == "satisfied"]
