"""What everybody runs, taken up again: to be rolled back after a later release has ended.

When a later release was rolled back or withdrawn, rollout.yaml still names that one. The release that
completed before it is in channel.yaml.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollout.core import completed, signoff
from rollout.core.state import (
    CompletedRelease,
    Decision,
    Outcome,
    Rollout,
    Status,
    TrainState,
    Verdict,
)

_OWN = (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK, Outcome.COMPLETE)
"""Outcomes at which a rollback is one of the release that rollout.yaml names."""


def taken_up(state: TrainState, at: datetime) -> TrainState:
    """Returns the train with the release that completed last as its rollout, complete.

    Its evidence was judged before it completed: only what begins at `at` or later is news.
    It is the train itself where rollout.yaml names what a rollback would take back, and where no completed
    release is known.
    """
    one = completed.last(state)
    if state.rollout.outcome in _OWN or one is None:
        return state
    rollout = _rollout(state, one)
    status = Status(
        train=state.train,
        release=one.release.version,
        commit=one.release.commit,
        legal=rollout,
        entry=at,
        decided_at=at,
        contract_digest=state.contract_digest,
        decision=Decision(verdict=Verdict.COMPLETE, at=at, reasons=("it had completed",)),
    )
    return replace(state, rollout=rollout, status=status, signoff=signoff.for_release(rollout), incident=None)


def _rollout(state: TrainState, one: CompletedRelease) -> Rollout:
    phases = [phase.name for phase in state.contract.phases]
    return Rollout(
        train=state.train,
        release=one.release,
        # A phase may be renamed between two releases.
        phase=one.phase if one.phase in phases else phases[-1],
        canary_percent=one.canary_percent,
        outcome=Outcome.COMPLETE,
        rollback_target=one.rollback_target,
        lanes=state.rollout.lanes,
    )
