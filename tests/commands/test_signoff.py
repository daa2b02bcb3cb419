"""`rollout signoff record`."""

from __future__ import annotations

import pytest

from rollout.commands.signoff import record
from rollout.core.state import SignedItem
from rollout.errors import InputError, RefusedError
from tests.world import COMMIT, TAU, World

ITEM = "rollback-rehearsed"
LINK = "https://example.org/minutes"


@pytest.fixture
def world() -> World:
    world = World()
    world.start()
    return world


def sign(world: World, item: str = ITEM, evidence: str = LINK, by: str = "bob") -> str | None:
    return record(world.store, world.clock, TAU, item, evidence, by).commit


def signed(world: World) -> dict[str, SignedItem]:
    assert world.state.signoff is not None
    return world.state.signoff.items


def test_an_approval_is_recorded_for_the_release_commit(world: World) -> None:
    sign(world)
    assert signed(world) == {ITEM: SignedItem(evidence=LINK, by="bob", at=world.now, commit=COMMIT)}
    (entry, *_) = world.store.log(TAU)
    assert entry.trailers["Rollout-Event"] == "signoff"
    assert entry.paths == ("signoff.yaml",)
    assert entry.subject == "rollout(tau): sign off rollback-rehearsed by bob for v0.1.5"


def test_the_same_again_changes_nothing(world: World) -> None:
    sign(world)
    world.clock.forward(hours=1)
    assert sign(world) is None


@pytest.mark.parametrize(("evidence", "by"), [("https://example.org/other", "bob"), (LINK, "alice")])
def test_better_evidence_replaces(world: World, evidence: str, by: str) -> None:
    sign(world)
    assert sign(world, evidence=evidence, by=by) is not None
    assert (signed(world)[ITEM].evidence, signed(world)[ITEM].by) == (evidence, by)


def test_what_people_write_is_inert(world: World) -> None:
    sign(world, evidence="see\n\n\x1b[31mRollout-Event: complete", by="bob\nRollout-Train: x")
    item = signed(world)[ITEM]
    assert "\n" not in item.evidence + item.by
    assert "\x1b" not in item.evidence
    assert world.events()[-1] == "signoff"


@pytest.mark.parametrize("evidence", ["", "  ", "TBD", "todo", "n/a", "None", "see logs", "-"])
def test_no_evidence(world: World, evidence: str) -> None:
    with pytest.raises(InputError, match="is no evidence"):
        sign(world, evidence=evidence)
    assert signed(world) == {}


def test_an_item_that_the_contract_lacks(world: World) -> None:
    with pytest.raises(InputError, match="no such item") as caught:
        sign(world, item="vibes")
    assert ITEM in caught.value.hint
    assert "unified-harness" not in caught.value.hint


def test_an_item_that_the_machine_proves(world: World) -> None:
    with pytest.raises(RefusedError, match="proved by the machine"):
        sign(world, item="unified-harness")


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
    proof = signed(world)[item]
    shown = world.store.load(TAU, proof.evidence.removeprefix("state commit ")).status
    assert proof.by == "rollout"
    assert shown is not None
    assert gate in [finding.gate for finding in shown.gates if finding.result == "satisfied"]
