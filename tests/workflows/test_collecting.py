"""A runner that is away, or busy for an hour, holds up its own readings and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakehub.entities import Run
from fakehub.hub import Hub
from tests.workflows.rollback_town import roll_back
from tests.workflows.town import CHECK, CONTRACT, STEADY, Town, build, keys

TWO = CONTRACT.replace("probe.sh, memory]", "probe.sh, memory]\n    runner: rack-7")
CI = '  - {name: validation, kind: validation_failure, checks: "Live smoke", actions: [freeze, rollback]}\n'


@pytest.fixture
def town(hub: Hub, tmp_path: Path) -> Town:
    """A release in preflight whose surface memory is read on a runner of its own, which is away."""
    hub.engine.labels.append("rack-7")
    hub.engine.offline.add("rack-7")
    town = build(hub, tmp_path, app=True, contract=TWO)
    town.start()
    town.settle()
    return town


def collecting(town: Town, label: str) -> list[Run]:
    return [run for run in town.repo.runs if run.title == f"rollout-collect on {label}"]


def test_a_runner_that_is_away_holds_up_no_decision(town: Town) -> None:
    assert list(town.state("status")["observation"]["samples"]) == ["voice"]

    town.hub.engine.comes_back("rack-7")
    town.settle()
    town.merge()
    town.settle()
    assert town.state("status")["legal"]["phase"] == "canary-1"
    assert sorted(town.state("status")["observation"]["samples"]) == ["memory", "voice"]

    town.hub.engine.offline.add("rack-7")
    for _ in range(4):
        assert keys(town.tick()) == STEADY
    queued = [run.status for run in collecting(town, "rack-7") if run.status != "completed"]
    assert queued == ["queued"], "one waits, and no other is asked for"
    assert "overdue: not read since" in str(town.state("status"))
    assert "waits for runner rack-7" in str(town.state("status"))

    town.feel(voice="failing")
    town.tick()
    assert town.state()["outcome"] == "in_progress"
    assert keys(town.tick()) == STEADY
    assert town.state()["outcome"] == "rolling_back", "the trigger fires at its second check"

    back = town.hub.engine.comes_back("rack-7")
    assert [run.conclusion for run in back] == ["success"]
    town.settle()
    assert "overdue" not in str(town.state("status")["observation"])


def test_a_rollback_goes_through_beside_a_harness_of_an_hour(town: Town) -> None:
    """It runs on the other runner, whose run is under way all the time."""
    (busy,) = collecting(town, "rack-7")
    busy.status = "in_progress"
    town.tick()
    assert keys(roll_back(town, reason="users complain")) == ["rollback"]
    assert town.state()["outcome"] == "rolling_back"
    town.settle()
    for _ in range(2):
        assert keys(town.tick()) == STEADY
    steps = {step["step"]: step["state"] for step in incident_steps(town)}
    assert steps["capture_evidence"] in ("done", "skipped")
    assert town.open_pull().title.startswith("Revert v0.1.5")
    assert busy.status == "in_progress"


def incident_steps(town: Town) -> list[dict[str, str]]:
    (path,) = town.repo.bare.git("ls-tree", "-r", "--name-only", "main", "state/tau/incidents").split()
    steps: list[dict[str, str]] = town.state(f"incidents/{Path(path).stem}")["steps"]
    return steps


def test_facts_fire_within_one_tick(hub: Hub, tmp_path: Path) -> None:
    hub.engine.labels.append("rack-7")
    hub.engine.offline.add("rack-7")
    contract = TWO.replace("triggers:\n", f"triggers:\n{CI}")
    town = build(hub, tmp_path, app=False, contract=contract)
    town.start()
    town.tick()
    hub.engine.comes_back("rack-7")
    town.read()
    town.merge()
    town.tick()
    assert town.state("status")["legal"]["phase"] == "canary-1"
    hub.engine.offline.add("rack-7")
    town.tick()
    town.repo.add_check(town.release, CHECK, "failure")
    hub.clock.forward(minutes=10)
    run = hub.tick_schedule(town.repo, "rollout-schedule.yml")
    assert (keys(run), town.state()["outcome"]) == (STEADY, "rolling_back")
