"""Where a rollback goes: is that target good?

`start`, the gate, `rollback --target` and `rehearse` ask the same: does the version exist, is it another one
than the release, is it not quarantined?
"""

from __future__ import annotations

from datetime import datetime

from rollout.core import completed
from rollout.core.channel.guards import bare, judge_rollback, quarantined
from rollout.core.contract import Contract, RollbackTargetGate
from rollout.core.state import Channel, Quarantine, RollbackTarget, Rollout, TrainState
from rollout.core.values import unix_ms

REVERTS_ONLY = "no version to return to; a rollback reverts only"
"""What there is to say of a product's first release."""


def needs_target(contract: Contract) -> bool:
    """Returns whether a phase waits for a version to return to."""
    return any(isinstance(gate, RollbackTargetGate) for phase in contract.phases for gate in phase.gates)


def reverts_only(contract: Contract, rollout: Rollout) -> bool:
    """Returns whether the release was started without a version to return to, knowing that there is none."""
    release = rollout.release
    if release is None or rollout.rollback_target is not None:
        return False
    return release.first is not None or not needs_target(contract)


def why_unusable(target: RollbackTarget | None, version: str, quarantine: Quarantine | None) -> str:
    """Returns why nobody can go back to the target from that version; empty when it is good."""
    if target is None:
        return "no rollback target is recorded"
    why = why_not_chosen(target, version, quarantine)
    if why:
        return why
    judgement = judge_rollback(target.version, {})
    return judgement.reason if judgement.blocked else ""


def why_not_chosen(target: RollbackTarget, version: str, quarantine: Quarantine | None) -> str:
    """Returns what `why_unusable` does, for a target known to be a version: to find out takes long."""
    if bare(target.version) == bare(version):
        return f"the target, {target.version}, is the release itself"
    why = quarantined(quarantine).get(bare(target.version))
    return f"{target.version} {why}" if why else ""


def recorded(state: TrainState) -> frozenset[str]:
    """Returns the versions that the train's own files know, without their `v`: no tag is needed for these."""
    channel, target = state.channel, state.rollout.rollback_target
    found = [target.version if target else None]
    if channel is not None:
        found += [channel.current_version, channel.rollback.version if channel.rollback else None]
    found += [one.release.version for one in completed.releases(state)]
    return frozenset(bare(version) for version in found if version is not None)


def named(version: str, rollout: Rollout, channel: Channel | None, at: datetime) -> RollbackTarget:
    """Returns the target that a person names: another version, on the channel that the rollout is of."""
    fixed = rollout.rollback_target
    on = fixed.channel if fixed else (channel or Channel(train=rollout.train)).channel
    return RollbackTarget(version=version, channel=on, reference_unix_ms=unix_ms(at))
