"""Lists of GitHub lag behind: whatever is repeated meanwhile leaves one issue of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_socket import socket_allow_hosts

from benchmarks.github_calls import environment_of
from rollout.cli import main
from tests.adapters.github_world import GitHubWorld, seed
from tests.fakehub.hub import Hub

COMMANDS = st.sampled_from(
    [
        ("reconcile",),
        ("signoff", "open"),
        ("rollback", "--reason", "It crashes.", "--by", "alice"),
    ]
)


@pytest.mark.usefixtures("socket_enabled")
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(COMMANDS, st.integers(1, 2), st.booleans()), min_size=1, max_size=4))
def test_one_run_after_the_lag_leaves_one_of_each(
    acts: list[tuple[tuple[str, ...], int, bool]],
) -> None:
    """Rules 4 and 8: each command is repeated, or delivered twice, while the lists are behind."""
    socket_allow_hosts(["127.0.0.1"])
    with lagging() as (world, folder):
        for command, times, catches_up in acts:
            for _ in range(times):
                run(world, folder, command)
            world.clock.forward(minutes=int(catches_up))
        world.clock.forward(minutes=1)
        run(world, folder, ("reconcile",))
        left = opened(world)
        assert set(left.values()) <= {1}, left
        world.clock.forward(minutes=1)
        run(world, folder, ("reconcile",))
        assert opened(world) == left


def test_issues_that_two_runs_opened_at_once_become_one(socket_enabled: None) -> None:
    socket_allow_hosts(["127.0.0.1"])
    with lagging() as (world, folder):
        for command in (("signoff", "open"), ("reconcile",)):
            run(world, folder, command)
        for _ in range(2):
            run(world, folder, ("rollback", "--reason", "It crashes.", "--by", "alice"))
            run(world, folder, ("reconcile",))
        assert max(opened(world).values()) > 1
        world.clock.forward(minutes=1)
        run(world, folder, ("reconcile",))
        assert set(opened(world).values()) == {1}
        first = min(number for number, *_ in threads(world))
        assert any(f"it goes on at #{first}" in words for *_, said in threads(world) for words in said)


@contextmanager
def lagging() -> Iterator[tuple[GitHubWorld, Path]]:
    """A release in its first phase, on a GitHub whose lists are behind."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        repository, release = seed(folder / "repository")
        (folder / "hub").mkdir()
        with Hub(folder / "hub") as hub:
            world = GitHubWorld(hub, repository.path, release)
            world.start()
            world.clock.forward(minutes=1)
            hub.lags = True
            yield world, folder


def run(world: GitHubWorld, folder: Path, command: tuple[str, ...]) -> None:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in environment_of(world).items():
            environment.setenv(name, value)
        assert main([*command, "--forge", "github", "--repo", str(folder)]) in (0, 3)


def opened(world: GitHubWorld) -> Counter[str]:
    """Kind and name -> how many are open."""
    there = (thread for thread in world.repo.threads.values() if thread.state == "open")
    return Counter(thread.pull.head if thread.pull else thread.title for thread in there)


def threads(world: GitHubWorld) -> list[tuple[int, str, str, list[str]]]:
    return [
        (thread.number, thread.title, thread.state, [comment.body for comment in thread.comments])
        for thread in world.repo.threads.values()
    ]
