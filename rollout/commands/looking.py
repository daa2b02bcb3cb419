"""`rollout status` and `history`: look, change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from rollout.core.edits import event_of
from rollout.core.effects import promotion_prefix
from rollout.core.files import ROLLOUT
from rollout.core.state import Outcome, TrainState
from rollout.errors import InputError, OutsideError, RefusedError
from rollout.ports import Forge, History, LoggedCommit, PullRequest, PullRequestState, StateStore


def status(store: StateStore, forge: Forge, train: str) -> tuple[TrainState, int | None]:
    """The train at the head of the state branch, and the number of the open pull request to be merged.

    That is the one that promotes or, in a rollback, the one that reverts.
    """
    state = store.load_for_brake(train, store.head())
    if state.rollout.outcome is Outcome.ROLLING_BACK:
        return state, _open(forge, f"rollout-revert/{train}/")
    return state, open_promotion(forge, train)


def open_promotion(forge: Forge, train: str) -> int | None:
    """The number of the train's open promotion pull request; None when there is none or nobody answers."""
    return _open(forge, promotion_prefix(train))


def _open(forge: Forge, prefix: str) -> int | None:
    # Looking has to work when the forge does not: the number is a convenience.
    try:
        pulls = forge.pull_requests(prefix)
    except OutsideError:
        return None
    numbers = [pull.number for pull in pulls if pull.state is PullRequestState.OPEN]
    return numbers[-1] if numbers else None


def history(store: StateStore, train: str, release: str | None, event: str | None) -> Iterator[LoggedCommit]:
    """State commits, newest first, of one release or event where one is named.

    A commit whose message names no event, such as a squash that kept the title alone, has the event of what
    it did to rollout.yaml.
    """
    for entry in map(partial(_with_event, store, train), store.log(train)):
        if release is not None and _bare(entry.trailers.get("Rollout-Release", "")) != _bare(release):
            continue
        if event is not None and entry.trailers.get("Rollout-Event") != event:
            continue
        yield entry


def _with_event(store: StateStore, train: str, entry: LoggedCommit) -> LoggedCommit:
    if "Rollout-Event" in entry.trailers or ROLLOUT not in entry.paths or not entry.parents or entry.is_cut:
        return entry
    *before, after = store.load_many(train, [*entry.parents, entry.commit])
    known = [state for state in before if not isinstance(state, Exception)]
    if isinstance(after, Exception) or not known or after.rollout in [state.rollout for state in known[1:]]:
        return entry  # what a merge brought along is told by the commit that it came from
    event, release = event_of(known[0], after.rollout), after.rollout.release
    if event is None or release is None:
        return entry
    trailers = {
        "Rollout-Event": event.value,
        "Rollout-Release": release.version,
        "Rollout-Phase": after.rollout.phase or "",
    }
    return replace(entry, trailers={**entry.trailers, **trailers}, is_worked_out=True)


def _bare(version: str) -> str:
    # Commits say v1.2.3 whichever way a release was started.
    return version.removeprefix("v")


def checked_commit(store: StateStore, history: History, train: str) -> str:
    """Returns the commit whose checks the train waits for.

    That is the release's, or, while its revert is validated, the newest one of the product's branch. Raises
    RefusedError when there is no release.
    """
    state = store.load(train, store.head())
    release, incident = state.rollout.release, state.incident
    if release is None:
        raise RefusedError(f"{train} has no release", hint="say which commit with --commit")
    revert = incident.revert if incident else None
    if state.rollout.outcome is Outcome.ROLLING_BACK and revert is not None and revert.landed is not None:
        return history.newest() or release.commit
    return release.commit


def pull_request(forge: Forge, number: int) -> PullRequest:
    """The pull request of that number. Raises InputError when there is none."""
    for pull in forge.pull_requests(""):
        if pull.number == number:
            return pull
    raise InputError(f"there is no pull request {number}", hint="`rollout local prs` lists them")
