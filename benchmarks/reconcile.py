"""One reconcile of a new healthy observation, in this process: against history, and against git alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Ratio
from benchmarks.timing import compare, timed
from benchmarks.world import STATUS, World
from rollout.core.state import Event


def long_history() -> Ratio:
    with TemporaryDirectory() as folder:
        long, short = World(Path(folder) / "long"), World(Path(folder) / "short")
        long.prolong(10_000, distinct=100)
        short.prolong(10)
        return compare(partial(_reconcile, long), partial(_reconcile, short), rounds=40)


def bare_git() -> Ratio:
    """Over the git commands by which a script would read the same state and record the same change."""
    with TemporaryDirectory() as folder:
        ours, theirs = World(Path(folder) / "ours"), World(Path(folder) / "theirs")
        return compare(partial(_reconcile, ours), partial(_record, theirs, ours), rounds=40)


def _reconcile(world: World) -> float:
    observation, recorded = world.observe(), []
    seconds = timed(lambda: recorded.extend(world.reconcile(observation)))
    assert recorded == [Event.OBSERVE], recorded
    return seconds


def _record(world: World, like: World) -> float:
    status, text = (like.root / STATUS).read_bytes(), like.git("log", "-1", "--format=%B").encode()
    return timed(partial(_commit, world, status, text))


def _commit(world: World, status: bytes, text: bytes) -> None:
    (world.root / STATUS).write_bytes(status)
    world.git("add", STATUS)
    world.git("commit", "--quiet", "--file=-", stdin=text)
