"""`verify`, over what it costs to parse the files that it reads."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from benchmarks.table import Ratio
from benchmarks.timing import compare, timed
from benchmarks.world import STATUS, TRAIN, World
from rollout.commands.verify import Verification, verify

COMMITS = 1000


def thousand_commits() -> Ratio:
    """Compares recomputing every commit with `yaml.load` of their status files in memory."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder) / "world")
        since = world.prolong(COMMITS)
        return compare(partial(_verify, world, since), partial(_load, _blobs(world, since)), rounds=3)


def _verify(world: World, since: str) -> float:
    found: list[Verification] = []
    seconds = timed(lambda: found.append(verify(world.space().store, TRAIN, since)))
    assert found == [Verification(COMMITS, ())], found
    return seconds


def _load(blobs: list[bytes]) -> float:
    return timed(lambda: [yaml.load(blob, Loader=yaml.CSafeLoader) for blob in blobs])


def _blobs(world: World, since: str) -> list[bytes]:
    git = world.space().git
    found = [git.read(f"{commit}:{STATUS}") for commit in world.git("rev-list", f"{since}..").split()]
    return [blob.body for blob in found if blob]
