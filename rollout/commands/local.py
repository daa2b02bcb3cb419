"""`rollout local`: what a person looks up on the local forge."""

from __future__ import annotations

from rollout.core.forge import PullRequest
from rollout.core.state import Outcome
from rollout.errors import InputError, RefusedError
from rollout.ports import Forge, History, StateStore


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
    """Returns the pull request of that number. Raises InputError when there is none."""
    for pull in forge.pull_requests(""):
        if pull.number == number:
            return pull
    raise InputError(f"there is no pull request {number}", hint="list them: rollout local prs")
