"""Before it is needed: would a rollback of the release need a person?"""

from __future__ import annotations

from rollout.core.rollback.revert_step import what_may_be_refused, why_not_clean
from rollout.core.rollback.target import reverts_only, why_unusable
from rollout.core.state import Outcome, TrainState


def why_person_needed(state: TrainState) -> str:
    """Returns a sentence; empty when the tool could roll back by itself, or nothing is under way."""
    rollout, status = state.rollout, state.status
    if rollout.outcome is not Outcome.IN_PROGRESS or status is None or rollout.release is None:
        return ""
    fact = status.facts.revert
    if fact is None:
        return ""
    reasons = (
        _why_nowhere(state, status.release),
        why_not_clean(fact),
        what_may_be_refused(fact),
    )
    return "; ".join(reason for reason in reasons if reason)


def _why_nowhere(state: TrainState, version: str) -> str:
    if reverts_only(state.contract, state.rollout):
        return ""
    return why_unusable(state.rollout.rollback_target, version, state.quarantine)
