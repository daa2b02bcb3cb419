"""`rollout quarantine`: a person lets a release that was rolled back be chosen again."""

from __future__ import annotations

from collections.abc import Sequence

from rollout.commands.changing import Changed, change_state
from rollout.commands.rollback import checked_person, checked_reason
from rollout.core.rollback import quarantine
from rollout.core.state import CommitMessage, Event, Lift, QuarantinedRelease, StateChange, TrainState
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, Reverter, StateStore
from rollout.rendering.commits import message
from rollout.rendering.gates import release_name


def lift(store: StateStore, clock: Clock, train: str, commit: str, reason: str, by: str) -> Changed:
    """Lift every entry of that commit. Raises InputError when it is not in the file; lifted ones stay so."""
    now, reason, by = clock.now(), checked_reason(reason), checked_person(by)
    return change_state(
        store, train, lambda state: _lifted(state, commit, Lift(by=by, at=now, reason=reason)), now
    )


def _lifted(state: TrainState, commit: str, done: Lift) -> tuple[StateChange, CommitMessage] | None:
    found = _entries(state, commit)
    if all(entry.lifted is not None for entry in found):
        return None
    assert state.quarantine is not None
    after = quarantine.lifted(state.quarantine, found[0].commit, done)
    detail = f"{release_name(found[-1].version)} by {done.by}: {done.reason}"
    text = message(
        Event.LIFT, contract=state.contract, rollout=state.rollout, status=state.status, detail=detail
    )
    return StateChange(quarantine=after), text


def _entries(state: TrainState, commit: str) -> Sequence[QuarantinedRelease]:
    releases = state.quarantine.releases if state.quarantine else ()
    found = [entry for entry in releases if entry.commit.startswith(commit)] if len(commit) >= 7 else []
    if len({entry.commit for entry in found}) != 1:
        raise InputError(
            f"{commit}: no such commit in quarantine",
            hint="see: rollout quarantine list, and give 7 digits or more",
        )
    return found


def _is_free(reverter: Reverter, commit: str, bad: QuarantinedRelease) -> bool:
    return reverter.is_free_of(commit, quarantine.as_release(bad), bad.reverted)


def refuse_quarantined(state: TrainState, reverter: Reverter | None, commit: str) -> None:
    """Raises RefusedError for a commit that was rolled back, or holds what was, its revert missing."""
    for bad in quarantine.standing(state.quarantine):
        if bad.commit == commit:
            why = f"was rolled back by incident {bad.incident}"
        elif reverter is not None and not _is_free(reverter, commit, bad):
            name = release_name(bad.version)
            why = f"holds {name}, rolled back by incident {bad.incident}, without its revert"
        else:
            continue
        raise RefusedError(
            f"{state.train}: {commit[:12]} {why}",
            hint="release what holds the revert, or `rollout quarantine lift` what was not at fault",
        )
