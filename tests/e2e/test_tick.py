"""`tick`, `collect` and `list` as a person types them, in a product that is two health files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.scratch import Repository
from tests.e2e.shell import Shell


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """With a train and a release that only has to be started."""
    return Repository(tmp_path / "shop", {".gitignore": "*health.json\n"})


@pytest.fixture
def shell(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(repository.path, capsys)
    shell.ok("init", "--train", "shop", "--current-version", "v1.3.0")
    repository.commit({}, "Add the contract")
    repository.git("tag", "v1.3.0")
    repository.commit({"shop.txt": "hello\n"}, "Greet")
    return shell


@pytest.fixture
def say(shell: Shell) -> Callable[[str], None]:
    """Lets the product write its health, as of now."""

    def write(health: str) -> None:
        api = {"status": health, "errors": 0, "requests": {"served": 3}}
        (shell.repo / "health.json").write_text(json.dumps(api))
        worker = {"health_state": "healthy", "queue_depth": 0}
        seen = {**worker, "updated_unix_ms": int(shell.now.timestamp()) * 1000}
        (shell.repo / "worker-health.json").write_text(json.dumps(seen))

    return write


def test_ticks_and_merges_bring_a_release_into_its_first_phase(
    shell: Shell, say: Callable[[str], None]
) -> None:
    shell.ok("start", "v1.4.0")
    shell.wait(minutes=1)
    say("ok")
    said = shell.json("tick")
    assert (said["decision"], said["effects"][1]["kind"]) == ("promote", "open_pull_request")
    shell.wait(minutes=1)
    shell.ok("local", "merge", "1")
    say("ok")
    said = shell.json("tick")
    assert (said["phase"], [row["event"] for row in said["effects"] if row["kind"] == "commit"]) == (
        "canary",
        ["enter", "observe"],
    )
    shell.ok("verify")


def test_one_tick_takes_a_rollback_to_what_only_a_person_can_do(
    shell: Shell, say: Callable[[str], None]
) -> None:
    shell.ok("start", "v1.4.0")
    say("ok")
    shell.ok("tick")
    shell.ok("local", "merge", "1")
    for mood in ("ok", "down"):
        shell.wait(minutes=6)
        say(mood)
        shell.ok("tick")
    shell.wait(minutes=6)
    say("down")
    said = shell.ok("tick")
    assert "note: evidence was read and not copied; for copies give --evidence-dir DIR" in said.err
    assert "open pull request rollout-revert/shop/" in said.out
    (pull,) = [each for each in shell.json("local", "prs") if each["state"] == "open"]
    assert pull["kind"] == "revert"


def test_a_tick_without_a_release_reads_nothing(shell: Shell) -> None:
    said = shell.ok("tick")
    assert said.out.startswith("shop: no release")
    assert said.err == ""


@pytest.mark.parametrize("command", ["tick", "status"])
def test_watching_needs_a_clock_that_goes(shell: Shell, command: str) -> None:
    said = shell.rollout(command, "--watch")
    assert (said.code, said.out) == (2, "")
    assert said.err == ("error: --watch goes by the clock, which --now stops\nhint: leave one of them out\n")


def test_a_watched_status_is_shown_at_once_and_ends_well_when_it_is_interrupted(shell: Shell) -> None:
    command = [sys.executable, "-m", "rollout", "status", "--watch", "--repo", str(shell.repo)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stderr is not None
        waits = watching.stderr.readline()
        watching.terminate()  # a shell that starts tests in the background has them ignore SIGINT
        out, err = watching.communicate()
    assert re.fullmatch(r"next look in \d\d? s; Ctrl-C ends it\n", waits)
    assert (watching.returncode, out.splitlines()[0], err) == (0, "shop: no release", "stopped\n")


# --- collect ---------------------------------------------------------------------------------------------


def test_collect_shows_a_summary_and_prints_the_document_only_when_asked(
    shell: Shell, say: Callable[[str], None], tmp_path: Path
) -> None:
    shell.ok("start", "v1.4.0")
    say("warn")
    said = shell.ok("collect")
    assert said.out.splitlines()[1:3] == [
        "  api     degraded  error_count 0; served 3; 0s old",
        "  worker  healthy   queue_depth 0; 0s old",
    ]
    assert said.err == (
        "nothing was kept; to keep a reading: rollout collect -o FILE; to decide by one: rollout tick\n"
    )
    assert shell.json("collect")["kind"] == "observation"
    assert shell.ok("collect", "-o", tmp_path / "seen.json").out == ""
    assert json.loads((tmp_path / "seen.json").read_text())["kind"] == "observation"


def test_surfaces_are_tried_without_a_rollout_and_before_anything_is_committed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = Repository(tmp_path / "shop")
    shell = Shell(repository.path, capsys)
    shell.ok("init")
    (repository.path / "worker-health.json").write_text('{"health_state": "healthy", "queue_depth": 0}')
    before = repository.status()
    said = shell.ok("collect", "--try")
    assert said.out.splitlines()[0] == "the surfaces of state/product/contract.yaml"
    assert "  api     unknown  exit 1: cat: health.json: No such file" in said.out
    assert said.err == "nothing was recorded\n"
    assert [
        (row["surface"], row["query"], row["sent"], row["unknown"] is None)
        for row in shell.json("collect", "--try", "--surface", "worker")
    ] == [("worker", None, "worker-health.json", False)]
    assert repository.status() == before


def test_what_is_tried_goes_to_no_file(shell: Shell) -> None:
    said = shell.rollout("collect", "--try", "--output", "seen.json")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: --try records nothing, so it has no --output\n")


# --- list ------------------------------------------------------------------------------------------------


def test_list_shows_every_train_and_only_those_that_need_a_person(
    shell: Shell, repository: Repository, say: Callable[[str], None]
) -> None:
    shell.ok("init", "--profile", "generic", "--train", "api", "--current-version", "v1.3.0")
    repository.commit({}, "Add another train")
    shell.ok("start", "v1.4.0", "-t", "shop")
    say("ok")
    shell.ok("tick", "-t", "shop")
    assert [each["train"] for each in shell.json("list")] == ["api", "shop"]
    (needed,) = shell.json("list", "--needs-me")
    assert (needed["train"], needed["todo"]) == (
        "shop",
        ["merge pull request #1 to go to canary: rollout local merge 1"],
    )
    assert [each["train"] for each in shell.json("list", "-t", "api")] == ["api"]
    assert shell.json("list", "-t", "api", "--needs-me") == []


def test_list_shows_the_other_trains_when_one_cannot_be_read(shell: Shell, repository: Repository) -> None:
    shell.ok("init", "--profile", "generic", "--train", "api", "--current-version", "v1.3.0")
    repository.commit({"state/api/contract.yaml": "schema: 1\ntrain: api\n"}, "Break the other train")
    api, shop = shell.json("list")
    assert (api["outcome"], api["todo"][0].startswith("fix state/api/contract.yaml: ")) == (None, True)
    assert shop["outcome"] == "idle"


def test_list_without_a_train_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = Repository(tmp_path / "bare")
    said = Shell(repository.path, capsys).rollout("list")
    assert (said.code, said.out) == (2, "")
    assert "rollout init" in said.err
