"""A repository on the fake hub in which a release has just begun, for tests of the adapters of GitHub."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakehub.fixtures import hub
from fakehub.hub import Hub
from tests.adapters.github.world import GitHubWorld, started

__all__ = ["hub", "origin", "world"]


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The repository, which nobody changes, and the release commit."""
    repository, release = started(tmp_path_factory.mktemp("origin") / "repository")
    return repository.path, release


@pytest.fixture
def world(hub: Hub, origin: tuple[Path, str]) -> GitHubWorld:
    """The release is in preflight, and the next observation promotes it."""
    world = GitHubWorld(hub, *origin)
    world.run_harness()
    world.clock.forward(minutes=10)
    return world
