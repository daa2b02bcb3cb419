"""Streaks: consecutive unhealthy checks of each surface, as triggers with `checks` count them."""

from __future__ import annotations

from collections.abc import Mapping

from rollout.core.contract import (
    Contract,
    HealthRegressionTrigger,
    Sampling,
    Trigger,
)
from rollout.core.decide.tallies import Tallies
from rollout.core.decide.triggers import NumericTrigger, measured
from rollout.core.observation import Sample
from rollout.core.state import Status, Streak
from rollout.core.values import seconds_between

Streaks = Mapping[str, Mapping[str, Streak]]


def fold(
    streaks: Streaks, samples: Mapping[str, Sample], contract: Contract, phase: str, tallies: Tallies
) -> dict[str, dict[str, Streak]]:
    """Returns trigger -> surface -> streak after one more round of samples, which is of that phase.

    `tallies`: what the phase has counted, with this round.

    What is unknown, or of a phase that the trigger does not watch, neither adds nor clears.
    """
    folded: dict[str, dict[str, Streak]] = {}
    for trigger in contract.triggers:
        if not counts_checks(trigger):
            continue
        before = streaks.get(trigger.name, {})
        after = dict(before)
        watched = contract.surfaces_of(trigger.surfaces) if contract.watches(trigger, phase) else ()
        for surface in watched:
            sample = samples.get(surface)
            if sample is None or sample.unknown is not None:
                continue
            unhealthy = _is_unhealthy(trigger, surface, sample, tallies, contract)
            if unhealthy is not None and sample.updated_at:
                after[surface] = _check(before.get(surface), sample, unhealthy, contract.sampling)
        folded[trigger.name] = after
    return folded


def running(status: Status | None) -> dict[tuple[str, str], int]:
    """Returns trigger and surface -> how many checks in a row were unhealthy, where any was."""
    streaks = status.streaks if status is not None else {}
    return {
        (trigger, surface): streak.count
        for trigger, of_surfaces in streaks.items()
        for surface, streak in of_surfaces.items()
        if streak.count
    }


def counts_checks(trigger: Trigger) -> bool:
    """Returns whether the trigger fires at consecutive checks, and not at the first."""
    if isinstance(trigger, NumericTrigger):
        return trigger.checks > 1
    return isinstance(trigger, HealthRegressionTrigger)


def _is_unhealthy(
    trigger: Trigger, surface: str, sample: Sample, tallies: Tallies, contract: Contract
) -> bool | None:
    """Returns what the sample is to that trigger; None when it does not tell."""
    if isinstance(trigger, HealthRegressionTrigger):
        return sample.health_state.value in trigger.states if sample.health_state else None
    if isinstance(trigger, NumericTrigger):
        return measured(trigger, surface, sample, tallies, contract).is_bad
    return None


def _check(streak: Streak | None, sample: Sample, unhealthy: bool, sampling: Sampling) -> Streak:
    assert sample.updated_at is not None
    if streak is not None:
        apart = seconds_between(streak.checked_at, sample.updated_at)
        if apart < max(sampling.min_interval, 1):
            return _join(streak, sample, unhealthy)
        if apart > sampling.streak_gap:
            streak = None  # what was seen so long ago is not in a row with this
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
