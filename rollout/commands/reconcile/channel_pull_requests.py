"""Open pull requests that change the channel: are they still right?"""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.channel.proposals import why_refused
from rollout.core.decide.effects import (
    besides,
    channel_prefix,
    description,
    not_as_proposed,
    status_context,
)
from rollout.core.effects import SetStatus
from rollout.core.files import CHANNEL, RELEASE_CACHE, state_path
from rollout.core.forge import PullRequest, PullRequestState, StatusState
from rollout.core.state import StateChange, TrainState
from rollout.errors import InputError, OutsideError
from rollout.ports import Forge, StateStore

_FINE = "the guards let it pass"


def statuses(store: StateStore, forge: Forge, state: TrainState) -> Iterator[SetStatus]:
    """Yields the statuses of such pull requests that are not as they should be."""
    if state.contract.channel.review != "pull_request":
        return
    context = status_context(state.train)
    for pull in forge.pull_requests(channel_prefix(state.train)):
        if pull.state is not PullRequestState.OPEN:
            continue
        beside = _beside(forge, state, pull)
        why = beside or _why_refused(store, state, pull)
        shown = forge.statuses(pull.head_sha).get(context)
        if why and shown != ("failure", why):
            yield SetStatus(pull.head_sha, context, StatusState.FAILURE, why)
        if not why and (shown is None or shown[0] != "success"):
            yield SetStatus(pull.head_sha, context, StatusState.SUCCESS, _FINE)


def _beside(forge: Forge, state: TrainState, pull: PullRequest) -> str:
    """Returns what the branch changes besides the channel; empty when that is nothing."""
    try:
        changes = forge.changes(state.train, pull)
    except OutsideError as error:
        return description(error.message)
    own = {state_path(state.train, name) for name in (CHANNEL, RELEASE_CACHE)}
    beside = besides(changes.paths, own, unlisted=changes.unlisted, named=1)
    return not_as_proposed(beside) if beside else ""


def _why_refused(store: StateStore, state: TrainState, pull: PullRequest) -> str:
    try:
        proposed = store.load(state.train, pull.head_sha)
    except InputError as error:
        return description(error.message)
    refused = description(why_refused(state, proposed.channel))
    if refused or _altered(store, state):
        return refused
    altered = _altered(store, proposed)
    return not_as_proposed(altered) if altered else ""


def _altered(store: StateStore, state: TrainState) -> str:
    return store.altered(state.train, StateChange(channel=state.channel), state.head)
