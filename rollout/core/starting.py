"""Where a rollout begins, for whoever starts one and for whoever checks that it began so."""

from __future__ import annotations

from rollout.core.channel.guards import why_quarantined
from rollout.core.contract import Contract
from rollout.core.rollback.quarantine import find
from rollout.core.state import Outcome, Release, RollbackTarget, Rollout, TrainState

STARTABLE = (Outcome.IDLE, Outcome.COMPLETE, Outcome.WITHDRAWN)
"""What a train has come to when its next rollout may begin."""


def first(contract: Contract, release: Release, target: RollbackTarget | None) -> Rollout:
    """Desired state of a rollout in its first phase."""
    phase = contract.phases[0]
    return Rollout(
        train=contract.train,
        release=release,
        phase=phase.name,
        canary_percent=phase.canary_percent,
        outcome=Outcome.IN_PROGRESS,
        rollback_target=target,
    )


def why_not(state: TrainState, release: Release) -> str:
    """Why no rollout of that release can begin now, as far as state tells; empty when one can."""
    if state.rollout.outcome not in STARTABLE:
        return f"a rollout is {state.rollout.outcome.replace('_', ' ')}"
    bad = find(state.quarantine, release.version, release.commit)
    return f"{release.version} {why_quarantined(bad)}" if bad else ""
