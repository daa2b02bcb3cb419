"""`rollout reopen`: the train is idle again after a finished rollback."""

from __future__ import annotations

from collections.abc import Callable

from rollout.commands.commit_state import CommandResult, change_state, checked_reason
from rollout.commands.rollback import recorded, refuse_unjudged
from rollout.core.rollback import leaving
from rollout.core.state import CommitMessage, Event, Outcome, StateChange, TrainState
from rollout.errors import RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.advice import next_command


def reopen(
    store: StateStore,
    clock: Clock,
    train: str,
    reason: str,
    finish: Callable[[TrainState], object] = lambda _: None,
) -> CommandResult:
    """Makes the train idle after a finished rollback; one that is idle stays so.

    `finish` does what the incident still lacks outside, before nobody knows it any more. Raises RefusedError
    for a train that was not rolled back.
    """
    now, reason = clock.now(), checked_reason(reason)

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        refuse_unjudged(state)
        outcome = state.rollout.outcome
        if outcome is Outcome.IDLE:
            return None
        if outcome is not Outcome.ROLLED_BACK:
            raise RefusedError(
                f"{state.train} is {outcome.replace('_', ' ')}: there is no finished rollback to leave",
                hint=next_command(outcome),
            )
        finish(state)
        return recorded(state, Event.REOPEN, leaving.reopened(state, now), reason)

    return change_state(store, train, decide, now)
