"""`make bench`: print the table; exit 1 when a goal is missed."""

from __future__ import annotations

import gc
import os
import sys

from benchmarks.registry import BENCHMARKS
from benchmarks.table import run
from rollout.__main__ import GARBAGE_THRESHOLD

# Nobody's own settings (signing, hooks, templates) belong to what is measured.
os.environ.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
for role in ("AUTHOR", "COMMITTER"):
    os.environ.update({f"GIT_{role}_NAME": "Benchmark", f"GIT_{role}_EMAIL": "benchmark@example.com"})
gc.set_threshold(GARBAGE_THRESHOLD)  # as `rollout` runs
sys.exit(run(BENCHMARKS, lambda line: print(line, flush=True)))
