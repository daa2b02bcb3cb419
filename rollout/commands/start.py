"""`rollout start`: begin a release at the first phase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.commands.channel.origin import written_by_hand
from rollout.commands.commit_state import CommandResult, change_state, checked_reason
from rollout.commands.contract import refuse_doubts, refuse_unusable
from rollout.commands.cutting import ReleaseCut, check_commits, cut
from rollout.commands.quarantine import held_back, refuse_quarantined
from rollout.commands.targets import Known, check_target, check_written
from rollout.core import channel as channels
from rollout.core import signoff
from rollout.core.channel.guards import bare, quarantined
from rollout.core.decide.advance import begin
from rollout.core.rollback.target import needs_target
from rollout.core.start import STARTABLE, channel_of, first_desired, judged
from rollout.core.state import (
    Channel,
    ChannelAction,
    CommitMessage,
    Event,
    GuardCode,
    Release,
    RollbackTarget,
    StateChange,
    TrainState,
)
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, History, Reverter, StateStore
from rollout.rendering.advice import before_the_next
from rollout.rendering.channel import guard_advice
from rollout.rendering.commits import message

_WAYS_OUT = (
    "give --rollback-to V; or record what users run: rollout init --train {train} --current-version V; or,"
    " for the product's very first release: --first --reason WHY"
)


@dataclass(frozen=True)
class StartOptions:
    """What a person asks for; None is what they left out."""

    version: str
    commit: str | None = None
    base: str | None = None
    rollback_to: str | None = None
    first: str | None = None
    """Why there is no version to return to, for a product's very first release."""


@dataclass(frozen=True)
class StartResult(CommandResult):
    """A train after the start of a release, and how its range was found."""

    cut: ReleaseCut


def start(
    store: StateStore,
    history: History,
    clock: Clock,
    train: str,
    options: StartOptions,
    *,
    reverter: Reverter | None = None,
    known: Known = lambda _: (),
    is_rerun: bool = False,
) -> StartResult:
    """Commits the new rollout and its first status.

    `reverter` knows whether the commit holds a release that was rolled back, and `known` whether a version
    is released or tagged. With `is_rerun` this was asked for earlier, when another commit may have been the
    newest.

    Raises InputError for a malformed or unknown version, and for a commit that does not exist. Raises
    RefusedError when a rollout is under way, a re-run names no commit, a guard of the channel blocks the
    version, it is not newer than the current one, the product's branch does not hold the commit, the range
    holds nothing of the product, no version to return to is known, or a part of the release is in quarantine.
    """
    options = _checked(options)
    if is_rerun and options.commit is None:
        raise RefusedError(
            f"{train}: the newest commit may be another one than when this was asked",
            hint="name the commit with --commit, or dispatch it anew",
        )
    check_commits(history, options.commit, options.base)
    now, cuts = clock.now(), list[ReleaseCut]()

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage]:
        _refuse_second(state)
        refuse_unusable(state)
        refuse_doubts(state)
        _ask_the_guards(state, options.version)
        cuts.append(cut(history, state, options.version, options.commit, options.base))
        target = _target(state, options, known, now)
        if target is not None and options.rollback_to is None:
            edit = written_by_hand(store, train)
            target = target.model_copy(update={"by_hand": edit.commit if edit else None})
        refuse_quarantined(state, reverter, cuts[-1].commit)
        _refuse_held_target(state, history, reverter, target)
        return _begun(state, options, cuts[-1], target, now)

    changed = change_state(store, train, decide, now)
    return StartResult(changed.state, changed.commit, cuts[-1])


def _checked(options: StartOptions) -> StartOptions:
    check_written("version", options.version)
    if options.rollback_to is not None:
        check_written("--rollback-to", options.rollback_to)
    if options.first is None:
        return options
    if options.rollback_to is not None:
        raise InputError(
            "--first and --rollback-to contradict each other",
            hint="--first is for a product without a version to return to",
        )
    return StartOptions(options.version, options.commit, options.base, first=checked_reason(options.first))


def _refuse_second(state: TrainState) -> None:
    running = state.rollout
    if running.outcome not in STARTABLE:
        version = running.release.version if running.release else "a release"
        raise RefusedError(
            f"{state.train}: {version} is {running.outcome.replace('_', ' ')}",
            hint=before_the_next(running),
        )


def _ask_the_guards(state: TrainState, version: str) -> None:
    judgement = judged(state, version)
    if judgement.blocked:
        raise RefusedError(
            f"{state.train}: {version} is blocked, {judgement.code}: {judgement.reason}",
            hint=guard_advice(judgement.code, _in_quarantine(state, version)),
        )
    if judgement.action is not ChannelAction.UPGRADE:
        raise RefusedError(
            f"{state.train}: {judgement.reason}",
            hint="start a newer version; a line that is maintained beside this one is a train of its own",
        )


def _in_quarantine(state: TrainState, version: str) -> str:
    """Returns the commit of that version in quarantine, short; COMMIT where it is not there."""
    releases = state.quarantine.releases if state.quarantine else ()
    held = [each.commit[:10] for each in releases if each.version and bare(each.version) == bare(version)]
    return held[-1] if held else "COMMIT"


# --- where a rollback would go ---------------------------------------------------------------------------


def _target(state: TrainState, options: StartOptions, known: Known, at: datetime) -> RollbackTarget | None:
    channel = state.channel or Channel(train=state.train)
    if options.rollback_to is not None:
        check_target(state, "--rollback-to", options.rollback_to, options.version, known, at)
    target = channels.target_for(channel, options.rollback_to, at)
    if target is None:
        _refuse_without_target(state, options)
        return None
    if options.first is not None:
        raise InputError(
            f"--first: {target.version} is the current version, to which a rollback returns",
            hint="leave --first and --reason out",
        )
    _refuse_quarantined_target(state, target)
    return target


def _refuse_without_target(state: TrainState, options: StartOptions) -> None:
    if options.first is None and needs_target(state.contract):
        raise RefusedError(
            f"{state.train}: no version is known to return to, which the gate rollback_target asks for",
            hint=_WAYS_OUT.format(train=state.train),
        )


def _refuse_quarantined_target(state: TrainState, target: RollbackTarget) -> None:
    standing = quarantined(state.quarantine)
    if bare(target.version) in standing:
        raise RefusedError(
            f"{state.train}: a rollback would lead to {target.version}, {GuardCode.QUARANTINED_RELEASE}:"
            f" it {standing[bare(target.version)]}",
            hint="name another version: rollout start VERSION --rollback-to V",
        )


def _refuse_held_target(
    state: TrainState, history: History, reverter: Reverter | None, target: RollbackTarget | None
) -> None:
    """Raises RefusedError for a version whose commit is in quarantine, or holds what is."""
    why = held_back(state, history, reverter, target.version) if target and reverter else ""
    if target is not None and why:
        raise RefusedError(
            f"{state.train}: a rollback would lead to {target.version}, {GuardCode.QUARANTINED_RELEASE}:"
            f" it {why}",
            hint="name another version: rollout start VERSION --rollback-to V",
        )


# --- the commit ------------------------------------------------------------------------------------------


def _begun(
    state: TrainState, options: StartOptions, cut: ReleaseCut, target: RollbackTarget | None, now: datetime
) -> tuple[StateChange, CommitMessage]:
    release = Release(
        version=options.version, commit=cut.commit, base=cut.base, started_at=now, first=options.first
    )
    rollout = first_desired(state.contract, release, target)
    status = begin(
        state.contract,
        state.contract_digest,
        rollout,
        now,
        lanes=state.rollout.lanes,
        release_range=cut.range,
    )
    change = StateChange(
        rollout=rollout,
        status=status,
        channel=channel_of(state, target),
        signoff=signoff.for_release(rollout),
    )
    return change, message(Event.START, contract=state.contract, rollout=rollout, status=status)
