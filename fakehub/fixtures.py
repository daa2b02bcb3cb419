"""Fixtures for any test: `from fakehub.fixtures import hub` in a conftest.py or a test's module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_socket import socket_allow_hosts

from fakehub.hub import Hub

__all__ = ["hub"]


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, socket_enabled: None) -> Iterator[Hub]:
    """Yields an empty local GitHub. Using it allows sockets; only the loopback can be reached."""
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    with Hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub
