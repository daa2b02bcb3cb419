"""Lists of GitHub lag behind: what is repeated meanwhile, or delivered twice, is there once in the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_socket import socket_allow_hosts

from benchmarks.github_calls import environment_of
from fakehub.hub import Hub
from rollout.cli import main
from rollout.core.observation import Observation, Results
from rollout.files.evidence import write_evidence
from tests.adapters.github.world import GitHubWorld, seed
from tests.examples import examples
from tests.world import VERSION, contract

RECONCILE = ("reconcile",)
ROLLBACK = ("rollback", "--reason", "It crashes.", "--by", "alice")
SET_BETA = ("channel", "set", "beta")
APPLY = ("channel", "apply")
_TIMES = 3
_MOST_READINGS = 6
OBSERVE = (*RECONCILE, "--observation")
COMMANDS = st.sampled_from([RECONCILE, OBSERVE, ("signoff", "open"), ROLLBACK])
Story = Callable[[GitHubWorld, Path], None]


@pytest.mark.usefixtures("socket_enabled")
@settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(COMMANDS, st.integers(1, 2), st.booleans()), min_size=1, max_size=4))
def test_one_run_after_the_lag_leaves_one_of_each(
    acts: list[tuple[tuple[str, ...], int, bool]],
) -> None:
    """Rules 4 and 8: each command is repeated, or delivered twice, while the lists are behind."""
    socket_allow_hosts(["127.0.0.1"])
    with lagging() as (world, folder):
        world.run_harness()
        for command, times, catches_up in acts:
            if command == OBSERVE:
                deliver(world, folder, world.observe(), times)
            else:
                repeat(world, folder, command, times)
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


def promotion(world: GitHubWorld, folder: Path) -> None:
    world.run_harness()
    deliver(world, folder, world.observe())


def promotions_into_two_phases(world: GitHubWorld, folder: Path) -> None:
    promotion(world, folder)
    for _ in range(2):
        world.clock.forward(minutes=1)
        run(world, folder, RECONCILE)
        world.merge()
        for _ in range(_MOST_READINGS):
            world.clock.forward(minutes=10)
            deliver(world, folder, world.observe())
            if any(thread.state == "open" for thread in world.repo.pulls()):
                break


def freeze_of_a_promotion(world: GitHubWorld, folder: Path) -> None:
    promotion(world, folder)
    repeat(world, folder, ROLLBACK)
    repeat(world, folder, RECONCILE)


def revert(world: GitHubWorld, folder: Path) -> None:
    repeat(world, folder, ROLLBACK)
    repeat(world, folder, RECONCILE)
    deliver(world, folder, world.perform())
    repeat(world, folder, RECONCILE)
    world.clock.forward(minutes=1)
    run(world, folder, RECONCILE)
    world.merge()
    repeat(world, folder, RECONCILE)


def channel(world: GitHubWorld, folder: Path) -> None:
    world.repo.add_release("v0.1.6")
    repeat(world, folder, SET_BETA)
    repeat(world, folder, RECONCILE)
    world.clock.forward(minutes=1)
    repeat(world, folder, APPLY)


@pytest.mark.parametrize(
    ("story", "version"),
    [
        (promotion, VERSION),
        (promotions_into_two_phases, VERSION),
        (freeze_of_a_promotion, VERSION),
        (revert, VERSION),
        (channel, None),
    ],
)
def test_a_story_ends_as_without_the_lag(socket_enabled: None, story: Story, version: str | None) -> None:
    """Every command runs three times, and all evidence is delivered three times."""
    socket_allow_hosts(["127.0.0.1"])
    ends = [told(story, version, lags=lags) for lags in (False, True)]
    assert ends[0] == ends[1]


def told(story: Story, version: str | None, *, lags: bool) -> tuple[object, ...]:
    """What is open, the state's commits, every status, and the branches, once the lag is over."""
    with lagging(version, lags=lags) as (world, folder):
        story(world, folder)
        for _ in range(2):
            world.clock.forward(minutes=1)
            run(world, folder, RECONCILE)
        commits = [re.sub(r"#\d+", "#N", subject) for subject in world.subjects()]
        return opened(world), commits, world.statuses(), sorted(world.branches())


def repeat(world: GitHubWorld, folder: Path, command: tuple[str, ...], times: int = _TIMES) -> None:
    for _ in range(times):
        run(world, folder, command)


def deliver(world: GitHubWorld, folder: Path, evidence: Observation | Results, times: int = _TIMES) -> None:
    file = folder / "evidence.json"
    write_evidence(file, evidence)
    repeat(world, folder, (*OBSERVE, str(file)), times)


@contextmanager
def lagging(version: str | None = VERSION, *, lags: bool = True) -> Iterator[tuple[GitHubWorld, Path]]:
    """A release in its first phase, None for an idle train, on a GitHub whose lists are behind.

    Changes of the channel are pull requests.
    """
    policy = contract()
    reviewed = policy.channel.model_copy(update={"review": "pull_request"})
    with TemporaryDirectory() as name:
        folder = Path(name)
        repository, release = seed(folder / "repository", policy.model_copy(update={"channel": reviewed}))
        (folder / "hub").mkdir()
        with Hub(folder / "hub") as hub:
            world = GitHubWorld(hub, repository.path, release)
            if version is not None:
                world.start(version)
            world.clock.forward(minutes=1)
            hub.lags = lags
            yield world, folder


def run(world: GitHubWorld, folder: Path, command: tuple[str, ...]) -> None:
    """Only a rollback of what is rolled back already may be refused."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in environment_of(world).items():
            environment.setenv(name, value)
        code = main([*command, "--forge", "github", "--repo", str(folder)])
    assert code in ((0, 3) if command[0] in ("rollback", "signoff") else (0,))


def opened(world: GitHubWorld) -> Counter[str]:
    """Kind and name -> how many are open."""
    there = (thread for thread in world.repo.threads.values() if thread.state == "open")
    return Counter(thread.pull.head if thread.pull else thread.title for thread in there)


def threads(world: GitHubWorld) -> list[tuple[int, str, str, list[str]]]:
    return [
        (thread.number, thread.title, thread.state, [comment.body for comment in thread.comments])
        for thread in world.repo.threads.values()
    ]
