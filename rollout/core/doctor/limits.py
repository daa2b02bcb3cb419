"""Limits: requests an hour, and minutes that a private repository pays for.

GitHub bills each job by the minute, a part of one as a whole (docs.github.com, Actions, "Billing and usage").
"""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.doctor.cron import DAY, rhythm
from rollout.core.doctor.facts import UnknownFact, World
from rollout.core.doctor.finding import Finding, cannot_tell, ok, warning
from rollout.core.values import format_instant
from rollout.core.workflow_pin import SCHEDULE_WORKFLOW

REQUESTS_A_RUN = 23
"""The most of a whole tick on one runner, in all jobs: a new sample, and a promotion that turns red or green.

benchmarks/github_calls.py counts them.
"""
REQUESTS_OF_A_PRODUCT = 4
"""The most that a product in a repository apart adds: tokens and queries, in both jobs that decide."""
REQUESTS_OF_METRICS = 12
"""The most that metrics beside the product add: jobs that read them, and one that folds them in."""
JOBS_A_READING = 3
"""Two that read, of rollout-collect or rollout-metrics, and the one that folds in what they bring."""
_DAYS = 30
_SLOWER = f"a slower cron in {SCHEDULE_WORKFLOW}"


def limits(world: World) -> Iterator[Finding]:
    """Yields whether the schedule fits into what GitHub allows."""
    limit, runs = world.settings.limit, _runs_a_day(world)
    requests = runs * requests_a_run(
        is_product_apart=any(train.product for train in world.trains),
        measures=any(train.measures for train in world.trains),
    )
    spent = f"at most {requests:,} requests a day at this schedule; " if runs else ""
    if isinstance(limit, UnknownFact):
        yield cannot_tell("limits", f"{spent}the rate limit: {limit.why}", "gh api rate_limit")
    elif limit.remaining * 10 < limit.limit or requests > limit.limit * DAY // 60 // 2:
        left = f"{limit.remaining} of {limit.limit} an hour are left until {format_instant(limit.resets_at)}"
        yield warning("limits", spent + left, f"find out who else spends them, or {_SLOWER}")
    else:
        yield ok("limits", f"{spent}{limit.remaining} of {limit.limit} an hour are left")
    if world.settings.private and runs:
        fix = f"{_SLOWER}, longer intervals in the contract, own runners, or a public repository for state"
        yield warning("minutes", _minutes(world, runs), fix)


def requests_a_run(*, is_product_apart: bool, measures: bool = False) -> int:
    """Returns the most requests of a tick of one train."""
    apart = REQUESTS_OF_A_PRODUCT if is_product_apart else 0
    return REQUESTS_A_RUN + apart + (REQUESTS_OF_METRICS if measures else 0)


def _minutes(world: World, runs: int) -> str:
    """Returns what a month costs while nothing is under way, and a day of a release;
    each job about a minute.
    """
    idle = f"private repository: about {runs * _DAYS:,} billed minutes a month while nothing is under way"
    intervals = [interval for train in world.trains for interval in train.intervals]
    readings = sum(min(runs, DAY * 60 // max(interval, 1)) for interval in intervals)
    if not readings:
        return idle
    a_day = runs + JOBS_A_READING * readings
    readers = "1 job that reads" if len(intervals) == 1 else f"{len(intervals)} jobs that read"
    return (
        f"{idle}, and {a_day:,} a day with a release under way and {readers}:"
        f" {a_day * _DAYS:,} a month. A longer job costs more"
    )


def _runs_a_day(world: World) -> int:
    planned = rhythm(world.schedule.crons) if world.schedule else None
    return planned.runs_a_day if planned else 0
