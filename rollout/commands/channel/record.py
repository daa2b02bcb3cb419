"""What the channel's commands work with, and how each of them records what it decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import unified_diff

from rollout.commands.commit_state import CommandResult, change_state
from rollout.core.channel.explain import follows
from rollout.core.channel.proposals import BUSY
from rollout.core.contract import ChannelPolicy
from rollout.core.decide.effects import channel_branch, channel_prefix, description, status_context
from rollout.core.decorations import Decorations
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.core.state import (
    Channel,
    ChannelApply,
    ChannelPlan,
    CommitMessage,
    Event,
    LookupSource,
    StateChange,
    TrainState,
)
from rollout.core.state.changes import applied
from rollout.core.state.release_cache import ReleaseCache, ReleaseRecord
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, Forge, NewPullRequest, Releases, StateFiles, StateStore
from rollout.rendering.commits import message
from rollout.rendering.inert import TITLE_LIMIT, plain

_SUPERSEDED = "Another change of the channel is proposed instead."
_MOST_SHOWN, _TOO_LONG = 1 << 20, "too long to be shown"

Body = Callable[[Channel, Channel], str]
"""The text of a pull request, of the channel before and after."""


@dataclass(frozen=True)
class Desk:
    """What the channel's commands work with."""

    store: StateStore
    forge: Forge
    releases: Releases
    files: StateFiles
    clock: Clock
    body: Body
    held_back: Callable[[TrainState, str], str] = lambda *_: ""
    """Why nothing may choose the version by what its commit holds; empty when it may be."""
    decorations: Decorations = field(default_factory=Decorations)

    def load(self, train: str) -> TrainState:
        return self.store.load(train, self.store.head())


@dataclass(frozen=True)
class ChannelChange:
    """A change of the channel that is to be recorded."""

    change: StateChange
    detail: str
    """For the commit's subject."""
    review: str = ""
    """What its branch is called where the contract asks for review; empty for a mere record."""


@dataclass(frozen=True)
class Lookup:
    """The releases, and where they come from."""

    releases: tuple[ReleaseRecord, ...]
    source: LookupSource
    fetched_at: datetime
    new: ReleaseCache | None = None
    """What was asked for just now, worth keeping."""
    note: str = ""
    """Why the list is not as new as it should be."""


@dataclass(frozen=True)
class ChannelResult(CommandResult):
    """A train after a command about its channel: with a dry run or a proposal as it would be."""

    pull_request: int | None = None
    diff: str = ""
    """Of a dry run: what it would change."""
    lookup: Lookup | None = None
    """Of releases, where one was made."""
    notes: tuple[str, ...] = ()
    """What could not be done, or why it was."""

    @property
    def plan(self) -> ChannelPlan:
        """The last one, that of `plan` after it."""
        plan = channel_of(self.state).plan
        assert plan is not None
        return plan

    @property
    def apply(self) -> ChannelApply:
        """The last one, that of `apply` after it."""
        apply = channel_of(self.state).apply
        assert apply is not None
        return apply

    def with_channel(self, channel: Channel) -> ChannelResult:
        return replace(self, state=replace(self.state, channel=channel))


Decide = Callable[[TrainState], ChannelChange | None]
"""None when there is nothing to record. It may be asked again with a newer train."""


def channel_of(state: TrainState) -> Channel:
    """Returns the train's channel; stable and without a version until somebody says otherwise."""
    return state.channel or Channel(train=state.train)


def policy_of(state: TrainState) -> ChannelPolicy:
    return state.contract.channel


def refuse_while_busy(state: TrainState, stays: str) -> None:
    """Raises RefusedError during a rollout, saying what stays as it is."""
    if state.rollout.outcome in BUSY:
        doing = state.rollout.outcome.replace("_", " ")
        raise RefusedError(f"{state.train} is {doing}: {stays}", hint="try it when the rollout has ended")


def record(desk: Desk, train: str, decide: Decide, at: datetime) -> ChannelResult:
    """Commits what `decide` wants or, where the contract asks for review, proposes it.

    Raises whatever `decide` raises, and HeadMovedError when the branch kept moving.
    """
    state = desk.load(train)
    wanted = decide(state)
    if wanted is not None and wanted.review and policy_of(state).review == "pull_request":
        return _propose(desk, state, wanted, at)
    changed = change_state(desk.store, train, lambda newest: _commit(newest, decide), at)
    return ChannelResult(changed.state, changed.commit)


def _commit(state: TrainState, decide: Decide) -> tuple[StateChange, CommitMessage] | None:
    wanted = decide(state)
    return None if wanted is None else (wanted.change, _message(state, wanted))


def _message(state: TrainState, wanted: ChannelChange) -> CommitMessage:
    return message(
        Event.CHANNEL, contract=state.contract, rollout=state.rollout, status=None, detail=wanted.detail
    )


def preview(desk: Desk, state: TrainState, wanted: ChannelChange | None) -> ChannelResult:
    """Returns what recording it would change; nothing is written."""
    if wanted is None:
        return ChannelResult(state, None)
    return ChannelResult(
        applied(state, wanted.change, state.head), None, diff=_diff(desk, state, wanted.change)
    )


def _diff(desk: Desk, state: TrainState, change: StateChange) -> str:
    lines: list[str] = []
    for name, text in desk.files.texts(state.train, change).items():
        before = _shown_before(desk, state, name)
        path = f"state/{state.train}/{name}"
        lines += unified_diff(
            before.splitlines(),
            text.splitlines(),
            f"a/{path}" if before else "/dev/null",
            f"b/{path}" if text else "/dev/null",
            lineterm="",
        )
    return "\n".join(lines)


def _shown_before(desk: Desk, state: TrainState, name: str) -> str:
    """Returns what the file holds; of the cache that may be anything."""
    try:
        text = desk.store.text(state.train, name, state.head) or b""
    except InputError:
        return _TOO_LONG
    return text.decode(errors="replace") if len(text) <= _MOST_SHOWN else _TOO_LONG


# --- review -----------------------------------------------------------------------------------------------


def _propose(desk: Desk, state: TrainState, wanted: ChannelChange, at: datetime) -> ChannelResult:
    """Returns one open pull request for the channel: a newer wish takes the place of an older one."""
    branch, forge = channel_branch(state.train, wanted.review), desk.forge
    for pull in forge.pull_requests(channel_prefix(state.train)):
        is_open = pull.state is PullRequestState.OPEN
        if is_open and not (pull.head == branch and _leads_on(desk, state, pull)):
            forge.close_pull_request(pull.number, _SUPERSEDED, at=at)
    after = applied(state, wanted.change, state.head)
    text = _message(state, wanted)
    new = NewPullRequest(
        kind=PullRequestKind.CHANNEL,
        train=state.train,
        branch=branch,
        change=wanted.change,
        message=text,
        body=desk.body(channel_of(state), channel_of(after)),
        parent=state.head,
        title=plain(text.subject, TITLE_LIMIT),
    )
    opened = forge.open_pull_request(new, at=at)
    context = status_context(state.train)
    shown = (StatusState.SUCCESS, description(wanted.detail))

    def show() -> None:
        if forge.statuses(opened.head_sha).get(context) != shown:
            forge.set_status(opened.head_sha, context, *shown, at=at)

    desk.decorations.attempt(show)
    return ChannelResult(replace(after, head=opened.head_sha), None, pull_request=opened.number)


def _leads_on(desk: Desk, state: TrainState, pull: PullRequest) -> bool:
    """Returns whether what was proposed still follows from the channel as it is now;
    else it could only conflict.
    """
    try:
        return follows(state, desk.store.load(state.train, pull.head_sha).channel)
    except InputError:
        return False
