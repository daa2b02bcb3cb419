"""`rollout status`: the train and the pull request to merge; changes nothing."""

from __future__ import annotations

from rollout.core.decide.applying import awaited_branch
from rollout.core.decide.effects import promotion_prefix
from rollout.core.forge import PullRequestState
from rollout.core.state import Outcome, TrainState
from rollout.errors import OutsideError
from rollout.ports import Forge, StateStore


def status(store: StateStore, forge: Forge, train: str) -> tuple[TrainState, int | None]:
    """Returns the train at the head of the state branch, and the number of the open pull request to be
    merged.

    That is the one that promotes, or brings the phase's percent, or, in a rollback, the one that reverts.
    """
    state = store.load_for_brake(train, store.head())
    return state, open_pull_request(forge, state)


def open_pull_request(forge: Forge, state: TrainState) -> int | None:
    """Returns the number of the open pull request that promotes the train or brings the phase's percent or,
    in a rollback, reverts the release.
    """
    if state.rollout.outcome is Outcome.ROLLING_BACK:
        return _open(forge, f"rollout-revert/{state.train}/")
    if branch := awaited_branch(state):
        return _open(forge, branch)
    return open_promotion(forge, state.train)


def open_promotion(forge: Forge, train: str) -> int | None:
    """Returns the number of the train's open promotion pull request;
    None when there is none or nobody answers.
    """
    return _open(forge, promotion_prefix(train))


def _open(forge: Forge, prefix: str) -> int | None:
    # Looking has to work when the forge does not: the number is a convenience.
    try:
        pulls = forge.pull_requests(prefix)
    except OutsideError:
        return None
    numbers = [pull.number for pull in pulls if pull.state is PullRequestState.OPEN]
    return numbers[-1] if numbers else None
