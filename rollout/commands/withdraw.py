"""`rollout withdraw`: a person ends a release that nobody has been exposed to."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from rollout.commands.commit_state import CommandResult, change_state, checked_reason
from rollout.commands.rollback import checked_person
from rollout.core.files import ROLLOUT
from rollout.core.state import CommitMessage, Event, Outcome, Release, StateChange, TrainState
from rollout.core.withdraw import exposure, reason_of, withdrawn
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.advice import next_command
from rollout.rendering.commits import message
from rollout.rendering.gates import release_name

_ROLL_BACK = "roll it back: rollout rollback --reason WHY"


def withdraw(store: StateStore, clock: Clock, train: str, reason: str, by: str) -> CommandResult:
    """Ends the release in progress; a release that is withdrawn already stays so.

    Raises InputError for an empty reason, RefusedError without a release in progress and from the first
    exposure on.
    """
    now, by, reason = clock.now(), checked_person(by), checked_reason(reason)
    return change_state(store, train, lambda state: _withdrawn(store, state, by, reason, now), now)


def _withdrawn(
    store: StateStore, state: TrainState, by: str, reason: str, now: datetime
) -> tuple[StateChange, CommitMessage] | None:
    status, release = state.status, state.rollout.release
    # What was last legal counts: an edit of rollout.yaml neither ends a release nor brings one back.
    outcome = status.legal.outcome if status else state.rollout.outcome
    if outcome is Outcome.WITHDRAWN:
        return None
    if outcome is not Outcome.IN_PROGRESS or status is None or release is None:
        doing = outcome.replace("_", " ")
        raise RefusedError(
            f"{state.train} is {doing}: there is no release in progress to withdraw",
            hint=_ROLL_BACK if outcome is Outcome.COMPLETE else next_command(outcome),
        )
    exposed = exposure(state) or _was_exposed(store, state, status.legal.release)
    if exposed:
        name = release_name(status.release)
        raise RefusedError(
            f"{state.train}: {name} cannot be withdrawn any more: {exposed}",
            hint=_ROLL_BACK,
        )
    change = withdrawn(state, reason_of(by, reason), now)
    rollout = change.rollout or state.rollout
    detail = f"{by}: {reason}"
    return change, message(
        Event.WITHDRAW, contract=state.contract, rollout=rollout, status=change.status, detail=detail
    )


def _was_exposed(store: StateStore, state: TrainState, release: Release | None) -> str:
    """Returns who was exposed, by the release's whole history: a merge that was reverted later counts.

    Empty where there is no history to read, as on GitHub without a clone.
    """
    commits = []
    with suppress(InputError):
        for entry in store.log(state.train):
            if ROLLOUT in entry.paths:
                commits.append(entry.commit)
            if entry.event is Event.START:
                break
    for commit, then in zip(commits, store.load_many(state.train, commits) if commits else (), strict=True):
        if (
            isinstance(then, TrainState)
            and then.rollout.release == release
            and then.rollout.canary_percent > 0
        ):
            rollout = then.rollout
            return f"commit {commit[:10]} had it at {rollout.canary_percent} % in {rollout.phase}"
    return ""
