"""Streaks: consecutive unhealthy checks of each surface (DESIGN section 6, Streaks)."""

from __future__ import annotations

from collections.abc import Mapping

from rollout.core.contract import Contract, HealthRegressionTrigger
from rollout.core.observation import Sample
from rollout.core.state import Streak
from rollout.core.values import seconds_between

Streaks = Mapping[str, Mapping[str, Streak]]


def fold(
    streaks: Streaks, samples: Mapping[str, Sample], contract: Contract, phase: str
) -> dict[str, dict[str, Streak]]:
    """Trigger -> surface -> streak after one more round of samples, which is of that phase.

    What is unknown, or of a phase that the trigger does not watch, neither adds nor clears.
    """
    folded: dict[str, dict[str, Streak]] = {}
    for trigger in contract.triggers:
        if isinstance(trigger, HealthRegressionTrigger):
            before = streaks.get(trigger.name, {})
            after = dict(before)
            watched = contract.surfaces_of(trigger.surfaces) if contract.watches(trigger, phase) else ()
            for surface in watched:
                sample = samples.get(surface)
                if sample and sample.unknown is None and sample.health_state and sample.updated_at:
                    unhealthy = sample.health_state.value in trigger.states
                    after[surface] = _check(
                        before.get(surface), sample, unhealthy, contract.sampling.min_interval
                    )
            folded[trigger.name] = after
    return folded


def _check(streak: Streak | None, sample: Sample, unhealthy: bool, min_interval: int) -> Streak:
    assert sample.updated_at is not None
    if streak is not None and seconds_between(streak.checked_at, sample.updated_at) < max(min_interval, 1):
        return _join(streak, sample, unhealthy)
    count, since = (streak.count, streak.since) if streak and streak.unhealthy else (0, None)
    if not unhealthy:
        return Streak(checked_at=sample.updated_at, before=count, since=since)
    return Streak(
        count=count + 1, checked_at=sample.updated_at, unhealthy=True, since=since or sample.updated_at
    )


def _join(streak: Streak, sample: Sample, unhealthy: bool) -> Streak:
    # A check is as bad as its worst observation: a flap inside one check must not hide.
    if streak.unhealthy or not unhealthy:
        return streak
    return Streak(
        count=streak.before + 1,
        checked_at=streak.checked_at,
        unhealthy=True,
        since=streak.since or sample.updated_at,
    )
