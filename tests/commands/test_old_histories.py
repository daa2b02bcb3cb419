"""Histories that earlier versions wrote stay readable, verify by the rules of their time, and go on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify

HISTORIES = Path(__file__).parent.parent / "histories"
TRAIN = "shop"


@pytest.fixture(scope="module")
def first_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of 80 state commits with `schema: 1`.

    A release that reached everybody past a reset, an illegal step and a changed contract, one that was
    rolled back, and a false alarm.
    """
    folder = tmp_path_factory.mktemp("first-rules")
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    with (HISTORIES / "first-rules.fast-export").open("rb") as stream:
        subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, stdin=stream, check=True)
    return folder


def test_a_history_of_schema_1_verifies(first_rules: Path) -> None:
    verified = verify(YamlStore(Git(first_rules)), TRAIN, None)

    assert verified.problems == []
    assert verified.commits == 80
