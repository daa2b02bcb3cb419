"""Limits: requests an hour, and minutes that a private repository pays for."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.doctor.cron import DAY, rhythm
from rollout.core.doctor.facts import RECONCILE, Hidden, World
from rollout.core.doctor.finding import Finding, cannot_tell, ok, warning
from rollout.core.values import format_instant

REQUESTS_A_RUN = 10
"""Of a whole reconcile that finds nothing but a new sample, its three jobs together; a test counts them."""
JOBS_A_RUN = 3
_SLOWER = f"a slower cron in {RECONCILE}"


def limits(world: World) -> Iterator[Finding]:
    """Whether the schedule fits into what GitHub allows."""
    limit, runs = world.settings.limit, _runs_a_day(world)
    spent = f"about {runs * REQUESTS_A_RUN} requests a day at this schedule; " if runs else ""
    if isinstance(limit, Hidden):
        yield cannot_tell("limits", f"{spent}the rate limit: {limit.why}", "gh api rate_limit")
    elif limit.remaining * 10 < limit.limit or runs * REQUESTS_A_RUN > limit.limit * DAY // 60 // 2:
        left = f"{limit.remaining} of {limit.limit} an hour are left until {format_instant(limit.resets_at)}"
        yield warning("limits", spent + left, f"find out who else spends them, or {_SLOWER}")
    else:
        yield ok("limits", f"{spent}{limit.remaining} of {limit.limit} an hour are left")
    if world.settings.private and runs:
        says = (
            f"private repository: up to {runs * JOBS_A_RUN} billed minutes a day, at least one for each job"
        )
        yield warning("minutes", says, f"{_SLOWER}, runners of your own, or a public repository for state")


def _runs_a_day(world: World) -> int:
    planned = rhythm(world.reconcile.crons) if world.reconcile else None
    return planned.runs_a_day if planned else 0
