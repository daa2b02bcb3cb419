"""One reconcile of a new healthy observation, in this process: against history, and against git alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Ratio
from benchmarks.timing import compare, timed
from benchmarks.world import STATUS, TRAIN, World
from rollout.core.files import state_path
from rollout.core.state import Event

READ = ("contract.yaml", "rollout.yaml", "status.yaml", "channel.yaml", "signoff.yaml")


def long_history() -> Ratio:
    with TemporaryDirectory() as folder:
        long, short = World(Path(folder) / "long"), World(Path(folder) / "short")
        long.prolong(10_000, distinct=100)
        short.prolong(10)
        return compare(partial(_reconcile, long), partial(_reconcile, short), rounds=40)


def bare_git() -> Ratio:
    """Compares with the least that a script would do: find branch and files of state, stage, commit.

    Those do no compare-and-swap, which costs reconcile two commands more.
    """
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
    return timed(partial(_read_and_commit, world, status, text))


def _read_and_commit(world: World, status: bytes, text: bytes) -> None:
    world.git("rev-parse", "--show-toplevel", "--symbolic-full-name", "HEAD")
    names = "".join(f"HEAD:{state_path(TRAIN, name)}\n" for name in READ)
    world.git("cat-file", "--batch", stdin=names.encode())
    (world.root / STATUS).write_bytes(status)
    world.git("add", STATUS)
    world.git("commit", "--quiet", "--file=-", stdin=text)
