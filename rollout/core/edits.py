"""Whether people may change desired state so, as far as the commit before tells: what `verify` asks."""

from __future__ import annotations

from rollout.core.decide.legality import changed_keys, judge
from rollout.core.state import Event, Outcome, Rollout, TrainState

_FREEZE = {"frozen"}


def why_not(before: TrainState, desired: Rollout) -> str:
    """Returns why no decision allowed `desired`; empty when one did, or when nothing of it has changed.

    Whoever may write may freeze, and may take a person's freeze away.
    """
    status = before.status
    if status is None:
        changed = changed_keys(before.rollout, desired) - _FREEZE
        return f"{_named(changed)} changed before a release was started" if changed else ""
    legal = status.legal
    changed = changed_keys(legal, desired)
    if not changed:
        return ""
    if changed == _FREEZE and _may_freeze(legal, desired):
        return ""
    if _freezes_what_was_allowed(before, desired):
        return ""
    if legal.outcome is not Outcome.IN_PROGRESS:
        return f"{_named(changed)} changed while the outcome is {legal.outcome.replace('_', ' ')}"
    # Whether a merge was in time is for reconcile to tell; here it counts that the step was decided.
    event, why = judge(before.contract, desired, status, None, status.decision.at)
    return why if event is Event.ILLEGAL_STEP else ""


def _freezes_what_was_allowed(before: TrainState, desired: Rollout) -> bool:
    """Returns whether a person freezes a step that was merged, and that no reconcile has judged yet."""
    is_freeze = before.rollout.frozen is None and changed_keys(before.rollout, desired) == _FREEZE
    return is_freeze and _may_freeze(before.rollout, desired) and not why_not(before, before.rollout)


def _may_freeze(legal: Rollout, desired: Rollout) -> bool:
    if legal.outcome is not Outcome.IN_PROGRESS:
        return False
    if desired.frozen is not None:
        return desired.frozen.incident is None
    return legal.frozen is not None


def event_of(before: TrainState, after: Rollout) -> Event | None:
    """Returns what a change of desired state is, whatever its commit's message says;
    None when it has no name.
    """
    changed = changed_keys(before.rollout, after)
    if changed == _FREEZE:
        return Event.FREEZE if after.frozen is not None else Event.UNFREEZE
    phase = before.rollout.phase
    is_step = "phase" in changed and changed <= {"phase", "canary_percent"}
    if not is_step or phase not in [each.name for each in before.contract.phases]:
        return None
    following = before.contract.next_phase(phase)
    return Event.PROMOTE if following is not None and following.name == after.phase else None


def persists(edit: Rollout, later: Rollout, legal: Rollout) -> bool:
    """Returns whether what an edit changed of the legal state is still there, so that it can still be
    judged.
    """
    keys = changed_keys(legal, edit)
    return all(getattr(edit, key) == getattr(later, key) for key in keys)


def _named(keys: set[str]) -> str:
    return ", ".join(sorted(keys))
