"""Which remote of a clone is the repository on GitHub whose workflows run the train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rollout.adapters.git import Git
from rollout.adapters.git.remotes import default_branches, fetched, remotes
from rollout.core.action import RECONCILE_WORKFLOW, WORKFLOWS, Place, place_on_github
from rollout.core.files import STATE
from rollout.errors import InputError


@dataclass(frozen=True)
class Remote:
    """A remote on GitHub."""

    name: str
    place: Place
    default: str
    """Its default branch."""

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"


def remotes_with_train(git: Git, server: str, state_branches: Sequence[str]) -> tuple[Remote, ...]:
    """The remotes on GitHub that hold the workflows, as last fetched; of several those that hold state.

    `server`: the host of an Enterprise Server. `state_branches`: where state may be, beside the default one.
    """
    running = [
        (remote, _holds_state(git, remote, state_branches))
        for remote in _on_github(git, server)
        if any(_holds_workflows(git, remote, branch) for branch in (remote.default, *state_branches))
    ]
    with_state = tuple(remote for remote, holds_state in running if holds_state)
    return with_state or tuple(remote for remote, _ in running)


def only_one(found: Sequence[Remote], named: str | None) -> Remote | None:
    """The remote that is meant, or the one that `owner/name` names; None where there is none.

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


def _on_github(git: Git, server: str) -> Iterator[Remote]:
    for name, url in remotes(git).items():
        place = place_on_github(url, server)
        if place is not None:
            known = (each for each in default_branches(git, name) if git.resolve(fetched(name, each)))
            yield Remote(name, place, next(known, ""))


def _holds_workflows(git: Git, remote: Remote, branch: str) -> bool:
    return git.read(f"{fetched(remote.name, branch)}:{WORKFLOWS}/{RECONCILE_WORKFLOW}") is not None


def _holds_state(git: Git, remote: Remote, state_branches: Sequence[str]) -> bool:
    branches = (*state_branches, remote.default)
    return any(git.tree(f"{fetched(remote.name, branch)}:{STATE}") for branch in branches)
