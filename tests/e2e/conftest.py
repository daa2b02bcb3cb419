"""A town to release in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rollout.demo.product import TOOLS
from tests.e2e.shell import BEGIN, Town, build


@pytest.fixture(scope="session")
def built() -> list[Town]:
    """The town that all begin with; made by the first test that wants one, and only copied."""
    return []


@pytest.fixture
def town(
    built: list[Town],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Town:
    """In its own repository, with git's own commits made at a fixed time."""
    path = tmp_path / "product"
    monkeypatch.setenv("PATH", f"{path / TOOLS}{os.pathsep}{os.environ['PATH']}")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_DATE", f"{int(BEGIN.timestamp())} +0000")
    if not built:
        built.append(build(tmp_path_factory.mktemp("town") / "product", capsys))
    return built[0].copied(path, capsys)
