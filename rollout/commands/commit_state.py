"""Write one state change: read, decide, commit; when the branch moved, read and decide again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from rollout.core.files import state_path
from rollout.core.state import CommitMessage, Event, StateChange, TrainState
from rollout.core.state.changes import applied, without_newer_signoff
from rollout.core.text import inert
from rollout.errors import HeadMovedError, InputError

if TYPE_CHECKING:
    from rollout.core.decide.step import Step
    from rollout.ports import StateStore

ATTEMPTS = 8


@dataclass(frozen=True)
class CommandResult:
    """A train after a change, at the commit that made it."""

    state: TrainState
    commit: str | None
    """None when there was nothing to change."""


def change_state(
    store: StateStore,
    train: str,
    decide: Callable[[TrainState], tuple[StateChange, CommitMessage] | None],
    at: datetime,
    *,
    is_brake: bool = False,
) -> CommandResult:
    """Commits what `decide` makes of the newest state; it may be called again with a newer one.

    With `is_brake` the last readable versions of broken files stand in for them, and it acts in the middle of
    a merge or rebase. Raises whatever `decide` raises, and HeadMovedError when the branch kept moving.
    """
    for attempt in range(1, ATTEMPTS + 1):
        load = store.load_for_brake if is_brake else store.load
        state = load(train, store.head())
        decided = decide(state)
        if decided is None:
            return CommandResult(state, None)
        change, message = decided
        change = writable(state, change)
        try:
            commit = store.commit(train, change, message, parent=state.head, at=at, is_brake=is_brake)
        except HeadMovedError:
            if attempt == ATTEMPTS:
                raise
            continue
        return CommandResult(applied(state, change, commit), commit)
    raise AssertionError("unreachable: the loop returns or raises")


def take(store: StateStore, state: TrainState, step: Step, at: datetime) -> TrainState:
    """Commits a step of a train that is being stopped, and returns the train after it.
    Raises HeadMovedError.
    """
    change = writable(state, step.change)
    text = step_message(state, step)
    commit = store.commit(state.train, change, text, parent=state.head, at=at, is_brake=True)
    return applied(state, change, commit)


def step_message(state: TrainState, step: Step) -> CommitMessage:
    """Returns the message of the commit that takes the step."""
    from rollout.rendering.commits import message

    text = message(
        step.event,
        contract=state.contract,
        rollout=step.change.rollout or state.rollout,
        status=step.change.status or state.status,
        detail=step.detail,
        incident=step.change.incident,
    )
    # Where the number itself is on another branch, nobody deploys on the commit that begins to write it.
    is_elsewhere = step.event is Event.APPLY and step.change.flag is None
    return replace(text, quiet=True) if is_elsewhere else text


def writable(state: TrainState, change: StateChange) -> StateChange:
    """Returns what `without_newer_signoff` does. Raises InputError where it writes over another file of a
    newer rollout.
    """
    change = without_newer_signoff(state, change)
    for each in state.broken:
        if each.is_newer and change.writes(each.name):
            raise InputError(each.problem, hint=each.hint, file=state_path(state.train, each.name))
    return change


def checked_reason(reason: str, limit: int = 300) -> str:
    """Returns a person's reason as one line of at most `limit` characters.
    Raises InputError when it is empty.
    """
    text = inert(" ".join(reason.split()), limit)
    if not text:
        raise InputError("--reason is empty", hint="say why, for whoever reads the history")
    return text
