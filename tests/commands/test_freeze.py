"""`rollout freeze` and `unfreeze`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.commands.freeze import freeze, require_rollout
from rollout.commands.rollback import Dispatch, roll_back
from rollout.commands.unfreeze import unfreeze
from rollout.commands.verify import verify
from rollout.commands.withdraw import withdraw
from rollout.core.contract import Action, ThresholdTrigger
from rollout.core.state import Freeze, Outcome, Verdict
from rollout.errors import InputError, RefusedError
from tests.world import TAU, World

DEGRADED = {"voice": {"health_state": "degraded"}}


@pytest.fixture
def world() -> World:
    return World().play_to("canary-1")


def go(world: World, command: object = freeze, reason: str = "lunch") -> str | None:
    assert callable(command)
    commit = command(world.store, world.clock, TAU, reason).commit
    assert commit is None or isinstance(commit, str)
    return commit


def test_a_freeze_is_desired_state_that_reconcile_takes_up(world: World) -> None:
    go(world)
    assert world.rollout.frozen == Freeze(reason="lunch", at=world.now)
    assert world.status.legal.frozen is None
    world.reconcile()
    assert world.status.legal == world.rollout
    assert world.status.decision.reasons[0] == "frozen: lunch"
    assert world.events()[-2:] == ["freeze", "freeze"]


def test_a_freeze_closes_the_promotion_and_the_end_of_it_opens_another(world: World) -> None:
    world.soak()
    (pull,) = world.forge.open_pulls()
    go(world)
    world.reconcile()
    assert world.forge.open_pulls() == []
    assert world.forge.comments == [(pull.number, "The rollout is frozen: lunch")]
    go(world, unfreeze, "back")
    world.reconcile()
    assert world.verdict is Verdict.PROMOTE
    assert [each.head for each in world.forge.open_pulls()] == [pull.head]


def test_soak_is_earned_while_frozen(world: World) -> None:
    go(world)
    world.tick()
    world.tick()
    assert world.status.soak.earned_seconds == 600


def test_frozen_stays_as_it_is(world: World) -> None:
    go(world)
    assert go(world, reason="another") is None
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.reason == "lunch"


def test_a_reason_is_one_line_and_not_endless(world: World) -> None:
    go(world, reason="  one\n\ntwo " + "x" * 600)
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.reason.startswith("one two xxx")
    assert len(world.rollout.frozen.reason) == 500


def test_what_nobody_sees_in_a_reason_goes(world: World) -> None:
    go(world, reason="look \u202etxt\u200b \U000e0041here")
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.reason == "look txt here"


@pytest.mark.parametrize("command", [freeze, unfreeze])
def test_a_reason_is_needed(world: World, command: object) -> None:
    with pytest.raises(InputError, match="--reason is empty"):
        go(world, command, " \n ")


@pytest.mark.parametrize(
    ("command", "says"),
    [(freeze, "tau has no rollout in progress"), (unfreeze, "tau is not frozen")],
)
def test_nothing_to_freeze(command: object, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        go(World(), command)


def test_an_incident_is_not_thawed(world: World) -> None:
    world.tick(DEGRADED)
    world.tick(DEGRADED)
    assert world.state.incident is not None
    with pytest.raises(RefusedError, match=world.state.incident.id) as caught:
        go(world, unfreeze)
    assert caught.value.hint == "see what the rollback waits for: rollout status"


def test_what_rolls_back_is_frozen_already(world: World) -> None:
    world.tick(DEGRADED)
    world.tick(DEGRADED)
    assert go(world) is None


def test_what_completed_is_rolled_back_instead_of_frozen(world: World) -> None:
    ended = world.status.legal.model_copy(update={"outcome": Outcome.COMPLETE})
    status = world.status.model_copy(update={"legal": ended})
    with pytest.raises(RefusedError, match="it is complete") as caught:
        require_rollout(replace(world.state, status=status))
    assert caught.value.hint == "to take back what everybody runs: rollout rollback --reason WHY"


def test_what_rolls_back_is_not_thawed_even_when_somebody_hid_the_incident(world: World) -> None:
    world.tick(DEGRADED)
    world.tick(DEGRADED)
    world.edit(frozen=Freeze(reason="by hand", at=world.now))
    assert world.rollout.outcome is Outcome.ROLLING_BACK
    with pytest.raises(RefusedError, match="no rollout in progress"):
        go(world, unfreeze)


@pytest.mark.parametrize("command", [freeze, unfreeze])
def test_an_edit_brings_nothing_back_that_has_ended(command: object) -> None:
    world = World().play_to("preflight")
    withdraw(world.store, world.clock, TAU, "a wrong tag", "ada")
    world.edit(outcome=Outcome.IN_PROGRESS)
    with pytest.raises(RefusedError, match="no rollout in progress: it is withdrawn"):
        go(world, command)


def test_an_edit_takes_the_brake_from_nothing_that_goes_on(world: World) -> None:
    world.edit(outcome=Outcome.COMPLETE)
    go(world)
    world.reconcile()
    assert world.rollout.outcome is Outcome.IN_PROGRESS
    assert world.rollout.frozen is not None


def test_a_freeze_meanwhile_loses_nothing(world: World) -> None:
    world.writes.step_in(1, "before", lambda: world.reconcile(world.observe()))
    go(world)
    assert world.events()[-2:] == ["observe", "freeze"]
    assert world.rollout.frozen is not None


# --- a trigger that freezes and nothing more --------------------------------------------------------------


SLOW = {"voice": {"fields": {"latency": 3}}}
FAST = {"voice": {"fields": {"latency": 1}}}


@pytest.fixture
def watched(world: World) -> World:
    """A train in canary-1 with one trigger, which only freezes."""
    world.edit_contract(
        triggers=(
            ThresholdTrigger(
                name="slow",
                kind="threshold",
                field="latency",
                at_least=2,
                surfaces=("voice",),
                actions=(Action.FREEZE,),
            ),
        )
    )
    world.reconcile()
    world.tick(FAST)
    return world


def test_a_trigger_that_only_freezes_closes_the_promotion_and_opens_no_incident(watched: World) -> None:
    watched.soak()
    (pull,) = watched.forge.open_pulls()
    report = watched.tick(SLOW)
    assert watched.rollout.frozen == Freeze(reason="slow (voice): latency=3", at=watched.now)
    assert (watched.rollout.outcome, watched.state.incident) == (Outcome.IN_PROGRESS, None)
    assert watched.forge.open_pulls() == []
    assert watched.forge.comments == [(pull.number, "The rollout is frozen: slow (voice): latency=3")]
    assert "open_incident" not in [row["kind"] for row in report.rows()]
    assert (report.froze, report.illegal) == ("slow (voice): latency=3", "")
    assert watched.reconcile().steps == []
    assert watched.reconcile().froze == ""


def test_a_trigger_that_rolls_back_does_so_on_a_train_that_one_has_frozen(watched: World) -> None:
    watched.tick(SLOW)
    breach = ThresholdTrigger(
        name="breach",
        kind="threshold",
        field="failure_streak",
        at_least=3,
        actions=(Action.FREEZE, Action.ROLLBACK),
    )
    watched.edit_contract(triggers=(*watched.state.contract.triggers, breach))
    watched.tick({"voice": {"fields": {"latency": 3, "failure_streak": 3}}})
    assert watched.rollout.outcome is Outcome.ROLLING_BACK
    assert watched.state.incident is not None
    assert [finding.trigger for finding in watched.state.incident.triggers] == ["breach"]


def test_what_froze_and_went_on_can_be_verified(watched: World) -> None:
    watched.tick(SLOW)
    go(watched, unfreeze, "a known hiccup")
    watched.tick(SLOW)
    assert watched.status.decision.reasons[0] == "slow (voice): latency=3"
    watched.tick(FAST)
    watched.tick(SLOW)
    assert watched.rollout.frozen is not None
    assert verify(watched.store, TAU, None).problems == []


def test_a_rollback_whose_freeze_was_edited_away_is_put_back_by_reconcile() -> None:
    world = World().play_to("canary-1")
    roll_back(world.store, world.clock, TAU, Dispatch("customers call", "ada"), tuple)
    world.edit(frozen=None)
    with pytest.raises(RefusedError, match="tau is rolling back, which stays frozen") as caught:
        freeze(world.store, world.clock, TAU, "stop")
    assert caught.value.hint == "put it back: rollout reconcile"
    world.reconcile()
    assert world.rollout.frozen is not None
    assert verify(world.store, TAU, None).findings == ()
