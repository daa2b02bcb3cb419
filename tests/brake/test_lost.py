"""A commit that takes a train's whole folder away stops no brake, and every command says how to undo it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.cli import main
from rollout.commands.verify import verify
from rollout.core.files import state_path
from rollout.core.state import Outcome
from rollout.core.values import format_instant
from tests.brake.broken import Entry, Histories, entries, on_its_way
from tests.world import TAU

FOLDER = state_path(TAU)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    before, after, _ = on_its_way()
    histories = Histories()
    histories.commit("main", entries({"README": b"hello\n", **before}))
    histories.commit("main", entries(after))
    gone: dict[str, Entry | None] = dict.fromkeys(after)
    histories.commit("main", gone)
    folder = tmp_path_factory.mktemp("lost") / "made"
    histories.write(folder, checkout="main")
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "here", symlinks=True)
    return tmp_path / "here"


def run(repository: Path, command: str) -> int:
    now = format_instant(on_its_way()[2].finished_at)
    return main([*command.split(), "--repo", str(repository), "--now", now])


def way_back(repository: Path) -> str:
    git = Git(repository)
    culprit, good = git.resolve("main"), git.resolve("main~1")
    git.close()
    assert culprit is not None
    assert good is not None
    return f"commit {culprit[:10]} by Ada took it away; take that back: git checkout {good[:10]} -- {FOLDER}"


@pytest.mark.parametrize("train", ["", f" --train {TAU}"])
@pytest.mark.parametrize("brake", ["freeze --reason stop", "rollback --reason stop --by ada", "reconcile"])
def test_the_brake_goes_by_the_last_state_and_puts_it_back(
    here: Path, capsys: pytest.CaptureFixture[str], brake: str, train: str
) -> None:
    told = way_back(here)
    code = run(here, brake + train)
    err = capsys.readouterr().err
    assert told.partition(";")[0] in err
    assert "git checkout" not in err  # the folder is there again, with the brake in it
    assert code == (3 if brake == "reconcile" else 0)
    git = Git(here)
    store = YamlStore(git)
    state = store.load(TAU, store.head())
    assert state.rollout.frozen is not None
    assert brake != "rollback" or state.rollout.outcome is Outcome.ROLLING_BACK
    written = set(git.changed_paths("main~1", "main")) if brake == "freeze --reason stop" else set()
    assert not written or written == set(on_its_way()[1])
    problems = verify(store, TAU, told.split()[-3]).problems
    git.close()
    assert {f"commit {commit[:10]}" for commit, _ in problems} == {told[:17]}, problems


@pytest.mark.parametrize("command", ["unfreeze --reason seen", "withdraw --reason x --by ada", "status"])
def test_every_command_names_the_way_back(
    here: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(here, command) in (0, 2)
    printed = capsys.readouterr()
    said = " ".join((printed.err + printed.out).split())
    assert way_back(here) in said
    assert "rollout init" not in said


def test_doctor_names_the_way_back(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(here, "doctor") == 3
    said = " ".join(capsys.readouterr().out.split())
    assert way_back(here) in said
    assert "rollout init" not in said


def test_init_writes_no_fresh_train_over_a_release(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(here, "init --profile tau") == 3
    err = capsys.readouterr().err
    assert f"history of main holds state of train {TAU}" in err
    assert way_back(here) in err
    assert run(here, "init --profile tau --train rho") == 0
