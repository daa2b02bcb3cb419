"""What a newer rollout wrote stops the brake only where the brake has to write it, and stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.cli import main
from rollout.commands.verify import verify
from rollout.core.files import CONTRACT, ROLLOUT, STATUS, state_path
from rollout.core.state import Outcome, TrainState
from rollout.core.values import format_instant
from rollout.files.evidence import write_evidence
from tests.brake.broken import NAMES, OPTIONAL, Histories, entries, on_its_way
from tests.world import TAU

BRAKES = ("freeze --reason stop", "rollback --reason stop --by ada", "reconcile")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch for each file and brake: there a newer rollout wrote the file."""
    before, after, _ = on_its_way()
    histories = Histories()
    histories.commit("base", entries(before))
    histories.commit("base", entries(after))
    for name in NAMES:
        path = state_path(TAU, name)
        for brake in BRAKES:
            histories.commit(branch_of(name, brake), entries({path: newer(after[path])}), onto="base")
    folder = tmp_path_factory.mktemp("newer") / "made.git"
    histories.write(folder)
    return folder


def branch_of(name: str, brake: str) -> str:
    return f"{name}-{brake.split()[0]}"


def newer(text: bytes) -> bytes:
    known = next(line for line in text.splitlines() if line.startswith(b"schema:"))
    return text.replace(known, b"schema: 9", 1) + b"future: {of: us}\n"


def run(repository: Path, branch: str, command: str, folder: Path) -> int:
    observation = on_its_way()[2]
    words = command.split()
    if command == "reconcile":
        write_evidence(folder / "reading.json", observation)
        words += ["--observation", str(folder / "reading.json")]
    now = format_instant(observation.finished_at)
    return main([*words, "--repo", str(repository), "--state-branch", branch, "--now", now])


def ended(repository: Path, branch: str, name: str) -> tuple[TrainState, bytes | None, list[str]]:
    """The train, the file, and what verify has against the commits after the newer rollout's."""
    git = Git(repository)
    store = YamlStore(git, branch)
    found = store.load_for_brake(TAU, store.head()), store.text(TAU, name, store.head())
    problems = verify(store, TAU, git.resolve(f"refs/heads/{branch}~1")).problems
    git.close()
    return *found, [why for _, why in problems]


@pytest.mark.parametrize("brake", BRAKES)
@pytest.mark.parametrize("name", [CONTRACT, *OPTIONAL])
def test_what_the_brake_does_not_need_stays_and_is_told_first(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, brake: str
) -> None:
    branch = branch_of(name, brake)
    # Reconcile acts, and ends as it does by any file that people have to see to.
    assert run(made, branch, brake, tmp_path) == (2 if brake == "reconcile" else 0)
    path = state_path(TAU, name)
    first, *_ = capsys.readouterr().err.splitlines()
    assert f"{path}: schema: 9 was written by a newer rollout; this one reads up to 1" in first
    state, text, problems = ended(made, branch, name)
    assert state.rollout.frozen is not None
    assert brake.startswith("freeze") or state.rollout.outcome is Outcome.ROLLING_BACK
    assert text == newer(on_its_way()[1][path])
    assert problems == []


@pytest.mark.parametrize("brake", BRAKES)
@pytest.mark.parametrize("name", [ROLLOUT, STATUS])
def test_what_the_brake_has_to_write_is_refused_with_the_way_to_freeze_by_hand(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, brake: str
) -> None:
    branch = branch_of(name, brake)
    assert run(made, branch, brake, tmp_path) == 2
    err = capsys.readouterr().err
    assert f"{state_path(TAU, name)}: schema: 9 was written by a newer rollout" in err
    assert f"meanwhile freeze by hand: edit `frozen` in {state_path(TAU, ROLLOUT)}" in err
    git = Git(made)
    assert git.read(f"{branch}:{state_path(TAU, name)}") is not None
    assert git.resolve(f"{branch}~1") == git.resolve("base")
    git.close()
