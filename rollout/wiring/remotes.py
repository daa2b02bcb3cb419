"""Which remote of a clone is the repository on GitHub whose workflows run the train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollout.adapters.fetched_store import never_fetched
from rollout.adapters.git import Git
from rollout.adapters.git.remotes import ALL, default_branches, fetch, fetched, fetched_at, remotes
from rollout.adapters.yaml_store import NO_SUCH_BRANCH
from rollout.core.files import STATE
from rollout.core.values import format_duration
from rollout.core.workflow_pin import (
    CHECK_WORKFLOW,
    CLOSED_WORKFLOW,
    RECONCILE_WORKFLOW,
    WORKFLOWS,
    RepositoryPlace,
    place_on_github,
)
from rollout.errors import InputError

_OF_DEFAULT = frozenset({RECONCILE_WORKFLOW})
_OF_STATE = frozenset({RECONCILE_WORKFLOW, CHECK_WORKFLOW, CLOSED_WORKFLOW})
"""Workflows, one of which a branch has where the train runs on GitHub; a state branch has its own."""


@dataclass(frozen=True)
class Remote:
    """A remote on GitHub."""

    name: str
    place: RepositoryPlace
    default: str
    """Its default branch."""

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"


def remotes_with_train(git: Git, server: str, state_branches: Sequence[str]) -> tuple[Remote, ...]:
    """Returns the remotes on GitHub that hold the workflows, as last fetched; of several those that hold
    state.

    `server`: the host of an Enterprise Server. `state_branches`: where state may be, beside the default one.
    """
    running = [
        (remote, holds_state(git, remote, state_branches))
        for remote in _on_github(git, server)
        if _holds_workflows(git, remote.name, remote.default, _OF_DEFAULT)
        or any(_holds_workflows(git, remote.name, branch, _OF_STATE) for branch in state_branches)
    ]
    with_state = tuple(remote for remote, holds_state in running if holds_state)
    return with_state or tuple(remote for remote, _ in running)


def only_one(found: Sequence[Remote], named: str | None) -> Remote | None:
    """Returns the remote that is meant, or the one that `owner/name` names; None where there is none.

    Raises InputError where it is not clear which one is meant.
    """
    if named is not None:
        for remote in found:
            if remote.place.name.lower() == named.lower():
                return remote
        known = ", ".join(remote.place.name for remote in found) or "none"
        raise InputError(
            f"--repo {named}: no such folder, and no remote with a train there",
            hint=f"remotes with a train: {known}",
        )
    if len(found) > 1:
        raise InputError(
            f"several remotes hold the state of a train: {', '.join(map(str, found))}",
            hint=f"name the one that is meant: --repo {found[0].place.name}",
        )
    return found[0] if found else None


def fetched_state_branch(git: Git, remote: Remote, branches: Sequence[str], *, anew: bool) -> str:
    """Returns the first of the branches that holds state, as last fetched; fetched now with `anew`.

    The first one that is there where none does: then all are fetched with `anew`, since another may. Raises
    InputError where none is there, or one was never fetched that may hold state; OutsideError where they
    cannot be fetched.
    """
    there: list[str] = []
    branches = [branch for branch in branches if branch]
    for branch in branches:
        ref = fetched(remote.name, branch)
        # What the clone kept of a branch that is gone is no branch.
        if fetch(git, remote.name, branch) if anew else git.resolve(ref):
            there.append(branch)
            if git.tree(f"{ref}:{STATE}"):
                return branch
    if anew and not there:
        raise InputError(f"there is no {branches[0]} in {remote.place.name}", hint=NO_SUCH_BRANCH)
    unseen = [branch for branch in branches if branch not in there]
    if anew:
        fetch(git, remote.name, ALL)
    elif unseen and not (there and _shows_state(git, remote)):
        raise never_fetched(remote.name, unseen[0])
    return there[0]


def _shows_state(git: Git, remote: Remote) -> bool:
    return any(git.tree(f"{ref}:{STATE}") for ref in git.branches(fetched(remote.name, "")))


def last_fetch(git: Git, remote: Remote, branch: str, now: datetime) -> str:
    """Returns how long ago that was, in words."""
    moment = fetched_at(git, remote.name, branch, remote.place.name)
    if moment is None:
        return "nobody knows when"
    return f"{format_duration(max(0, int((now - moment).total_seconds())))} ago"


def _on_github(git: Git, server: str) -> Iterator[Remote]:
    for name, url in remotes(git).items():
        place = place_on_github(url, server)
        if place is not None:
            known = [each for each in default_branches(git, name) if git.resolve(fetched(name, each))]
            # Where the clone does not know it, the branch with the workflows is the default one.
            with_workflows = (each for each in known if _holds_workflows(git, name, each, _OF_DEFAULT))
            yield Remote(name, place, next(with_workflows, known[0] if known else ""))


def _holds_workflows(git: Git, remote: str, branch: str, names: frozenset[str]) -> bool:
    return not names.isdisjoint(git.tree(f"{fetched(remote, branch)}:{WORKFLOWS}"))


def holds_state(git: Git, remote: Remote, state_branches: Sequence[str]) -> bool:
    """Returns whether one of the branches, or the default one, does as last fetched."""
    branches = (*state_branches, remote.default)
    return any(git.tree(f"{fetched(remote.name, branch)}:{STATE}") for branch in branches)
