"""Killed before each git process that it starts, a command is finished by the next run."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.cli import main
from rollout.core.state import TrainState
from rollout.core.values import format_instant
from tests.brake.broken import on_its_way
from tests.places.places import DESIRED, copied, git, make
from tests.world import TAU

COMMANDS = {
    "freeze": ("freeze", "--reason", "stop"),
    "rollback": ("rollback", "--reason", "stop", "--by", "ada"),
}
SHIM = """#!/bin/sh
echo >> '{log}'
if [ "$(wc -l < '{log}')" -ge {at} ]; then kill -9 $PPID; exit 137; fi
exec '{git}' "$@"
"""
Run = Callable[..., tuple[int, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "made"
    make(folder)
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a process of its own: how it ended, and how many git processes it started."""
    real = shutil.which("git")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()

    def start(repo: Path, *command: str, killed_at: int = 0) -> tuple[int, int]:
        log, shim = tmp_path / "log", tmp_path / "bin" / "git"
        log.write_text("")
        shim.write_text(SHIM.format(log=log, at=killed_at or 1000, git=real))
        shim.chmod(0o755)
        pid = os.fork()
        if pid == 0:
            now = format_instant(on_its_way()[2].finished_at)
            os._exit(main([*command, "--repo", str(repo), "--now", now]))
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        shim.unlink()
        return ended, len(log.read_text())

    return start


def state(repo: Path) -> TrainState:
    opened = Git(repo)
    store = YamlStore(opened)
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
    for at in range(1, calls + 1):
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


def prepared(made: Path, folder: Path, line_ends: str) -> Path:
    folder.mkdir()
    repo = copied(made, folder)
    git(repo, "config", "core.autocrlf", line_ends)
    shutil.rmtree(repo / "state")
    git(repo, "checkout", "--quiet", "--", "state")
    assert (b"\r\n" in (repo / DESIRED).read_bytes()) is (line_ends == "true")
    return repo
