"""`rollout check`: would merging this pull request be a legal change of state? Touches nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rollout.commands.contract import refuse_doubts, refuse_unusable
from rollout.commands.facts import FactFinder
from rollout.core.advance import advance, is_settled
from rollout.core.channel.proposals import why_refused
from rollout.core.effects import besides
from rollout.core.files import ROLLOUT, state_path
from rollout.core.state import Event, Outcome, TrainState
from rollout.errors import RefusedError
from rollout.ports import Clock, Forge, StateStore

_STATE = "state/"
_CHANNEL_HINT = "take the change back; `rollout channel plan` tells what may be chosen"
_HINT = "take the change back; a promotion pull request is opened by the tool when every gate holds"
_WAIT_HINT = "run rollout reconcile, which renews the decision, then this check again"


@dataclass(frozen=True)
class Checked:
    """What was looked at: each train that the pull request touches, as it is now and would be."""

    now: TrainState | None
    """None for a train that the pull request brings."""
    merged: TrainState


def check(
    store: StateStore, forge_of: Callable[[str], Forge], clock: Clock, merge: str, changed: Sequence[str]
) -> list[Checked]:
    """`merge` is the commit that merging would make, its first parent the base.

    `changed` are the paths that it changes there, `forge_of` gives the forge that knows a train's product.

    Each step is judged by the contract of the state branch, as reconcile would judge its merge now.
    Raises InputError for files that do not parse, RefusedError for a change that would be undone.
    """
    touched = _trains(changed)
    if not touched:
        return []
    head, after = store.head(), store.trains(merge)
    known = store.trains(head)
    for train in sorted(touched & (set(known) - set(after))):
        _refuse_to_remove(store.load(train, head))
    checked = []
    for train in sorted(touched & set(after)):
        merged = store.load(train, merge)
        current = store.load(train, head) if train in known else None
        refuse_unusable(merged)
        if current is None or merged.contract_digest != current.contract_digest:
            refuse_doubts(merged)
        if current is not None:
            _refuse_illegal(current, merged, forge_of(train), clock, changed)
        checked.append(Checked(current, merged))
    return checked


def _trains(paths: Sequence[str]) -> set[str]:
    return {path.split("/")[1] for path in paths if path.startswith(_STATE) and path.count("/") > 1}


def _refuse_to_remove(current: TrainState) -> None:
    if current.rollout.outcome in (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK):
        raise RefusedError(f"{current.train}: its files are deleted while a rollout is under way", hint=_HINT)


def _refuse_illegal(
    current: TrainState, merged: TrainState, forge: Forge, clock: Clock, changed: Sequence[str]
) -> None:
    refused = why_refused(current, merged.channel)
    if refused:
        raise RefusedError(f"{current.train}: channel.yaml: {refused}", hint=_CHANNEL_HINT)
    if merged.status != current.status:
        raise RefusedError(f"{current.train}: status.yaml is written by the tool alone", hint=_HINT)
    if current.status is None or not is_settled(current):
        return
    now, status = clock.now(), current.status
    facts = FactFinder(forge).facts(current)
    if facts.checks is None and current.contract.product.repository is not None:
        # The check's own token reaches this repository alone. Reconcile's reached the product's: what it was
        # told counts here, for no longer than the decision that it was recorded with.
        facts = facts.model_copy(update={"checks": status.facts.checks})
    step = advance(replace(current, rollout=merged.rollout), None, facts, now)
    if step is None:
        return
    if step.event is Event.ILLEGAL_STEP:
        left = step.change.rollout
        frozen = " and the train frozen" if left is not None and left.frozen is not None else ""
        raise RefusedError(
            f"{current.train}: merging this would be undone{frozen}: {step.detail}", hint=_HINT
        )
    if step.event is Event.WAIT:
        raise RefusedError(
            f"{current.train}: merging this now enters nothing: {step.detail}", hint=_WAIT_HINT
        )
    beside = besides(changed, {state_path(current.train, ROLLOUT)})
    if step.event is Event.ENTER and beside:
        raise RefusedError(f"{current.train}: this is not the promotion as proposed: {beside}", hint=_HINT)
