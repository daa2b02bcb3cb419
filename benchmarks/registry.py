"""Every benchmark, with its goal."""

from __future__ import annotations

from benchmarks import (
    cold_start,
    decision,
    github_calls,
    github_time,
    measurements,
    metrics,
    reconcile,
    verification,
)
from benchmarks.table import Benchmark

BENCHMARKS = (
    Benchmark("cold start of `rollout --help` over `python -c pass`", 6, cold_start.show_help),
    Benchmark(
        "cold start of `rollout evaluate` over importing yaml and building one pydantic model",
        1.6,
        cold_start.evaluate,
    ),
    Benchmark("reconcile after 10,000 state commits over one after 10", 1.2, reconcile.long_history),
    Benchmark(
        "`advance`, five surfaces, canary-3, with reasons, over `json.loads` of the status",
        5,
        decision.advance_once,
    ),
    Benchmark(
        "observe and commit on the local forge over git's `rev-parse`, `cat-file`, `add`, `commit`",
        2,
        reconcile.bare_git,
    ),
    Benchmark(
        "`advance` by 50 metric gates (8 proportions, 8 ratios, 4 burn rates) over 50 thresholds",
        1.5,
        measurements.fifty_gates,
    ),
    Benchmark("status.yaml after 1,000 ticks over after 10", 1.1, decision.status_size),
    Benchmark(
        "`verify` of 1,000 commits over `yaml.load` of their 1,000 statuses", 2, verification.thousand_commits
    ),
    Benchmark(
        "50 metrics of one provider over 1.5 times the slowest query of a bare client and 0.2 s",
        1,
        metrics.fifty_queries,
    ),
    *(Benchmark(f"requests to GitHub: {what}", most, count) for what, most, count in github_calls.TICKS),
    Benchmark("a steady run of rollout-reconcile under act, installing stubbed", None, github_time.whole_run),
    Benchmark(
        "reconcile on the tests' GitHub over the local forge, on the same world",
        None,
        github_time.over_the_local_forge,
    ),
)
