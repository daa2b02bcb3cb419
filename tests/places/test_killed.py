"""Killed before each git process that it starts, a command is finished by the next run."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.cli import main
from rollout.core.state import TrainState
from rollout.core.values import format_instant
from tests.brake.broken import on_its_way
from tests.examples import NIGHTLY
from tests.places.places import DESIRED, copied, edited, files_of_people, git, make
from tests.places.writers import WRITERS, Writer, make_new, words
from tests.world import TAU

COMMANDS = {
    "freeze": ("freeze", "--reason", "stop"),
    "rollback": ("rollback", "--reason", "stop", "--by", "ada"),
}
Run = Callable[..., tuple[int, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "made"
    make(folder)
    return folder


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "new"
    make_new(folder)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in a process of its own: how it ended, and how many git processes it started."""

    def start(repo: Path, *command: str, killed_at: int = 0) -> tuple[int, int]:
        log = tmp_path / "log"
        log.write_bytes(b"")
        pid = os.fork()
        if pid == 0:
            sys.addaudithook(Counting(log, killed_at))
            now = format_instant(on_its_way()[2].finished_at)
            os._exit(main([*command, "--repo", str(repo), "--now", now]))
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return ended, len(log.read_bytes())

    return start


class Counting:
    """Hears of each process that this one is about to start, and kills this one before the git process `at`.

    A program in the place of git could count too, and would take as long as git itself.
    """

    def __init__(self, log: Path, at: int) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND)
        self._at = at
        self._begun = 0

    def __call__(self, event: str, facts: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and facts[0] == "git":
            self._begun += 1
            os.write(self._log, b".")
            if self._begun == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


def state(repo: Path) -> TrainState:
    opened = Git(repo)
    store = YamlStore(opened, "main")
    found = store.load(TAU, store.head())
    opened.close()
    return found


@pytest.mark.parametrize("line_ends", ["false", "true", "input"])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_next_run_finishes(made: Path, tmp_path: Path, run: Run, name: str, line_ends: str) -> None:
    command = COMMANDS[name]
    whole = prepared(made, tmp_path / "whole", line_ends)
    ended, calls = run(whole, *command)
    assert ended == 0
    assert calls > 5
    wanted = state(whole)
    # Until the branch moves, a few calls before the end, the worktree and its line ends stay as they are.
    for at in range(1 if line_ends == "true" or NIGHTLY else calls - 4, calls + 1):
        repo = prepared(made, tmp_path / str(at), line_ends)
        assert run(repo, *command, killed_at=at)[0] == -signal.SIGKILL
        assert state(repo).rollout in (wanted.rollout, state(made).rollout)
        assert run(repo, *command)[0] == 0
        # What a person commits next must not take it back.
        (repo / "README").write_text("more\n")
        git(repo, "commit", "--quiet", "--all", "--message=more")
        assert git(repo, "status", "--porcelain") == ""
        assert git(repo, "diff", "--name-only", "HEAD~1") == "README"
        assert state(repo).rollout == wanted.rollout


@pytest.mark.parametrize("name", [*WRITERS, "freeze", "rollback"])
def test_two_kills_in_a_row_are_healed_beside_what_a_person_edits(
    made: Path, new: Path, tmp_path: Path, run: Run, name: str
) -> None:
    """From the call before the branch moves: until then nothing is written that anybody sees."""
    writer = WRITERS.get(name) or Writer(" ".join(COMMANDS[name]))
    begun = prepared(new if writer.is_new else made, tmp_path / "begun", "true")
    for command in writer.before:
        assert run(begun, *command.split())[0] == 0
    (begun / "src" / "app.txt").write_text("staged")
    git(begun, "add", "src/app.txt")
    (begun / "src" / "app.txt").write_text("and more")
    (begun / "notes").write_text("mine")
    whole, theirs = copied(begun, tmp_path), files_of_people(begun)
    shown, given = git(begun, "status", "--porcelain"), words(begun, writer.command)
    ended, calls = run(whole, *given)
    assert ended == 0
    for first, second in ((calls - 1, calls), (calls, calls), (calls, 1)):
        repo = tmp_path / f"{first}-{second}"
        shutil.copytree(begun, repo, symlinks=True)
        assert run(repo, *given, killed_at=first)[0] == -signal.SIGKILL
        run(repo, *given, killed_at=second)
        # What is done already may be refused: the worktree is brought up to date anyway.
        assert run(repo, *given)[0] in (0, 3)
        assert state(repo).rollout == state(whole).rollout
        assert (files_of_people(repo), git(repo, "status", "--porcelain")) == (theirs, shown)


def test_an_edit_of_what_the_brake_writes_is_kept_when_that_is_killed(
    made: Path, tmp_path: Path, run: Run
) -> None:
    begun = prepared(made, tmp_path / "begun", "false")
    (begun / DESIRED).write_bytes(edited((begun / DESIRED).read_bytes()))
    whole = copied(begun, tmp_path)
    ended, calls = run(whole, *COMMANDS["rollback"])
    assert ended == 0
    for at in range(calls - 4, calls + 1):
        repo = tmp_path / str(at)
        shutil.copytree(begun, repo, symlinks=True)
        assert run(repo, *COMMANDS["rollback"], killed_at=at)[0] == -signal.SIGKILL
        assert run(repo, *COMMANDS["rollback"])[0] == 0
        git(repo, "commit", "--quiet", "--allow-empty", "--message=what is staged")
        assert git(repo, "diff", "--name-only", "HEAD~1", "HEAD") == ""
        assert state(repo).rollout == state(whole).rollout
        assert (repo / DESIRED).read_bytes() == (begun / DESIRED).read_bytes()


def prepared(made: Path, folder: Path, line_ends: str) -> Path:
    folder.mkdir()
    repo = copied(made, folder)
    git(repo, "config", "core.autocrlf", line_ends)
    shutil.rmtree(repo / "state")
    git(repo, "checkout", "--quiet", "--", "state")
    assert (b"\r\n" in (repo / DESIRED).read_bytes()) is (line_ends == "true")
    return repo
