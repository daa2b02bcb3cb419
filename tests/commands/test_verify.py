"""`rollout verify`: each state commit follows from the one before, or is named."""

from __future__ import annotations

import pytest

from rollout.commands import rollback
from rollout.commands.unfreeze import unfreeze
from rollout.commands.verify import Verification, verify
from rollout.core import channel as channels
from rollout.core import start
from rollout.core.decide.advance import begin
from rollout.core.files import ROLLOUT, SIGNOFF, STATUS
from rollout.core.signoff import for_release
from rollout.core.state import CommitMessage, Event, Rollout, Signoff, Soak, StateChange
from rollout.errors import InputError
from rollout.rendering.commits import message
from tests.fakes.store import PERSON, Files
from tests.world import TAU, World

GENEROUS = Soak(earned_seconds=24 * 3600)


@pytest.fixture
def world() -> World:
    world = World().play_to("canary-1")
    world.tick()
    return world


def check(world: World, since: str | None = None) -> Verification:
    return verify(world.store, TAU, since)


def forged(world: World, event: Event) -> CommitMessage:
    """A message like the tool's own."""
    state = world.state
    return message(event, contract=state.contract, rollout=state.rollout, status=state.status)


def found(world: World, files: Files, event: Event | None = None) -> str:
    """A person commits these files; what verify says about that commit, and no other."""
    said = forged(world, event) if event else None
    commit = world.store.edit(TAU, files, at=world.now, message=said)
    world.tick()
    ((named, problem),) = check(world).problems
    assert named == commit
    return problem


def test_what_the_tool_and_people_do_is_sound(world: World) -> None:
    assert check(world) == Verification(commits=len(world.events()), findings=())


def test_it_can_begin_anywhere(world: World) -> None:
    entries = list(world.store.log(TAU))
    assert check(world, entries[3].commit) == Verification(commits=3, findings=())
    assert check(world, world.store.head()) == Verification(commits=0, findings=())


def test_what_came_before_is_not_looked_at(world: World) -> None:
    edited = {STATUS: world.status.model_copy(update={"soak": GENEROUS})}
    commit = world.store.edit(TAU, edited, at=world.now)
    assert check(world, commit).findings == ()
    assert [finding.commit for finding in check(world).findings] == [commit]


@pytest.mark.parametrize("event", [None, Event.OBSERVE, Event.DECIDE, Event.SIGNOFF, Event.CHANNEL])
def test_a_soak_that_nobody_earned(world: World, event: Event | None) -> None:
    problem = found(world, {STATUS: world.status.model_copy(update={"soak": GENEROUS})}, event)
    if event not in (Event.OBSERVE, Event.DECIDE):
        assert problem == "status.yaml: soak.earned_seconds is 86400, recomputed 0"


def test_the_finding_says_who(world: World) -> None:
    world.store.edit(TAU, {STATUS: world.status.model_copy(update={"soak": GENEROUS})}, at=world.now)
    (finding,) = check(world).findings
    assert (finding.author, finding.at) == (PERSON, world.now)


def test_a_start_that_is_further_than_it_should_be() -> None:
    world = World()
    world.start()
    begun = world.rollout
    assert "soak.runs is 1" in begun_by_hand(World(), begun, soak=Soak(runs=1))


def test_a_proof_that_nobody_has(world: World) -> None:
    signoff = world.state.signoff
    assert signoff is not None
    harness = signoff.items["unified-harness"]
    more = signoff.model_copy(update={"items": {**signoff.items, "canary-3-soaked": harness}})
    problem = found(world, {SIGNOFF: more}, Event.SIGNOFF)
    assert problem.startswith("signoff.yaml: items.canary-3-soaked")


def test_a_signature_without_a_command(world: World) -> None:
    assert world.state.signoff is not None
    empty = Signoff(**world.state.signoff.model_dump(by_alias=True, exclude={"items"}))
    assert found(world, {SIGNOFF: empty}).startswith("signoff.yaml: items")


def test_an_incident_that_was_touched_up() -> None:
    world = World().play_to("canary-1")
    world.tick({"voice": {"fields": {"failure_streak": 3}}})
    incident = world.state.incident
    assert incident is not None
    softer = incident.model_copy(update={"triggers": ()})
    assert found(world, {f"incidents/{incident.id}.yaml": softer}).startswith("incident.yaml: triggers")


def test_an_incident_that_was_touched_up_when_it_was_over() -> None:
    world = World().play_to("canary-1")
    world.tick({"voice": {"fields": {"failure_streak": 3}}})
    incident = world.state.incident
    assert incident is not None
    rollback.cancel(world.store, world.clock, TAU, "a false alarm", "ada")
    world.reconcile()
    unfreeze(world.store, world.clock, TAU, "go on")
    world.tick()
    assert world.state.incident is None
    name = f"incidents/{incident.id}.yaml"
    softer = incident.model_copy(update={"triggers": ()})
    assert found(world, {name: softer}) == f"{name}: the incident is over, and nothing writes it"


def test_a_start_in_the_middle_of_a_rollout(world: World) -> None:
    state = world.state
    assert state.rollout.release is not None
    release = state.rollout.release.model_copy(update={"started_at": world.now})
    rollout = start.first_desired(state.contract, release, state.rollout.rollback_target)
    assert begun_by_hand(world, rollout) == "start records a step that does not follow from the commit before"


def test_a_start_in_another_phase_than_the_first() -> None:
    world = World()
    world.start()
    begun = world.rollout
    world = World()
    last = world.state.contract.phases[-1]
    rollout = begun.model_copy(update={"phase": last.name, "canary_percent": last.canary_percent})
    assert begun_by_hand(world, rollout).startswith(
        "rollout.yaml: phase is 'general-availability', recomputed"
    )


def begun_by_hand(world: World, rollout: Rollout, **edits: object) -> str:
    """What is found when somebody writes a start by hand, all of its files in agreement."""
    state, channel = world.state, world.state.channel
    assert channel is not None
    status = begin(state.contract, state.contract_digest, rollout, world.now).model_copy(update=edits)
    change = StateChange(
        rollout=rollout,
        status=status,
        channel=channels.started(channel, rollout.rollback_target),
        signoff=for_release(rollout),
    )
    text = message(Event.START, contract=state.contract, rollout=rollout, status=status)
    world.store.commit(TAU, change, text, parent=state.head, at=world.now)
    (finding,) = check(world).findings
    return finding.problem


def test_desired_state_is_for_people_and_for_reconcile_to_judge(world: World) -> None:
    world.edit(phase="canary-3", canary_percent=50)
    world.tick()
    assert check(world).findings == ()
    assert "illegal-step" in world.events()


def test_a_computed_commit_that_also_moved_the_phase(world: World) -> None:
    world.clock.forward(minutes=10)
    world.reconcile(world.observe())
    commit = world.store.head()
    moved = world.rollout.model_copy(update={"canary_percent": 42})
    tampered = world.store.rewrite(commit, TAU, {ROLLOUT: moved})
    (finding,) = verify(tampered, TAU, None).findings
    assert (finding.commit, finding.problem) == (commit, "rollout.yaml: canary_percent is 42, recomputed 5")


def test_a_file_that_does_not_parse_is_named_and_its_mending_checked(world: World) -> None:
    good = world.status
    broken = world.store.edit(TAU, {STATUS: InputError("status.yaml: line 3: not YAML")}, at=world.now)
    fixed = world.store.edit(TAU, {STATUS: good.model_copy(update={"soak": GENEROUS})}, at=world.now)
    assert check(world).problems == [
        (broken, "status.yaml: line 3: not YAML"),
        (fixed, "status.yaml: soak.earned_seconds is 86400, recomputed 0"),
    ]
