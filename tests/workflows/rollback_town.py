"""A town whose release is under way, to roll it back: what tests of rollbacks under act share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fakehub.entities import Run, Thread
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.start import StartOptions, start
from rollout.core.observation import HarnessReport, HealthState, Observation, Sample, Timeline
from rollout.wiring import Workspace, texts
from tests.workflows.town import VERSION, Town


def to_canary(town: Town) -> None:
    """Brings the release into canary-1, with canary-2 proposed: in this process, which costs less."""
    space = workspace(town)
    start(space.store, space.history, space.clock, "tau", StartOptions(VERSION, town.release))
    for _ in range(2):
        observe(town)
        if town.phase == "preflight":
            town.merge(minutes=1)
            observe(town)
    town.hub.outbox.clear()


def workspace(town: Town) -> Workspace:
    """Commands in this process, as the App on the train's and the product's repository."""
    environment = {
        **town.repo.address(),
        "GITHUB_TOKEN": town.hub.app_token(*town.hub.repos.values()).value,
    }
    space = Workspace(
        Path(town.repo.bare.path), clock=town.hub.clock, environment=environment, forge_kind="github"
    )
    space.train("tau")
    return space


def observe(town: Town, state: HealthState = HealthState.HEALTHY) -> None:
    town.hub.clock.forward(minutes=6)
    space = workspace(town)
    train, now = space.load("tau"), town.hub.clock.now()
    assert train.rollout.release is not None
    sample = Sample(
        updated_at=now,
        health_state=state,
        fields={"streak": 0},
        counters={"failed": 0},
        timeline=Timeline(steps=0, bad=0),
    )
    harness = HarnessReport(started_at=now, status="passed", total=1, passed=1, surfaces={"voice": "passed"})
    observation = Observation(
        train="tau",
        release=VERSION,
        commit=town.release,
        phase=train.rollout.phase or "",
        contract_digest=train.contract_digest,
        round=f"{now}",
        product_head=town.release,
        started_at=now - timedelta(seconds=10),
        finished_at=now,
        tool_version="test",
        samples=dict.fromkeys(train.contract.surfaces, sample),
        harness=harness,
    )
    reconciler = Reconciler(space.store, space.forge, space.clock, texts.promotion_body())
    reconciler.run("tau", [observation])


def roll_back(town: Town, **inputs: str) -> Run:
    return town.hub.dispatch(town.repo, "rollout-rollback.yml", inputs, by="alice")


def incident(town: Town) -> dict[str, object]:
    name = town.state()["frozen"]["incident"]
    found: dict[str, object] = town.state(f"incidents/{name}")
    return found


def steps(town: Town) -> dict[str, str]:
    return {step["step"]: step["state"] for step in incident(town)["steps"]}  # type: ignore[attr-defined]


def issue(town: Town) -> Thread:
    """Of the incident: there is one."""
    (found,) = (thread for thread in town.repo.threads.values() if thread.pull is None)
    return found
