"""`rollout status` and `history`."""

from __future__ import annotations

import pytest

from rollout.commands.freeze import freeze
from rollout.commands.history import history
from rollout.commands.status import status
from rollout.commands.unfreeze import unfreeze
from rollout.core.forge import PullRequest
from rollout.core.state import Freeze
from rollout.errors import InputError, OutsideError
from tests.fakes.forge import FakeForge
from tests.world import OTHER_COMMIT, TAU, World


class DownForge(FakeForge):
    def pull_requests(self, prefix: str) -> list[PullRequest]:
        raise OutsideError("the forge is down")


def test_status_names_the_open_promotion() -> None:
    world = World().play_to("canary-1")
    assert status(world.store, world.forge, TAU) == (world.state, None)
    world.soak()
    (pull,) = world.forge.open_pulls()
    assert status(world.store, world.forge, TAU) == (world.state, pull.number)
    assert pull.number == 2


def test_status_works_without_the_forge() -> None:
    world = World()
    assert status(world.store, DownForge(world.store), TAU) == (world.state, None)


def test_status_of_a_train_that_is_not_there() -> None:
    world = World()
    with pytest.raises(InputError, match="no train nobody"):
        status(world.store, world.forge, "nobody")


@pytest.fixture(scope="module")
def two_releases() -> World:
    world = World().play_to("general-availability")
    world.sign("final-approval")
    world.soak()
    world.start("v0.1.6", OTHER_COMMIT)
    world.ci("failure", commit=OTHER_COMMIT)
    world.tick()
    return world


@pytest.mark.parametrize(
    ("release", "event", "events"),
    [
        ("v0.1.6", None, ["signoff", "observe", "start"]),
        (None, "start", ["start", "start"]),
        ("v0.1.5", "enter", ["enter"] * 4),
        ("v0.1.6", "enter", []),
        ("v9.9.9", None, []),
    ],
)
def test_history_is_filtered_newest_first(
    two_releases: World, release: str | None, event: str | None, events: list[str]
) -> None:
    found = history(two_releases.store, TAU, release, event)
    assert [entry.trailers["Rollout-Event"] for entry in found] == events


def test_history_tells_what_people_did_to_rollout_yaml() -> None:
    world = World().play_to("canary-1")
    world.edit(frozen=Freeze(reason="look at it", at=world.now))
    world.reconcile()
    world.edit(frozen=None)
    world.reconcile()
    world.edit(canary_percent=50)
    world.edit_contract(channel=world.state.contract.channel)
    events = [
        entry.trailers.get("Rollout-Event")
        for entry in history(world.store, TAU, None, None)
        if entry.is_worked_out or "Rollout-Event" not in entry.trailers
    ]
    # A percent without a phase is no step; the merge brought the promotion's own commit along.
    assert events[:3] == [None, "unfreeze", "freeze"]
    assert set(events[3:]) == {None}


def test_history_has_a_freeze_once_whoever_wrote_it() -> None:
    world = World().play_to("canary-1")
    freeze(world.store, world.clock, TAU, "lunch")
    world.reconcile()
    unfreeze(world.store, world.clock, TAU, "back")
    world.reconcile()
    world.edit(frozen=Freeze(reason="look at it", at=world.now))
    world.reconcile()
    assert world.events().count("freeze") == 3, "reconcile records what it saw"
    told = [
        (entry.trailers.get("Rollout-Event"), entry.is_worked_out)
        for entry in history(world.store, TAU, None, None)
    ]
    assert told[:3] == [("freeze", True), ("unfreeze", False), ("freeze", False)]
    assert len(list(history(world.store, TAU, None, "freeze"))) == 2


def test_history_has_the_commits_of_people_too(two_releases: World) -> None:
    subjects = [entry.subject for entry in history(two_releases.store, TAU, None, None)]
    assert "Merge pull request #1 from rollout/tau/v0.1.5/canary-1" in subjects
    assert len(subjects) == len(two_releases.events())
