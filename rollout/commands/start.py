"""`rollout start`: begin a release at the first phase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.commands.changing import Changed, change_state
from rollout.commands.contract import refuse_doubts, refuse_unusable
from rollout.commands.quarantine import refuse_quarantined
from rollout.core import channel as channels
from rollout.core import signoff, starting, versions
from rollout.core.advance import begin
from rollout.core.channel.guards import bare, judge, quarantined
from rollout.core.state import (
    Channel,
    CommitMessage,
    Event,
    GuardCode,
    Release,
    RollbackTarget,
    StateChange,
    TrainState,
)
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, Forge, Reverter, StateStore
from rollout.rendering.channel import guard_advice
from rollout.rendering.commits import message

STATE_FOLDER = "state/"


@dataclass(frozen=True)
class StartOptions:
    version: str
    commit: str
    base: str | None = None
    rollback_to: str | None = None


def start(
    store: StateStore,
    forge: Forge,
    clock: Clock,
    train: str,
    options: StartOptions,
    *,
    reverter: Reverter | None = None,
) -> Changed:
    """Commit the new rollout and its first status.

    `reverter` knows whether the commit holds a release that was rolled back.

    Raises InputError for a malformed version or a commit that does not exist, RefusedError when a
    rollout is running, the release itself touches state, a guard of the channel blocks the version, or what
    is in quarantine is a part of it.
    """
    _check_versions(options)
    current = store.load(train, store.head())
    _check_commits(forge, options)
    _refuse_second(current)
    refuse_unusable(current)
    refuse_doubts(current)
    if current.contract.product.repository is None:
        _refuse_state(forge, options)
    now = clock.now()

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage]:
        begun = _begun(state, options, now)
        refuse_quarantined(state, reverter, options.commit)
        return begun

    return change_state(store, train, decide, now)


def _check_versions(options: StartOptions) -> None:
    for option, version in (("--version", options.version), ("--rollback-to", options.rollback_to)):
        if version is not None and not versions.is_valid(version):
            raise InputError(
                f"{option} {version}: not a semantic version", hint="write it like v1.2.3 or 1.2.3-beta.1"
            )


def _check_commits(forge: Forge, options: StartOptions) -> None:
    for option, commit in (("--commit", options.commit), ("--base", options.base)):
        if commit is not None and not forge.commit_exists(commit):
            raise InputError(
                f"{option} {commit}: no such commit",
                hint="give the whole id, as `git rev-parse NAME` prints it",
            )


def _refuse_state(forge: Forge, options: StartOptions) -> None:
    """A product in a repository of its own may well have a folder of that name."""
    touched = [
        path for path in forge.changed_paths(options.base, options.commit) if path.startswith(STATE_FOLDER)
    ]
    if touched:
        raise RefusedError(
            f"the release changes rollout state ({touched[0]}): reverting it would revert decisions",
            hint="take the state files out of the release, or give --base so that only product commits count",
        )


def _refuse_second(state: TrainState) -> None:
    running = state.rollout
    if running.outcome not in starting.STARTABLE:
        version = running.release.version if running.release else "a release"
        raise RefusedError(
            f"{state.train}: {version} is {running.outcome.replace('_', ' ')}",
            hint="a train rolls out one release at a time; see: rollout status",
        )


def _begun(state: TrainState, options: StartOptions, now: datetime) -> tuple[StateChange, CommitMessage]:
    _refuse_second(state)
    channel = state.channel or Channel(train=state.train)
    _ask_the_guards(state, channel, options.version)
    target = channels.target_for(channel, options.rollback_to, now)
    _refuse_bad_target(state, target)
    release = Release(version=options.version, commit=options.commit, base=options.base, started_at=now)
    rollout = starting.first(state.contract, release, target)
    status = begin(state.contract, state.contract_digest, rollout, now, lanes=state.rollout.lanes)
    change = StateChange(
        rollout=rollout,
        status=status,
        channel=channels.started(channel, target),
        signoff=signoff.for_release(rollout),
    )
    return change, message(Event.START, contract=state.contract, rollout=rollout, status=status)


def _ask_the_guards(state: TrainState, channel: Channel, version: str) -> None:
    judgement = judge(
        channel.channel,
        channel.current_version,
        version,
        standing=quarantined(state.quarantine),
        max_major_jump=state.contract.channel.max_major_jump,
    )
    if judgement.blocked:
        raise RefusedError(
            f"{state.train}: {version} is blocked, {judgement.code}: {judgement.reason}",
            hint=guard_advice(judgement.code),
        )


def _refuse_bad_target(state: TrainState, target: RollbackTarget | None) -> None:
    standing = quarantined(state.quarantine)
    if target is not None and bare(target.version) in standing:
        raise RefusedError(
            f"{state.train}: a rollback would lead to {target.version}, {GuardCode.QUARANTINED_RELEASE}:"
            f" it {standing[bare(target.version)]}",
            hint="name another version with --rollback-to",
        )
