"""An archived repository: each command that writes names it, and how to take that back."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.cli import main
from rollout.files.evidence import write_evidence
from tests.adapters.github.fixtures import hub
from tests.adapters.scratch import Existing
from tests.cli.test_laptop import clone, source, world

__all__ = ["clone", "hub", "source", "world"]
from tests.adapters.github.world import GitHubWorld

UNARCHIVE = "Settings > General > Danger Zone > Unarchive this repository"
COMMANDS = (
    "freeze --reason stop",
    "rollback --reason stop",
    "reconcile --observation o.json",
    "signoff open",
    "withdraw --reason none",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_how_to_unarchive(
    world: GitHubWorld,
    clone: Existing,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    if "--observation" in command:
        write_evidence(Path("o.json"), world.observe())
    world.repo.archived = True
    code = main(command.split())
    told = capsys.readouterr().err
    assert code == 4
    assert "archived" in told
    assert UNARCHIVE in told


def test_a_freeze_that_git_pushes_says_so_too(
    world: GitHubWorld, clone: Existing, capsys: pytest.CaptureFixture[str]
) -> None:
    world.repo.archived = True
    assert main(["freeze", "--reason", "stop"]) == 4
    told = capsys.readouterr().err
    assert "This repository was archived so it is read-only" in told
    assert UNARCHIVE in told
