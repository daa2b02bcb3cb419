"""`rollout rollback`: people start a rollback, join it, declare its revert done, or call it off."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rollout.commands.commit_state import CommandResult, change_state, checked_reason
from rollout.commands.targets import HeldBack, Known, check_target_for_brake, check_written
from rollout.core.channel.guards import bare
from rollout.core.rollback import leaving, opening, resuming, watching
from rollout.core.rollback.machine import ASKED_OF_PERSON
from rollout.core.rollback.target import named
from rollout.core.state import CommitMessage, Event, Outcome, Release, RollbackJoin, StateChange, TrainState
from rollout.core.text import inert
from rollout.errors import InputError, OutsideError, RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.advice import next_command
from rollout.rendering.commits import message

_WHOLE_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ROLLS_BACK = (Outcome.IN_PROGRESS, Outcome.COMPLETE)


@dataclass(frozen=True)
class Dispatch:
    """What a person asks for."""

    reason: str
    by: str
    target: str | None = None


@dataclass(frozen=True)
class ReleaseChoice:
    """Which release a person means: what was under way when they asked, under the name that they gave."""

    version: str | None = None
    asked_at: datetime | None = None
    """None for now."""

    def check(self, state: TrainState, at: datetime) -> None:
        """Raises RefusedError when another release would be rolled back now."""
        release = resuming.taken_up(state, at).rollout.release
        if release is None:
            return
        if self.version is not None and bare(self.version) != bare(release.version):
            asked = f"asked about {self.version}"
        elif self._is_older(release.started_at):
            asked = f"asked before {release.version} began"
        elif self._is_of_one_that_ended(state, release):
            asked = "asked before a later release ended"
        else:
            return
        raise RefusedError(
            f"{state.train} is at {release.version} now, and this was {asked}: nothing was done",
            hint=f"for today's release: rollout rollback --version {release.version} --reason WHY, or"
            " dispatch it anew",
        )

    def _is_of_one_that_ended(self, state: TrainState, release: Release) -> bool:
        """Returns whether they asked while a release was under way that has ended since, and left `release`
        behind.

        Whoever names `release` means it.
        """
        if self.version is not None or state.rollout.release == release or state.status is None:
            return False
        return self._is_older(state.status.decided_at)

    def check_incident(self, state: TrainState, at: datetime) -> None:
        """Raises RefusedError when the rollback that runs was begun after they asked."""
        self.check(state, at)
        incident = state.incident
        if incident is not None and self._is_older(incident.started_at):
            raise RefusedError(
                f"incident {incident.id} began after this was asked: nothing was done",
                hint="dispatch it anew for today's incident",
            )

    def _is_older(self, than: datetime) -> bool:
        return self.asked_at is not None and self.asked_at < than


ANY = ReleaseChoice()


@dataclass(frozen=True)
class Declaration:
    """A person's word that the release is reverted."""

    commit: str
    """Of the product's branch, the one that holds the revert."""
    reason: str
    by: str


def roll_back(
    store: StateStore,
    clock: Clock,
    train: str,
    asked: Dispatch,
    known: Known,
    *,
    held_back: HeldBack = lambda *_: "",
    meant: ReleaseChoice = ANY,
) -> CommandResult:
    """Freezes and opens an incident, or joins the one that is open; asking the same again changes nothing.

    `known` gives the versions that a target may be beside those of the train's own state, and `held_back` why
    nothing may choose one of these by what its commit holds. Raises InputError for an empty reason or an
    unknown target, RefusedError for one that nobody may go back to, when there is nothing to roll back, when
    another release is meant, or when the version has been moved already.
    """
    asked = Dispatch(checked_reason(asked.reason), checked_person(asked.by), asked.target)
    if asked.target is not None:
        check_written("--target", asked.target)
    now = clock.now()

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        meant.check(state, now)
        return _rolled_back(state, asked, known, held_back, now)

    return change_state(store, train, decide, now, is_brake=True)


def _rolled_back(
    state: TrainState, asked: Dispatch, known: Known, held_back: HeldBack, now: datetime
) -> tuple[StateChange, CommitMessage] | None:
    refuse_unjudged(state)
    state = resuming.taken_up(state, now)
    rollout, incident = state.rollout, state.incident
    is_open = rollout.outcome is Outcome.ROLLING_BACK and incident is not None
    if not is_open and (rollout.outcome not in _ROLLS_BACK or state.status is None):
        doing = rollout.outcome.replace("_", " ")
        raise RefusedError(
            f"{state.train} is {doing}: there is nothing to roll back",
            hint=next_command(rollout.outcome),
        )
    why = ""
    if asked.target is not None:
        assert rollout.release is not None
        why = check_target_for_brake(
            state, asked.target, rollout.release.version, known, now, held_back=held_back
        )
    if is_open:
        return _joined(state, asked, now, why)
    target = named(asked.target, rollout, state.channel, now) if asked.target else None
    unchecked = _unchecked(asked.target, why) if asked.target and why else ""
    change = opening.dispatched(state, asked.by, asked.reason, target, now, unchecked)
    return recorded(state, Event.ROLLBACK, change, "")


def _unchecked(target: str, why: str) -> str:
    """Returns what is left to the next run, and to a person, in the words of the incident's step."""
    told = f"{target} is not looked up yet, which each run of reconcile tries again"
    return inert(f"{told}; or name another: {ASKED_OF_PERSON} ({why})", 500)


def refuse_unjudged(state: TrainState) -> None:
    """Raises RefusedError when an edit hides how the rollout stands: no second incident may begin."""
    status, rollout = state.status, state.rollout
    is_hidden = rollout.outcome is Outcome.ROLLING_BACK and state.incident is None
    if is_hidden or (status is not None and status.legal.outcome is not rollout.outcome):
        raise RefusedError(
            f"{state.train}: rollout.yaml was edited, and nobody has judged that yet",
            hint="put it back, then try again: rollout reconcile",
        )


def _joined(
    state: TrainState, asked: Dispatch, now: datetime, why: str
) -> tuple[StateChange, CommitMessage] | None:
    assert state.incident is not None
    if why:
        raise OutsideError(
            f"--target {asked.target}: {why}",
            hint=f"incident {state.incident.id} keeps the train frozen and its target; try again",
        )
    if asked.target is not None and not watching.may_redirect(state.incident):
        target = state.incident.target
        raise RefusedError(
            f"incident {state.incident.id} has moved the version already, to {target and target.version}",
            hint="once it is over: rollout channel apply --target VERSION",
        )
    entry = RollbackJoin(at=now, by=asked.by, reason=asked.reason, target=asked.target)
    change = watching.joined(state, entry)
    return recorded(state, Event.JOIN, change, f"{asked.by}: {asked.reason}") if change else None


def declare_reverted(
    store: StateStore,
    clock: Clock,
    train: str,
    asked: Declaration,
    is_there: Callable[[str], bool],
    *,
    meant: ReleaseChoice = ANY,
) -> CommandResult:
    """Records that a commit holds the revert, which the tool cannot see; saying so again changes nothing.

    `is_there` says whether the product has the commit. Raises InputError when it has not, or for an empty
    reason, RefusedError without a rollback, for the release itself, or once the revert was noticed.
    """
    asked = Declaration(asked.commit, checked_reason(asked.reason), checked_person(asked.by))
    if not _WHOLE_ID.fullmatch(asked.commit) or not is_there(asked.commit):
        raise InputError(
            f"--reverted {inert(asked.commit, 80)}: no such commit",
            hint="give the whole id: git rev-parse NAME",
        )
    now = clock.now()

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        meant.check_incident(state, now)
        return _declared(state, asked, now)

    return change_state(store, train, decide, now)


def _declared(
    state: TrainState, asked: Declaration, now: datetime
) -> tuple[StateChange, CommitMessage] | None:
    refuse_unjudged(state)
    incident = state.incident
    if state.rollout.outcome is not Outcome.ROLLING_BACK or incident is None:
        raise RefusedError(f"{state.train} is not rolling back", hint=next_command(state.rollout.outcome))
    if asked.commit == incident.commit:
        raise RefusedError(
            f"--reverted {asked.commit[:12]}: that is the release itself",
            hint="name the commit of the product's branch that holds the revert",
        )
    entry = RollbackJoin(at=now, by=asked.by, reason=asked.reason, reverted=asked.commit)
    if incident.revert is not None and incident.revert.landed is not None:
        if incident.revert.landed == asked.commit:
            return None
        raise RefusedError(
            f"incident {incident.id}: the revert was noticed at {incident.revert.landed[:12]} already",
            hint=next_command(state.rollout.outcome),
        )
    change = watching.joined(state, entry)
    detail = f"{asked.by}: reverted at {asked.commit[:12]}: {asked.reason}"
    return recorded(state, Event.JOIN, change, detail) if change else None


def cancel(
    store: StateStore, clock: Clock, train: str, reason: str, by: str, *, meant: ReleaseChoice = ANY
) -> CommandResult:
    """Calls off a false alarm: back to where the rollout stood, frozen until somebody unfreezes it.

    Raises RefusedError without a rollback, or once its revert has begun.
    """
    now, reason, by = clock.now(), checked_reason(reason), checked_person(by)

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage]:
        meant.check_incident(state, now)
        refuse_unjudged(state)
        incident = state.incident
        if state.rollout.outcome is not Outcome.ROLLING_BACK or incident is None:
            raise RefusedError(f"{state.train} is not rolling back", hint=next_command(state.rollout.outcome))
        if not leaving.may_cancel(state):
            raise RefusedError(
                f"incident {incident.id}: the revert has begun, so it goes on to its end",
                hint=next_command(state.rollout.outcome),
            )
        change = leaving.cancelled(state, by, reason, now)
        return recorded(state, Event.CANCEL, change, f"{by}: {reason}")

    return change_state(store, train, decide, now)


def recorded(
    state: TrainState, event: Event, change: StateChange, detail: str
) -> tuple[StateChange, CommitMessage]:
    rollout = change.rollout or state.rollout
    status = change.status or state.status
    return change, message(
        event,
        contract=state.contract,
        rollout=rollout,
        status=status,
        detail=detail,
        incident=change.incident,
    )


def checked_person(by: str) -> str:
    """Returns one line. Raises InputError when it names nobody, or the tool itself."""
    text = inert(by, 100)
    if not text or text == opening.RECONCILE:
        raise InputError(
            f"--by {text or 'is empty'}: names no person",
            hint="give a name, or leave it out where git knows yours: git config user.name",
        )
    return text
