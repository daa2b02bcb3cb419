"""`reconcile --run` and `--ask`: whose evidence is taken, and which readings are asked for."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fakehub import faults
from fakehub.entities import Artifact, Run
from fakehub.hub import Hub
from rollout.cli import main
from rollout.core.observation import Observation
from rollout.core.values import format_instant
from rollout.files.evidence import dump_evidence
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.world import NAME, GitHubWorld, seed
from tests.world import VERSION

__all__ = ["hub", "origin"]

COLLECT = ".github/workflows/rollout-collect.yml"
SCHEDULE = ".github/workflows/rollout-schedule.yml"
WORKFLOW = b"""\
name: rollout-collect
run-name: rollout-collect on ${{ inputs.runner }}
on: {workflow_dispatch: {inputs: {runner: {required: true}}}}
jobs: {}
"""
NUMBER = 4711


@pytest.fixture
def world(hub: Hub, origin: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GitHubWorld:
    """A release in preflight that nobody has read yet, and the environment that rollout-reconcile has."""
    return installed(GitHubWorld(hub, *origin), monkeypatch, tmp_path)


def installed(world: GitHubWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GitHubWorld:
    """The world with workflows, ten minutes later; commands in this process work as a job of it."""
    hub = world.hub
    head = world.repo.bare.id_of("main")
    files = [(COLLECT, WORKFLOW), (SCHEDULE, b"name: rollout-schedule\non: workflow_dispatch\njobs: {}\n")]
    world.repo.commit_on_branch(world.alice, "main", head, "Install", files, [])
    world.clock.forward(minutes=10)
    hub.outbox.clear()
    for name, value in {
        "GITHUB_ACTIONS": "true",
        **world.repo.address(),
        "GITHUB_RUN_ID": "9",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_TOKEN": world.token.value,
        "ROLLOUT_RUN_TOKEN": hub.run_token(world.repo, {"actions": "write", "contents": "read"}).value,
        "ROLLOUT_DEFAULT_BRANCH": "main",
        "ROLLOUT_NOW": format_instant(world.now),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return world


def hand_over(world: GitHubWorld, folder: Path) -> Run:
    """A run of rollout-collect that has read everything; its evidence lies in the folder, red is CI."""
    now = world.now
    run = Run(
        NUMBER, 1, COLLECT, "rollout-collect", "workflow_dispatch", "main", "", world.alice.account, now, {}
    )
    run.title, run.status, run.conclusion = "rollout-collect on ubuntu-24.04", "completed", "success"
    run.sha, run.updated_at = world.repo.bare.id_of("main"), now
    world.repo.runs.append(run)
    pack(folder, world.observe().model_copy(update={"round": f"{NUMBER}-1"}))
    content = (folder / "rollout-evidence-x.zip").read_bytes()
    kept = Artifact(world.hub.next_id(), NUMBER, "rollout-evidence-x", content, now, run.sha, "main")
    world.repo.artifacts.append(kept)
    world.ci("failure")
    return run


def pack(folder: Path, observation: Observation) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "rollout-evidence-x.zip", "w") as archive:
        archive.writestr("observation.json", dump_evidence(observation))


def reconcile(world: GitHubWorld, *more: str) -> int:
    world.hub.forget_calls()
    return main(["reconcile", *more])


def folded(world: GitHubWorld) -> bool:
    return world.status.observation is not None


def decided_on_facts(world: GitHubWorld) -> bool:
    return [check.conclusion for check in world.status.facts.checks or ()].count("failure") > 0


def test_the_evidence_of_a_run_is_folded_in_for_one_request(world: GitHubWorld, tmp_path: Path) -> None:
    hand_over(world, tmp_path / "evidence")
    assert reconcile(world, "--evidence", "evidence", "--run", str(NUMBER)) == 0
    assert folded(world)
    asked = [str(call) for call in world.hub.calls() if "/actions/" in str(call)]
    assert asked == [f"GET /repos/{NAME}/actions/runs/{NUMBER}"]


FORGED: dict[str, tuple[Callable[[Run], object], str]] = {
    "another workflow": (
        lambda run: setattr(run, "workflow", ".github/workflows/ci.yml"),
        "run 4711 is of .github/workflows/ci.yml, not of rollout-collect.yml or rollout-metrics.yml",
    ),
    "another branch": (lambda run: setattr(run, "branch", "mine"), "run 4711 is of branch mine, not of main"),
    "a fork": (
        lambda run: setattr(run, "fork", "mallory/tau"),
        "run 4711 is of mallory/tau, not of acme/tau",
    ),
    "a push": (lambda run: setattr(run, "event", "push"), "run 4711 was started by push, not by a dispatch"),
    "none": (lambda run: setattr(run, "id", 1), "there is no run 4711"),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_run_that_is_none_of_ours_is_refused_and_facts_decide(
    world: GitHubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    forge, why = FORGED[kind]
    forge(hand_over(world, tmp_path / "evidence"))
    assert reconcile(world, "--evidence", "evidence", "--run", str(NUMBER)) == 2
    assert f"error: {why}: its evidence is not taken" in capsys.readouterr().err
    assert why in (tmp_path / "summary.md").read_text()
    assert (folded(world), decided_on_facts(world)) == (False, True)


def test_a_run_hands_over_no_surface_that_its_workflow_does_not_read(
    world: GitHubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_over(world, tmp_path / "evidence").workflow = ".github/workflows/rollout-metrics.yml"
    assert reconcile(world, "--evidence", "evidence", "--run", str(NUMBER)) == 2
    why = ", of a run of rollout-metrics.yml, holds a sample of voice, which rollout-collect.yml reads"
    assert why in capsys.readouterr().err
    assert (folded(world), decided_on_facts(world)) == (False, True)


@pytest.mark.parametrize("number", ["4711; rm", "../1", "-1"])
def test_what_is_no_number_is_not_asked_for(
    world: GitHubWorld, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    world.ci("failure")
    assert reconcile(world, "--evidence", "evidence", f"--run={number}") == 2
    assert "not the number of a run" in capsys.readouterr().err
    assert not [call for call in world.hub.calls() if "/actions/runs" in str(call)]
    assert decided_on_facts(world)


@pytest.mark.parametrize("kind", ["running", "expired", "nothing", "not fetched"])
def test_a_run_without_evidence_is_told_and_facts_decide(
    world: GitHubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    run = hand_over(world, tmp_path / "evidence")
    (tmp_path / "evidence" / "rollout-evidence-x.zip").unlink()
    if kind == "expired":
        world.repo.artifacts[-1] = replace(world.repo.artifacts[-1], expired=True)
    elif kind != "not fetched":
        world.repo.artifacts.clear()
    if kind == "running":
        run.status, run.conclusion = "in_progress", None
    assert reconcile(world, "--evidence", "evidence", "--run", str(NUMBER)) == 0
    why = {
        "running": "run 4711 is still running, and has handed over nothing yet",
        "expired": "the evidence of run 4711 has expired",
        "nothing": "run 4711 ended without evidence",
        "not fetched": "the artifacts of run 4711 could not be fetched",
    }
    assert why[kind] in capsys.readouterr().err
    assert (folded(world), decided_on_facts(world)) == (False, True)
    assert len([call for call in world.hub.calls() if "/actions/" in str(call)]) == 2


def test_no_answer_about_the_run_keeps_nobody_from_deciding(
    world: GitHubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_over(world, tmp_path / "evidence")
    world.hub.fail(f"GET /repos/{NAME}/actions/runs/*", faults.FORBIDDEN)
    assert reconcile(world, "--evidence", "evidence", "--run", str(NUMBER)) == 4
    assert "looking run 4711 up failed" in capsys.readouterr().err
    assert (folded(world), decided_on_facts(world)) == (False, True)


def test_evidence_that_cannot_be_believed_is_refused_and_facts_decide(
    world: GitHubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_over(world, tmp_path / "evidence")
    pack(tmp_path / "evidence", world.observe(at=world.now + timedelta(hours=1)))
    assert reconcile(world, "--evidence", "evidence", "--run", str(NUMBER)) == 2
    assert f"not of run {NUMBER}" in capsys.readouterr().err
    ahead = world.observe(at=world.now + timedelta(hours=1)).model_copy(update={"round": f"{NUMBER}-1"})
    pack(tmp_path / "evidence", ahead)
    assert reconcile(world, "--evidence", "evidence", "--run", str(NUMBER)) == 2
    assert "in the future" in capsys.readouterr().err
    assert (folded(world), decided_on_facts(world)) == (False, True)


def asked_for(world: GitHubWorld) -> list[str]:
    return [event.payload["inputs"]["runner"] for event in world.hub.outbox if event.workflow == COLLECT]


def test_a_reading_is_asked_for_in_the_runs_own_name(world: GitHubWorld) -> None:
    assert reconcile(world, "--ask", "ubuntu-24.04") == 0
    assert asked_for(world) == ["ubuntu-24.04"]
    (call,) = (call for call in world.hub.calls() if "dispatches" in str(call))
    assert call.token is not None
    assert call.token.value == "run"


def test_a_reading_that_is_under_way_is_not_asked_for_again(world: GitHubWorld, tmp_path: Path) -> None:
    run = hand_over(world, tmp_path / "evidence")
    run.status, run.conclusion = "queued", None
    assert reconcile(world, "--ask", "ubuntu-24.04") == 0
    assert asked_for(world) == []


@pytest.mark.parametrize("route", ["GET */rollout-collect.yml/runs", "POST */rollout-collect.yml/dispatches"])
def test_what_cannot_be_asked_for_holds_nothing_up(
    world: GitHubWorld, capsys: pytest.CaptureFixture[str], route: str
) -> None:
    world.ci("failure")
    world.hub.fail(route, faults.FORBIDDEN)
    assert reconcile(world, "--ask", "ubuntu-24.04") == 0
    assert "failed: GitHub: " in capsys.readouterr().err
    assert decided_on_facts(world)


def test_a_workflow_that_is_missing_is_named_with_the_way_to_get_it(
    world: GitHubWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    head = world.repo.bare.git("rev-parse", "main")
    world.repo.commit_on_branch(world.alice, "main", head, "Tidy up", [], [COLLECT])
    world.ci("failure")
    assert reconcile(world, "--ask", "ubuntu-24.04") == 0
    way = "write rollout-collect.yml and merge it to main: rollout init --workflows"
    assert way in capsys.readouterr().err
    assert decided_on_facts(world)


@pytest.mark.parametrize(
    ("is_off", "is_asleep", "why"),
    [(True, True, "after 60 days without activity"), (True, False, "by somebody"), (False, False, "")],
)
def test_a_start_tells_of_a_schedule_that_is_switched_off(
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    is_off: bool,
    is_asleep: bool,
    why: str,
) -> None:
    repository, release = seed(tmp_path / "repository")
    world = installed(GitHubWorld(hub, repository.path, release), monkeypatch, tmp_path)
    if is_off:
        world.repo.disabled_workflows.add(SCHEDULE)
    world.repo.asleep = is_asleep
    hub.forget_calls()
    assert main(["start", "--version", VERSION, "--commit", release]) == 0
    asked = [str(call) for call in hub.calls() if "rollout-schedule" in str(call)]
    assert asked == [f"GET /repos/{NAME}/actions/workflows/rollout-schedule.yml"]
    said = capsys.readouterr().err
    assert ("rollout-schedule.yml was disabled" in said) is is_off
    if is_off:
        assert (
            f"was disabled {why}, so nothing is read by itself: gh workflow enable rollout-schedule.yml"
            in said
        )
        assert f"{hub.url}/{NAME}/actions/workflows/rollout-schedule.yml" in said
