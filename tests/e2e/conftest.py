"""A town to release in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rollout.demo.product import TOOLS
from tests.e2e.shell import BEGIN, Town, build


@pytest.fixture
def town(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Town:
    """In its own repository, with git's own commits made at a fixed time."""
    path = tmp_path / "product"
    monkeypatch.setenv("PATH", f"{path / TOOLS}{os.pathsep}{os.environ['PATH']}")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_DATE", f"{int(BEGIN.timestamp())} +0000")
    return build(path, capsys)
