"""What is clumsy to tell in a case file."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rollout.core.contract import HealthStateGate
from rollout.core.decide.advance import advance
from rollout.core.decide.assess import assess, judge_gates
from rollout.core.decide.gates.timeline_clean import describe
from rollout.core.decide.pending import is_settled
from rollout.core.observation import Timeline
from rollout.core.state import Facts, Result
from rollout.errors import InputError
from tests.core.world import START, World, contract_of, run, tau


def test_a_train_without_a_rollout_has_nothing_to_advance() -> None:
    idle = replace(World().state, status=None)
    assert advance(idle, None, Facts(), START) is None
    assert is_settled(idle)


def test_settled_is_what_no_person_changed_since() -> None:
    world = World().reach("canary-1")
    assert is_settled(world.state)
    assert not is_settled(world.edit(canary_percent=50).state)
    world.offer().change_contract(contract_of(sampling={"interval": "15m"}))
    assert not is_settled(world.state)
    assert is_settled(world.offer().state)


def test_a_rollout_that_is_over_is_settled_under_any_contract() -> None:
    world = World().reach("canary-1").wait(minutes=10)
    world.observe({"voice": world.sample("voice", fields={"failure_streak": 3})})
    world.change_contract(contract_of(sampling={"interval": "15m"}))
    assert is_settled(world.state)
    assert not is_settled(world.edit(canary_percent=50).state)


def test_a_contract_without_the_phase_that_the_rollout_is_in_is_refused() -> None:
    world = World().reach("canary-2")
    phases = [phase for phase in tau()["phases"] if phase["name"] != "canary-2"]
    phases[2] = {**phases[2], "inherit": "canary-1"}
    world.change_contract(contract_of(phases=phases))
    with pytest.raises(
        InputError, match=r"contract\.yaml: phases: there is no canary-2, where v0\.1\.5 stands"
    ) as error:
        world.offer()
    assert error.value.file == "state/tau/contract.yaml"
    assert error.value.hint


def test_advance_changes_nothing_that_it_is_given() -> None:
    world = World().reach("canary-1").wait(minutes=10)
    observation = world.observation()
    before = world.state
    kept = before.status.model_copy(deep=True) if before.status else None
    step = advance(before, observation, Facts(checks=world.checks), world.now)
    assert step is not None
    assert before.status == kept


def test_evidence_in_one_batch_gives_what_it_gives_one_by_one() -> None:
    slow, fast = World().reach("canary-2"), World().reach("canary-2")
    observations = [slow.wait(minutes=10).observation() for _ in range(5)]
    slow.now = fast.now = observations[-1].finished_at
    for observation in observations:
        slow.offer(observation)
        slow.offer(observation)
    for number, observation in enumerate(observations):
        fast.now = observation.finished_at
        fast.offer(observation)
        fast.offer(observations[max(0, number - 1)])
    assert slow.status.soak == fast.status.soak
    assert slow.status.gates == fast.status.gates
    assert slow.status == fast.status


def test_the_status_does_not_grow() -> None:
    world = World().reach("general-availability").rounds(2)
    before = len(world.status.model_dump_json())
    assert len(world.rounds(50).status.model_dump_json()) == pytest.approx(before, rel=0.02)


def test_an_observation_from_before_the_rollout_is_ignored() -> None:
    world = World()
    world.offer(world.observation(started_at=START - timedelta(seconds=1)))
    assert (world.ignored, world.status.observation) == (1, None)
    world.offer(world.observation(started_at=START))
    assert world.status.observation is not None


def test_completion_leaves_hints_that_lead_back_to_the_version_before() -> None:
    world = World().reach("general-availability").sign_before("general-availability").soak(86400)
    channel = world.state.channel
    assert channel is not None
    assert channel.rollback is not None
    assert (channel.current_version, channel.rollback.version) == ("v0.1.5", "v0.1.4")


def test_without_a_checklist_the_machine_signs_nothing() -> None:
    world = World()
    world.state = replace(world.state, signoff=None)
    world.rounds(1)
    assert world.events == ["observe"]
    assert world.state.signoff is None


def test_a_run_that_claims_to_be_from_the_future_is_unknown() -> None:
    world = World()
    world.run = run(START + timedelta(minutes=12, seconds=1))
    world.rounds(1)
    findings = {finding.gate: finding for finding in world.status.gates}
    assert findings["harness"].result is Result.UNKNOWN
    assert findings["harness"].seen == "from the future: says 2026-11-23T10:12:01Z"
    world.run = run(START + timedelta(minutes=22))
    assert world.rounds(1).status.decision.verdict == "promote"


def test_a_run_that_started_with_the_rollout_counts_and_one_a_second_before_does_not() -> None:
    world = World()
    world.run = run(START - timedelta(seconds=1))
    assert world.rounds(1).status.decision.verdict == "hold"
    world.run = run(START)
    assert world.rounds(1).status.decision.verdict == "promote"


def test_since_says_since_when_a_result_is_what_it_is() -> None:
    world = World().reach("canary-1").rounds(3)
    (streak,) = [f for f in world.status.gates if (f.gate, f.surface) == ("failure_streak", "voice")]
    entered = world.status.entered_at
    assert streak.since == entered
    at = world.wait(minutes=10).now
    world.observe(
        {"voice": world.sample("voice", fields={**world.sample("voice").fields, "failure_streak": 1})}
    )
    world.wait(minutes=10)
    world.observe(
        {"voice": world.sample("voice", fields={**world.sample("voice").fields, "failure_streak": 2})}
    )
    (streak,) = [f for f in world.status.gates if (f.gate, f.surface) == ("failure_streak", "voice")]
    assert (streak.since, streak.seen) == (at, "2")


def test_a_gate_that_looks_at_no_surface_blocks() -> None:
    world = World().rounds(1)
    nowhere = HealthStateGate(kind="health_state", surfaces=())
    first = world.contract.phases[0].model_copy(update={"gates": (nowhere,)})
    contract = world.contract.model_copy(update={"phases": (first, *world.contract.phases[1:])})
    ((_, leaves),) = judge_gates(replace(world.view(), contract=contract, phase=first))
    assert [(leaf.result, leaf.seen) for leaf in leaves] == [(Result.UNKNOWN, "no surface reports it")]


def test_a_timeline_without_examples_is_told_by_its_figures() -> None:
    assert describe(Timeline(steps=3, bad=2)) == "2 of 3 steps bad"


def test_judging_again_at_once_changes_nothing_but_the_time() -> None:
    world = World().reach("canary-2").rounds(2)
    again = assess(world.state, world.status, world.status.facts, world.now)
    assert again == world.status


def test_a_reading_that_a_merged_step_waited_for_is_old_once_the_step_was_undone() -> None:
    """It named the next phase, and was taken as of the phase that was left: that contradicts nothing."""
    world = World().reach("canary-1").soak(30 * 60)
    world.wait(hours=10).merge().offer()
    assert world.status.merged_step is not None
    world.wait(minutes=5)
    reading = world.observation({"voice": world.sample("voice", health_state="degraded")})
    assert reading.phase == "canary-2"
    world.offer(reading)
    assert ("undo-step" in world.events, world.status.phase) == (True, "canary-1")
    before = world.state
    world.offer(reading)
    assert world.state == before
    assert world.ignored == 1
