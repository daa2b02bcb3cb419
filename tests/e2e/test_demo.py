"""`rollout demo`: it tells both stories, leaves a sound repository, and what it says to type works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from fakehub import warm
from rollout.cli import main
from tests.adapters.scratch import Existing
from tests.e2e.shell import Shell
from tests.shared import made_once

WIDTH = 100


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """Its repository, for looking only, and its output."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))

    def play(folder: Path) -> None:
        with (folder / "printed").open("w", encoding="utf-8") as printed, redirect_stdout(printed):
            assert main(["demo", "--output", str(folder / "with a space")]) == 0

    made = made_once(tmp_path_factory, "demo", play)
    return made / "with a space", (made / "printed").read_text(encoding="utf-8")


def block(output: str, title: str) -> list[str]:
    """The lines below a heading."""
    return output.split(f"== {title}")[1].split("\n== ")[0].splitlines()[1:]


def test_it_tells_how_a_good_release_reaches_everybody(demo: tuple[Path, str]) -> None:
    story = "\n".join(block(demo[1], "v0.1.5"))
    beats = [
        "Olga Owner      starts v0.1.5",
        "CI              reports 6 checks green of",
        "jobs            preflight 0 %: every gate holds; open #1 to canary-1",
        "Ada Reviewer    merges #1",
        "jobs            enter canary-1 5 %",
        "jobs            canary-1 5 %: healthy at 3 checks, soak 20m of 30m",
        "jobs            enter canary-2 25 %",
        "jobs            enter canary-3 50 %",
        "jobs            canary-3 50 %: soak 2h of 2h; signatures are missing",
        "Olga Owner      comments on #1: /signoff rollback-rehearsed",
        "Ada Reviewer    merges #4",
        "jobs            general-availability 100 %: healthy at 12 checks, soak 22h of 24h",
        "Grace Approver  comments on #1: /signoff final-approval",
        "jobs            general-availability 100 %: complete, users run v0.1.5 now",
    ]
    places = [story.find(beat) for beat in beats]
    assert -1 not in places
    assert places == sorted(places)
    assert len(story.splitlines()) < 30


def test_it_tells_how_a_bad_release_is_rolled_back(demo: tuple[Path, str]) -> None:
    story = "\n".join(block(demo[1], "v0.1.6"))
    beats = [
        "Tue 16:40  jobs            canary-2 25 %: hold; health_state (memory): degraded, wanted healthy",
        "Tue 16:50  jobs            ROLLBACK: health-regression (memory): degraded, 2 checks in a row",
        "Tue 16:50  jobs            freeze in canary-2, open incident 20261124t165000z-v0.1.6",
        "Tue 16:50  jobs            open issue: tau: rolling back v0.1.6 from canary-2",
        "Tue 17:00  jobs            capture evidence done: 7 captured, 1 missing",
        "Tue 17:00  jobs            inspect target done: v0.1.5 on stable",
        "Tue 17:00  jobs            apply target skipped: v0.1.5 is recorded as the current version",
        "Tue 17:00  jobs            revert: the pull request is open, to be merged",
        "Tue 17:00  Ada Reviewer    merges #7",
        "Tue 17:00  jobs            revert done: the branch lacks the release at",
        "Tue 17:00  CI              reports 6 checks green of",
        "Tue 17:10  jobs            run the product's validation harness, as reconcile asked",
        "Tue 17:10  jobs            green: harness: total=5 passed=5 failed=0; ci_checks of",
        "Tue 17:10  jobs            ROLLED BACK; v0.1.6 is in quarantine",
        "Tue 17:10  Olga Owner      reopens the train",
    ]
    places = [story.find(beat) for beat in beats]
    assert -1 not in places
    assert places == sorted(places)


def test_it_ends_with_the_decisions_and_where_it_stands(demo: tuple[Path, str]) -> None:
    decisions = block(demo[1], "the decisions, newest first")
    assert "reopen after v0.1.6" in decisions[0]
    assert "rolled back v0.1.6" in decisions[1]
    assert "roll back v0.1.6 from canary-2" in decisions[2]
    assert "Add the product and its rollout contract" in decisions[12]
    assert "state commits recomputed, all as recorded" in demo[1]


def test_no_line_is_wider_than_the_terminal(demo: tuple[Path, str]) -> None:
    told = demo[1].split("== look around")[0].splitlines()
    assert max(map(len, (line for line in told if not line.startswith("in ")))) <= WIDTH


def test_it_leaves_a_sound_repository(demo: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(demo[0], capsys)
    assert shell.json("verify")["findings"] == []
    assert [pull["state"] for pull in shell.json("local", "prs")] == ["merged"] * 7
    assert shell.json("channel", "show")["current_version"] == "v0.1.5"
    repository = Existing(demo[0])
    assert repository.status() == []
    repository.git("fsck", "--strict")


def test_it_is_the_same_every_time_to_scripts_too(
    demo: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--json", "--output", str(tmp_path / "again")]) == 0
    assert json.loads(capsys.readouterr().out) == {"repository": str(tmp_path / "again")}
    assert Existing(tmp_path / "again").head() == Existing(demo[0]).head()


def test_what_it_says_to_type_works(demo: tuple[Path, str], tmp_path: Path) -> None:
    typed = block(demo[1], "look around") + block(demo[1], "do the same by hand")
    assert len([line for line in typed if line.startswith("rollout ")]) == 12
    installed = str(Path(sys.executable).parent)
    assert (Path(installed) / "rollout").exists()
    # To import everything takes most of a command's time: this `rollout` forks a process that has.
    programs = tmp_path / "programs"
    warm.install(programs, warm.serve())
    script = "\n".join(typed).replace(installed, str(programs))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rolled back v0.1.6" in done.stdout
    assert "#7  merged  revert" in done.stdout
    assert "since 2026-11-24 17:10 UTC, incident 20261124t165000z-v0.1.6" in done.stdout
    assert "trigger: health-regression" in done.stdout
    assert "product v1.1.0 preflight: PROMOTE to canary" in done.stdout
    # What was read before the second of the merge is no news in the phase, and later readings begin to soak.
    assert re.search(r"^product v1\.1\.0 canary: (HOLD|SOAKING)$", done.stdout, re.MULTILINE)


def test_a_folder_that_holds_something_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine\n")
    assert main(["demo", "--output", str(tmp_path)]) == 3
    assert capsys.readouterr().err == (
        f"error: {tmp_path} is not an empty folder\nhint: name a folder that is not there yet\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]
