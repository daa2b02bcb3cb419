"""Where a rollback goes: is that target still good?"""

from __future__ import annotations

from datetime import datetime

from rollout.core.channel.guards import bare, judge_rollback, quarantined
from rollout.core.state import Channel, Quarantine, RollbackTarget, Rollout
from rollout.core.values import unix_ms


def why_unusable(target: RollbackTarget | None, version: str, quarantine: Quarantine | None) -> str:
    """Why nobody can go back to the target from that version; empty when it is good."""
    if target is None:
        return "no rollback target is recorded"
    if bare(target.version) == bare(version):
        return f"the target, {target.version}, is the release itself"
    judgement = judge_rollback(target.version, quarantined(quarantine))
    return judgement.reason if judgement.blocked else ""


def named(version: str, rollout: Rollout, channel: Channel | None, at: datetime) -> RollbackTarget:
    """The target that a person names: another version, on the channel that the rollout is of."""
    fixed = rollout.rollback_target
    on = fixed.channel if fixed else (channel or Channel(train=rollout.train)).channel
    return RollbackTarget(version=version, channel=on, reference_unix_ms=unix_ms(at))
