"""What the product really prints, read through its real contract -> the decision that the runbook calls for.

`cargo` is a stand-in that prints the sample; the commands that call it, the files and the decisions are real.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rollout.core.values import unix_ms
from tests.e2e.conftest import Towns
from tests.e2e.shell import Town

SAMPLES = Path(__file__).parent.parent / "samples" / "tau"
SUMMARY = ".tau/demo-browser-automation-live/browser-live-summary.json"
PRINTS = {
    "voice": "voice-status.json",
    "dashboard": "dashboard-status.json",
    "custom-command": "custom-command-status.json",
    "memory": "memory-transport-health.json",
    "browser-automation": "browser-live-summary.json",
}
EVERY = tuple(PRINTS)
CYCLING = tuple(surface for surface in EVERY if surface != "browser-automation")

Stage = Callable[[str], Town]
Fired = set[tuple[str, str | None]]


@pytest.fixture
def stage(towns: Towns) -> Stage:
    """A town that has just entered the phase, with the healthy samples observed once there."""

    def at(phase: str) -> Town:
        def play(town: Town) -> None:
            town.start()
            town.advance_to(phase)
            if phase != "preflight":
                look(town, "healthy")

        return towns.after(f"samples-{phase}", play)

    return at


def put(town: Town, mood: str, surfaces: tuple[str, ...]) -> None:
    """The surfaces print the mood's samples, as if they had been made now."""
    for surface in surfaces:
        text = (SAMPLES / mood / PRINTS[surface]).read_text(encoding="utf-8")
        text = re.sub(r'("updated_unix_ms": )\d+', rf"\g<1>{unix_ms(town.shell.now)}", text)
        file = town.path / (SUMMARY if surface == "browser-automation" else f".tau/{surface}/now.json")
        file.write_text(text, encoding="utf-8")
        os.utime(file, (town.shell.now.timestamp(), town.shell.now.timestamp()))
        events = SAMPLES / mood / "events" / f"{surface}.jsonl"
        if events.exists():
            rotate(town.path / ".tau" / surface / "runtime-events.jsonl", events)


def rotate(log: Path, events: Path) -> None:
    """The log holds the sample's events; what it held before lies beside it, as a rotation leaves it."""
    if log.exists() and log.read_bytes() == events.read_bytes():
        return
    for number in (1, 0):
        older = log.with_name(f"{log.name}.{number}") if number else log
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    shutil.copy(events, log)


def look(town: Town, mood: str, surfaces: tuple[str, ...] = EVERY) -> Any:
    """Ten minutes later, with these surfaces in that mood and the others healthy: what reconcile says."""
    town.shell.now += timedelta(minutes=10)
    put(town, "healthy", EVERY)
    put(town, mood, surfaces)
    return town.reconcile(town.observe())


def run_harness(town: Town, which: str, *, started: bool) -> None:
    """The harness leaves that run's files; `started` now, else when the samples were made, long before."""
    folder = town.path / ".tau" / "live-run-unified"
    shutil.copytree(SAMPLES / "harness" / which, folder, dirs_exist_ok=True)
    if started:
        manifest = folder / "manifest.json"
        text = manifest.read_text(encoding="utf-8")
        now = unix_ms(town.shell.now)
        manifest.write_text(re.sub(r'("started_unix_ms": )\d+', rf"\g<1>{now}", text), encoding="utf-8")


def fired(said: Any) -> Fired:
    return {(trigger["trigger"], trigger["surface"]) for trigger in said["triggers"] if trigger["fired"]}


def failing_gates(said: Any) -> set[tuple[str, str | None]]:
    return {(gate["gate"], gate["surface"]) for gate in said["gates"] if gate["result"] == "unsatisfied"}


# --- healthy ---------------------------------------------------------------------------------------------


def test_healthy_samples_hold_for_the_soak_alone_and_then_promote(stage: Stage) -> None:
    town = stage("canary-1")
    for earned in ("10m", "20m"):
        said = look(town, "healthy")
        assert (said["decision"], said["reasons"]) == ("hold", [f"soak: {earned} of 30m"])
        assert fired(said) == set()
    said = look(town, "healthy")
    assert (said["decision"], said["to"]) == ("promote", "canary-2")
    assert {gate["result"] for gate in said["gates"]} == {"satisfied", "not_applicable"}


def test_what_each_surface_reports_in_the_contracts_words(stage: Stage) -> None:
    town = stage("canary-1")
    surfaces = town.shell.json("status")["surfaces"]
    assert {name: surface["health_state"] for name, surface in surfaces.items()} == dict.fromkeys(
        EVERY, "healthy"
    )
    for name in CYCLING:
        fields = surfaces[name]["fields"]
        assert [fields[field] for field in ("failure_streak", "last_cycle_failed", "queue_depth")] == [
            0,
            0,
            0,
        ]
        assert surfaces[name]["counters"] is not None
        assert surfaces[name]["not_applicable"] == ["timeline"]
    assert surfaces["browser-automation"]["not_applicable"] == [
        "failure_streak",
        "queue_depth",
        "last_cycle_failed",
        "counters",
    ]


# --- degraded --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", CYCLING)
def test_a_degraded_sample_brings_a_hard_runtime_error_into_a_canary(stage: Stage, surface: str) -> None:
    said = look(stage("canary-1"), "degraded", (surface,))
    assert said["decision"] == "rollback"
    assert fired(said) == {("hard-runtime-errors", surface)}
    assert {("failure_streak", surface), ("no_new.case_processing_failed", surface)} <= failing_gates(said)


@pytest.mark.parametrize("surface", CYCLING)
def test_at_100_percent_it_holds_at_once_and_is_a_regression_at_the_second_check(
    stage: Stage, surface: str
) -> None:
    town = stage("general-availability")
    said = look(town, "degraded", (surface,))
    assert (said["decision"], fired(said)) == ("hold", set())
    assert said["reasons"][0] == f"health_state ({surface}): degraded, wanted healthy"
    assert town.shell.json("status")["soak"]["earned_seconds"] == 0
    said = look(town, "degraded", (surface,))
    assert (said["decision"], fired(said)) == ("rollback", {("health-regression", surface)})


def test_read_twice_within_five_minutes_is_one_check(stage: Stage) -> None:
    town = stage("general-availability")
    look(town, "degraded", ("voice",))
    town.shell.wait(minutes=4)
    put(town, "degraded", ("voice",))
    said = town.reconcile(town.observe())
    assert (said["decision"], fired(said)) == ("hold", set())


# --- failing ---------------------------------------------------------------------------------------------

FAILING = {
    "voice": {("failure-streak-breach", "voice"), ("hard-runtime-errors", "voice")},
    # Its sample comes without an event log, so the counters say nothing new.
    "dashboard": {("failure-streak-breach", "dashboard")},
    "custom-command": {
        ("failure-streak-breach", "custom-command"),
        ("hard-runtime-errors", "custom-command"),
    },
    "memory": {("failure-streak-breach", "memory"), ("hard-runtime-errors", "memory")},
    "browser-automation": {("browser-execution-failure", "browser-automation")},
}


@pytest.mark.parametrize("surface", EVERY)
def test_a_failing_sample_is_rolled_back_at_once(stage: Stage, surface: str) -> None:
    town = stage("canary-1")
    said = look(town, "failing", (surface,))
    assert (said["decision"], fired(said)) == ("rollback", FAILING[surface])
    status = town.shell.json("status")
    assert (status["outcome"], status["phase"], status["canary_percent"]) == ("rolling_back", "canary-1", 0)
    assert status["frozen"]["incident"]


def test_a_degraded_browser_run_says_healthy_and_is_rolled_back_for_its_timeline(stage: Stage) -> None:
    town = stage("canary-1")
    said = look(town, "degraded", ("browser-automation",))
    assert (said["decision"], fired(said)) == (
        "rollback",
        {("browser-execution-failure", "browser-automation")},
    )
    assert "retryable_failure (browser_automation_timeout)" in said["reasons"][0]


@pytest.mark.parametrize("mood", ["degraded", "failing"])
def test_everything_at_once(stage: Stage, mood: str) -> None:
    said = look(stage("canary-1"), mood)
    assert said["decision"] == "rollback"
    assert {surface for _, surface in fired(said)} == set(EVERY)


# --- preflight and the validation harness ----------------------------------------------------------------


def test_in_preflight_nobody_is_exposed_and_no_trigger_watches(stage: Stage) -> None:
    town = stage("preflight")
    run_harness(town, "stopped-at-first-failure", started=True)
    said = look(town, "failing")
    assert (said["decision"], fired(said)) == ("hold", set())
    assert said["reasons"][0] == (
        "harness: total=3 passed=2 failed=1 (dashboard failed), wanted total=5 passed=5 failed=0"
    )
    run_harness(town, "passed", started=True)
    assert look(town, "healthy")["decision"] == "promote"


def test_a_harness_run_that_stopped_at_its_first_failure_is_rolled_back_in_a_canary(stage: Stage) -> None:
    town = stage("canary-1")
    run_harness(town, "stopped-at-first-failure", started=True)
    said = look(town, "healthy")
    assert (said["decision"], fired(said)) == ("rollback", {("validation-gate-failure", None)})


def test_a_failed_harness_run_from_before_the_rollout_fires_nothing(stage: Stage) -> None:
    town = stage("canary-1")
    run_harness(town, "stopped-at-first-failure", started=False)
    assert look(town, "healthy")["reasons"] == ["soak: 10m of 30m"]


def test_a_passed_harness_run_from_before_the_rollout_passes_nothing(stage: Stage) -> None:
    town = stage("preflight")
    run_harness(town, "passed", started=False)
    said = look(town, "healthy")
    (harness,) = (gate for gate in said["gates"] if gate["gate"] == "harness")
    assert (said["decision"], harness["result"]) == ("hold", "unknown")
    assert "before" in harness["seen"]
