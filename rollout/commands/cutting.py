"""What a release is made of: its commit, the base it begins at, and the commits between."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.core import completed
from rollout.core.state import ReleaseRange, TrainState
from rollout.core.text import inert
from rollout.errors import InputError, RefusedError
from rollout.ports import History, Place
from rollout.rendering.gates import release_name

_WHOLE_ID = "give the whole id: git rev-parse NAME"
_DEEPEN = "; this clone is shallow, fetch all of it with `git fetch --unshallow`"


@dataclass(frozen=True)
class ReleaseCut:
    """A release as it is cut from the product's branch."""

    commit: str
    base: str | None
    range: ReleaseRange
    since: str
    """What the base is, in words; for a commit alone, why there is none."""


@dataclass(frozen=True)
class _Base:
    commit: str | None
    since: str


def check_commits(history: History, commit: str | None, base: str | None) -> None:
    """Raises InputError for one that does not exist."""
    for option, named in (("--commit", commit), ("--base", base)):
        if named is not None and history.place(named) is Place.MISSING:
            raise InputError(f"{option} {inert(named, 80)}: no such commit", hint=_WHOLE_ID)


def cut(
    history: History, state: TrainState, version: str, commit: str | None, base: str | None
) -> ReleaseCut:
    """Returns the release of that version; the commits that are named exist.

    Without a commit it ends at the newest one of the product's branch. Without a base it begins at the
    release that completed last, else at the tag of the current version; where neither is known it is the
    commit alone. Raises RefusedError, OutsideError.
    """
    commit = _commit(history, commit)
    begin = _Base(_named_base(history, base, commit), f"{base[:10]}, as named") if base else None
    begin = begin or _default_base(history, state, commit)
    found = history.commits(begin.commit, commit)
    if not found.total:
        raise RefusedError(_empty(version, commit, begin), hint=_EMPTY_HINT)
    return ReleaseCut(commit, begin.commit, found, begin.since)


_EMPTY_HINT = (
    "choose a commit of the product (without --commit it is the newest one), or begin earlier with --base SHA"
)


def _empty(version: str, commit: str, begin: _Base) -> str:
    if begin.commit is None:
        return f"{version}: commit {commit[:10]} only records rollout state"
    return f"{version}: no commit up to {commit[:10]} touches the product since {begin.since}"


def _commit(history: History, named: str | None) -> str:
    if named is None:
        newest = history.newest()
        if newest is None:
            raise RefusedError(
                f"no commit of {history.branch} touches more than state",
                hint="commit the product first, or name another branch in the contract: product.branch",
            )
        return newest
    if history.place(named) is not Place.ON_BRANCH:
        raise RefusedError(
            f"--commit {named}: no such commit on {history.branch}, so nothing could revert it",
            hint="merge it first and release the commit that the merge made" + _shallow(history),
        )
    return named


def _named_base(history: History, base: str, commit: str) -> str:
    if history.fork(base, commit) != base:
        raise RefusedError(
            f"--base {base[:10]}: does not lead to {commit[:10]}",
            hint="name an earlier commit of the release's history, or leave --base out" + _shallow(history),
        )
    return base


def _default_base(history: History, state: TrainState, commit: str) -> _Base:
    last = completed.last(state)
    current = state.channel.current_version if state.channel else None
    missing = []
    if last is not None:
        name = f"{release_name(last.release.version)}, which completed last"
        found = _beginning(history, last.release.commit, commit, name)
        if found is not None:
            return found
        missing.append(f"the commit of {name}, shares no history with {commit[:10]}")
    if current is not None:
        name = f"{release_name(current)}, by its tag"
        tagged = history.tagged(current)
        found = _beginning(history, tagged, commit, name) if tagged else None
        if found is not None:
            return found
        missing.append(
            f"the tag of {release_name(current)} shares no history with {commit[:10]}"
            if tagged
            else f"there is no tag {release_name(current)}"
        )
    return _Base(None, "; ".join(missing) or "no release has completed, and no current version is recorded")


def _beginning(history: History, base: str, commit: str, name: str) -> _Base | None:
    """Returns where the line of the last version left the branch, if it was cut on a line of its own."""
    fork = history.fork(base, commit)
    if fork is None:
        return None
    if fork == base:
        return _Base(fork, name)
    return _Base(fork, f"{name} and holds it" if fork == commit else f"the commit where {name}, branched off")


def _shallow(history: History) -> str:
    return _DEEPEN if history.cut_off else ""
