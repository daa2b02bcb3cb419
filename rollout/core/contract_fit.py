"""Whether a rollout that is under way can go on by a contract."""

from __future__ import annotations

from rollout.core.contract import Contract
from rollout.core.state import UNDER_WAY, Rollout, Status


def why_misfit(contract: Contract, train: str, rollout: Rollout, status: Status | None) -> str | None:
    """Returns what keeps it from going on, as `field: message`; None when nothing does.

    The names of phases in what has ended are history: a contract may rename or remove them between releases.
    """
    if contract.train != train:
        return f"train: is {contract.train} in the folder of {train}"
    if rollout.outcome not in UNDER_WAY:
        return None
    phase = status.legal.phase if status else rollout.phase
    if phase is None or phase in [each.name for each in contract.phases]:
        return None
    where = rollout.release.version if rollout.release else "the rollout"
    return f"phases: there is no {phase}, where {where} stands"
