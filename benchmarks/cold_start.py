"""Cold starts, over the least that Python itself costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Ratio
from benchmarks.timing import compare, timed
from benchmarks.world import World

ROLLOUT = str(Path(sys.executable).with_name("rollout"))
ONE_MODEL = """
import yaml
from pydantic import BaseModel

class Model(BaseModel):
    name: str

Model(name=yaml.safe_load("x"))
"""


def show_help() -> Ratio:
    with TemporaryDirectory() as folder:
        start = _Starter(Path(folder))
        return compare(start.of(ROLLOUT, "--help"), start.of(sys.executable, "-c", "pass"), rounds=40)


def evaluate() -> Ratio:
    """Measures it in a repository in mid-rollout, git's share included."""
    with TemporaryDirectory() as folder:
        start, world = _Starter(Path(folder) / "bytecode"), World(Path(folder) / "world")
        ours = start.of(ROLLOUT, "evaluate", "--repo", str(world.root), "--now", world.now.isoformat())
        return compare(ours, start.of(sys.executable, "-c", ONE_MODEL), rounds=40)


class _Starter:
    """Starts programs that find their bytecode, as installed ones do; the first start leaves it."""

    def __init__(self, bytecode: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = {**kept, "PYTHONPYCACHEPREFIX": str(bytecode)}

    def of(self, *command: str) -> Callable[[], float]:
        """Returns a side that starts the command and waits for its end."""
        return partial(timed, partial(self._run, command))

    def _run(self, command: tuple[str, ...]) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=self._environment)
