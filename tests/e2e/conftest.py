"""A town to release in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rollout.demo.product import TOOLS
from tests.e2e.shell import BEGIN, Town, build, copied
from tests.shared import made_once


@dataclass(frozen=True)
class Towns:
    """Makes towns for one test."""

    factory: pytest.TempPathFactory
    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def after(self, name: str, play: Callable[[Town], object]) -> Town:
        """Returns a town of its own after `play`, which is played once for all tests that give that name."""

        def make(folder: Path) -> None:
            path = self._entered(folder / "product")
            town = build(path, self.capsys)
            play(town)
            town.keep(folder / "kept")

        made = made_once(self.factory, f"town-{name}", make)
        path = self._entered(self.folder / "product")
        return copied(made / "product", made / "kept", path, self.capsys)

    def _entered(self, path: Path) -> Path:
        """Lets the product's programs be found first."""
        self.monkeypatch.setenv("PATH", f"{path / TOOLS}{os.pathsep}{os.environ['PATH']}")
        return path


@pytest.fixture
def towns(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Towns:
    """Git's own commits are made at a fixed time."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_DATE", f"{int(BEGIN.timestamp())} +0000")
    return Towns(tmp_path_factory, tmp_path, capsys, monkeypatch)


@pytest.fixture
def town(towns: Towns) -> Town:
    """With an idle train."""
    return towns.after("new", lambda _: None)
