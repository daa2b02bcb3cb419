"""What the design allows a run to ask of GitHub, held by the whole command: issues and reverts included."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_socket import socket_allow_hosts

from benchmarks.github_calls import FOREIGN, TICKS
from benchmarks.table import Count


@pytest.mark.parametrize(
    ("most", "count"),
    [
        pytest.param(most, count, id=what)
        for what, most, count in TICKS
        if most is not None and most > FOREIGN
    ],
)
def test_a_tick_makes_no_more_requests_than_it_may(
    socket_enabled: None, most: int, count: Callable[[], Count]
) -> None:
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    found = count()
    assert found.value <= most, found.detail
