"""An outage of the package index is none of the brake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import fakehub
from fakehub.act import run_act
from tests.workflows.rollback_town import roll_back
from tests.workflows.town import ROOT, STEADY, Town, keys


def cut_off(town: Town) -> None:
    """From now on there is no index, and act runs the jobs, which installs as GitHub does."""
    town.hub.engine.env["FAKEHUB_INDEX"] = "away"
    town.hub.engine.run_jobs = run_act


def test_what_reconcile_kept_carries_over_the_outage(plain_town: Town) -> None:
    town = plain_town
    town.start()
    assert keys(town.tick()) == STEADY
    cut_off(town)
    assert keys(roll_back(town, reason="users complain")) == ["rollback"]
    assert town.state()["outcome"] == "rolling_back"
    assert {job.conclusion for job in town.tick().jobs} == {"success"}


@dataclass(frozen=True)
class Action:
    """The action's scripts as a runner has them, with locks of the test's own."""

    folder: Path
    wheels: Path

    def lock(self, requirements: str, uv: str = "uv") -> None:
        (self.folder / "requirements.lock").write_text(requirements)
        (self.scripts / "uv.lock").write_text(uv)

    @property
    def scripts(self) -> Path:
        return self.folder / ".github" / "actions" / "rollout"

    def know(self) -> None:
        """As `make lock` does."""
        command = ["git", "hash-object", "--no-filters", str(self.folder / "requirements.lock")]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        with (self.scripts / "known-locks").open("a") as known:
            known.write(done.stdout)

    def run(self, script: str, *arguments: Path, index: str = "") -> subprocess.CompletedProcess[str]:
        programs = (Path(fakehub.__file__).parent / "bin", Path(sys.executable).parent)
        path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
        return subprocess.run(
            ["bash", self.scripts / script, *arguments],
            env={**os.environ, "PATH": path, "FAKEHUB_INDEX": index},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def action(tmp_path: Path) -> Action:
    made = Action(tmp_path / "action", tmp_path / "wheels")
    shutil.copytree(ROOT / ".github" / "actions" / "rollout", made.scripts)
    made.lock("click==8.1.7")
    assert made.run("fetch.sh", made.wheels).returncode == 0
    return made


@pytest.mark.parametrize(
    ("is_known", "index", "code"), [(True, "away", 0), (False, "away", 1), (False, "", 0)]
)
def test_after_an_update_an_outage_is_got_over_by_what_an_earlier_version_kept(
    action: Action, tmp_path: Path, is_known: bool, index: str, code: int
) -> None:
    """But not by a lock that anybody could have put there."""
    if is_known:
        action.know()
    action.lock("click==8.5.1")
    done = action.run("install.sh", tmp_path / "rollout", action.wheels, index=index)
    assert done.returncode == code, done.stderr
    assert ("::warning::the package index is away" in done.stdout) is is_known
    assert (tmp_path / "rollout" / "bin" / "rollout").exists() is (code == 0)


def test_this_versions_locks_are_known() -> None:
    scripts = ROOT / ".github" / "actions" / "rollout"
    locks = [ROOT / "requirements.lock", scripts / "uv.lock"]
    command = ["git", "hash-object", "--no-filters", *map(str, locks)]
    ids = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    assert set(ids) <= set((scripts / "known-locks").read_text().split())
    assert len(ids) == len(locks)


def test_with_nothing_kept_the_summary_says_how_to_freeze(plain_town: Town) -> None:
    town = plain_town
    town.start()
    cut_off(town)
    before = town.head()
    run = roll_back(town, reason="users complain")
    assert run.conclusion == "failure"
    assert run.job("rollback").summary.startswith("**Nothing was done:** rollout cannot be installed")
    assert "docs/on-call.md" in run.job("rollback").summary
    assert town.head() == before
