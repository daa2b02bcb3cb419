from datetime import timedelta, timezone

import pytest
from pydantic import TypeAdapter

from rollout.core.contract import RollbackStep
from rollout.core.rollback import block_signoff, incident_id
from rollout.core.state import Incident, IncidentStep, StepState
from rollout.core.values import Name
from tests.core.world import START, World, checks, run


def rolled_back() -> World:
    world = World().reach("canary-2").soak(600).wait(minutes=10)
    return world.observe({"voice": world.sample("voice", fields={"failure_streak": 3})})


def test_the_incident_says_what_stood_where() -> None:
    world = rolled_back()
    incident = world.incident
    assert incident is not None
    assert (incident.release, incident.phase, incident.canary_percent) == ("v0.1.5", "canary-2", 25)
    assert (incident.started_at, incident.started_by) == (world.now, "reconcile")
    assert [finding.trigger for finding in incident.triggers] == ["failure-streak-breach"]
    assert incident.gates == world.status.gates
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.incident == incident.id


def test_only_the_freeze_is_done() -> None:
    incident = rolled_back().incident
    assert incident is not None
    assert incident.steps[0] == IncidentStep(
        step=RollbackStep.FREEZE, state=StepState.DONE, at=incident.started_at, result="promotion stopped"
    )
    assert [step.step for step in incident.steps] == list(RollbackStep)
    assert {step.state for step in incident.steps[1:]} == {StepState.PENDING}


def test_one_commit_holds_freeze_incident_and_what_was_seen() -> None:
    world = rolled_back()
    last = world.steps[-1]
    assert (last.event, last.consumed) == ("rollback", True)
    assert isinstance(last.change.incident, Incident)
    assert last.change.rollout == world.rollout == world.status.legal
    assert last.change.status is not None
    assert last.change.status.observation is not None
    assert last.change.signoff is None


def test_the_id_is_made_of_time_and_version() -> None:
    assert incident_id("v0.1.5", START) == "20261123t100000z-v0.1.5"


def test_the_id_is_in_utc() -> None:
    assert incident_id("v1", START.astimezone(timezone(timedelta(hours=5)))) == "20261123t100000z-v1"


@pytest.mark.parametrize("version", ["V1.0.0-RC.1+Build/5", "v" + "1" * 127, "ä", "../../x", "a b\n"])
def test_the_id_is_a_name_whatever_the_version(version: str) -> None:
    made = incident_id(version, START)
    assert TypeAdapter(Name).validate_python(made) == made
    assert "/" not in made


def test_only_a_trigger_that_says_so_blocks_the_checklist() -> None:
    world = rolled_back()
    assert world.incident is not None
    assert block_signoff(world.state.signoff, world.incident) is None


def test_a_train_without_a_checklist_has_none_to_block() -> None:
    world = World().reach("canary-1")
    world.checks = checks(gate="failure")
    world.offer()
    assert world.incident is not None
    assert block_signoff(None, world.incident) is None
    assert world.state.signoff is not None
    assert world.state.signoff.blocked == world.incident.id


def test_a_trigger_of_no_surface_is_named_alone() -> None:
    world = World().reach("canary-1")
    world.run = run(START + timedelta(minutes=2), status="failed", passed=4, failed=1)
    world.wait(minutes=10).observe()
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.reason == "validation-gate-failure: harness total=5 passed=4 failed=1"
