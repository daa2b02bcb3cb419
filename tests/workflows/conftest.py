"""A town on the fake hub to release in."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakehub.fixtures import hub as hub
from fakehub.hub import Hub
from tests.workflows.town import Town, build


@pytest.fixture
def town(hub: Hub, tmp_path: Path) -> Town:
    """One repository with product, state, tool and workflows in it; the App is installed."""
    return build(hub, tmp_path, app=True)


@pytest.fixture
def plain_town(hub: Hub, tmp_path: Path) -> Town:
    """The same without an App: runs have their own token only."""
    return build(hub, tmp_path, app=False)
