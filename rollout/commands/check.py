"""`rollout check`: would merging this pull request be a legal change of state? Touches nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rollout.commands.contract import refuse_doubts, refuse_unusable
from rollout.commands.reconcile.facts import FactFinder
from rollout.core.channel.proposals import why_refused
from rollout.core.decide.advance import advance
from rollout.core.decide.effects import besides
from rollout.core.decide.pending import is_settled
from rollout.core.decide.step import Step
from rollout.core.files import CHANNEL, CONTRACT, ROLLOUT, STATUS, state_path
from rollout.core.state import Event, Outcome, StateChange, TrainState
from rollout.core.values import Model
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, Forge, StateStore

M = TypeVar("M", bound=Model)

_STATE = "state/"
_CHANNEL_HINT = "take the change back; see what may be chosen: rollout channel plan"
_HINT = "take the change back; a promotion pull request is opened by the tool when every gate holds"
_WAIT_HINT = "renew the decision, then check again: rollout reconcile"


@dataclass(frozen=True)
class TrainComparison:
    """What was looked at: each train that the pull request touches, as it is now and would be."""

    now: TrainState | None
    """None for a train that the pull request brings."""
    merged: TrainState


def check(
    store: StateStore,
    forge_of: Callable[[str], Forge],
    clock: Clock,
    merge: str,
    changed: Sequence[str],
    *,
    base: str | None = None,
) -> list[TrainComparison]:
    """Compares each train; `merge` is the commit that merging would make, or made when the check was first
    requested.

    `base` is the commit that it merges into, None for the head of the state branch; `changed` are the paths
    that differ between the two; `forge_of` gives the forge that knows a train's product.

    The change is put onto the state branch as it is now, so a merge that was made a while ago is judged like
    a new one. Each step is judged by the contract of the state branch, as reconcile would judge its merge.
    Raises InputError for files that do not parse, RefusedError for a change that would be undone.
    """
    touched = touched_trains(changed)
    if not touched:
        return []
    head, after = store.head(), store.trains(merge)
    known = store.trains(head)
    for train in sorted(touched & (set(known) - set(after))):
        _refuse_to_remove(store.load(train, head))
    checked = []
    for train in sorted(touched & set(after)):
        made = merged = store.load(train, merge)
        current = store.load(train, head) if train in known else None
        before = None
        if current is not None:
            before = current if base in (None, head) else _at_base(store, train, base)
            merged = _put_onto(current, before, made, changed)
        refuse_unusable(merged)
        if current is None or merged.contract_digest != current.contract_digest:
            refuse_doubts(merged)
        if current is not None:
            step = _refuse_illegal(current, merged, forge_of(train), clock, changed)
            if step is not None and step.event is Event.ENTER:
                _refuse_additions(store, before, made, changed)
        checked.append(TrainComparison(current, merged))
    return checked


def touched_trains(paths: Sequence[str]) -> set[str]:
    """Returns names of the trains that have files among the paths."""
    return {path.split("/")[1] for path in paths if path.startswith(_STATE) and path.count("/") > 1}


def _at_base(store: StateStore, train: str, base: str) -> TrainState | None:
    """Reads the train at the base; None where it is not there, or cannot be read."""
    try:
        return store.load(train, base)
    except InputError:
        return None


def _put_onto(
    current: TrainState, before: TrainState | None, merged: TrainState, changed: Sequence[str]
) -> TrainState:
    """Returns the train as it is now with what differs between `before` and `merged`.

    Key by key, as git merges lines; of files that the pull request leaves alone the current ones stand.
    """

    def touches(name: str) -> bool:
        return state_path(current.train, name) in changed

    put = current
    if touches(ROLLOUT):
        old = before.rollout if before is not None else None
        put = replace(put, rollout=_with_changes(current.rollout, old, merged.rollout))
    if touches(CHANNEL):
        channel = merged.channel
        if channel is not None and current.channel is not None:
            known = before.channel if before is not None else None
            channel = _with_changes(current.channel, known, channel)
        put = replace(put, channel=channel)
    if touches(CONTRACT):
        put = replace(
            put,
            contract=merged.contract,
            contract_digest=merged.contract_digest,
            unusable=merged.unusable,
        )
    return put


def _with_changes(current: M, before: M | None, after: M) -> M:
    """Returns `current` with each key that differs between the others; `after` if `before` is unknown."""
    if before is None:
        return after
    keys = [key for key in type(after).model_fields if getattr(before, key) != getattr(after, key)]
    return current.model_copy(update={key: getattr(after, key) for key in keys})


def _refuse_to_remove(current: TrainState) -> None:
    if current.rollout.outcome in (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK):
        raise RefusedError(f"{current.train}: its files are deleted while a rollout is under way", hint=_HINT)


def _refuse_illegal(
    current: TrainState, merged: TrainState, forge: Forge, clock: Clock, changed: Sequence[str]
) -> Step | None:
    """Returns what reconcile would do after the merge, which is legal."""
    refused = why_refused(current, merged.channel)
    if refused:
        raise RefusedError(f"{current.train}: channel.yaml: {refused}", hint=_CHANNEL_HINT)
    if state_path(current.train, STATUS) in changed:
        raise RefusedError(f"{current.train}: status.yaml is written by the tool alone", hint=_HINT)
    if current.status is None or not is_settled(current):
        return None
    now, status = clock.now(), current.status
    facts = FactFinder(forge).facts(current)
    if facts.checks is None and current.contract.product.repository is not None:
        # The check's own token reaches this repository alone. Reconcile's reached the product's: what it was
        # told counts here, for no longer than the decision that it was recorded with.
        facts = facts.model_copy(update={"checks": status.facts.checks})
    step = advance(replace(current, rollout=merged.rollout), None, facts, now)
    if step is None:
        return None
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
    return step


def _refuse_additions(
    store: StateStore, before: TrainState | None, made: TrainState, changed: Sequence[str]
) -> None:
    """Raises for a promotion that changes more than rollout.yaml, or that to anything but what the tool
    writes.

    Where a person has written that file otherwise on the state branch, its text and mode are not judged.
    """
    added = besides(changed, {state_path(made.train, ROLLOUT)})
    if not added and before is not None and not _altered(store, before):
        added = _altered(store, made)
    if added:
        raise RefusedError(f"{made.train}: this is not the promotion as proposed: {added}", hint=_HINT)


def _altered(store: StateStore, state: TrainState) -> str:
    return store.altered(state.train, StateChange(rollout=state.rollout), state.head)
