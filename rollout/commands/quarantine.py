"""`rollout quarantine`: a person puts a release in quarantine, or lets it be chosen again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rollout.commands.commit_state import CommandResult, change_state, checked_reason
from rollout.commands.rollback import checked_person
from rollout.core import completed, versions
from rollout.core.channel.guards import bare, standing
from rollout.core.rollback import quarantine
from rollout.core.state import (
    Act,
    Addition,
    CommitMessage,
    Event,
    Outcome,
    QuarantinedRelease,
    Release,
    StateChange,
    TrainState,
)
from rollout.core.text import inert
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, History, Reverter, StateStore
from rollout.rendering.commits import message
from rollout.rendering.gates import release_name

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NAME_IT = "give a version that is tagged, or the whole id of a commit: git rev-parse NAME"

_ROLL_BACK = "end that release, which puts it in quarantine: rollout rollback --reason WHY"


@dataclass(frozen=True)
class ProductLookup:
    """What is asked about the product's repository."""

    tagged: Callable[[str], str | None]
    """The commit that a version's tag leads to; None when there is no such tag."""
    versions_at: Callable[[str], Sequence[str]]
    """The versions whose tags lead to that commit."""
    exists: Callable[[str], bool]
    """Whether there is a commit of that whole id."""
    holds: Callable[[str, Release], bool]
    """Whether that commit holds what the release brought, not reverted since."""


@dataclass(frozen=True)
class _ReleaseName:
    """What a person named."""

    commit: str
    base: str | None = None
    version: str | None = None


def add(
    store: StateStore, clock: Clock, train: str, named: str, reason: str, by: str, product: ProductLookup
) -> CommandResult:
    """Puts the release of a version, or a commit, in quarantine; what is in quarantine stays there.

    Raises InputError for what is neither a known version nor a commit, RefusedError for the release that is
    under way.
    """
    now, added = clock.now(), Addition(by=checked_person(by), reason=checked_reason(reason))

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        found = _found(state, named, product)
        entries = [
            QuarantinedRelease(commit=found.commit, base=found.base, version=version, added=added, at=now)
            for version in _versions(found, product)
        ]
        entries = [bad for bad in entries if not quarantine.stands(state.quarantine, bad)]
        if not entries:
            return None
        for bad in entries:
            _refuse_under_way(state, bad, product)
        after = state.quarantine
        for bad in entries:
            after = quarantine.with_one_more(after, train, bad)
        text = message(
            Event.QUARANTINE,
            contract=state.contract,
            rollout=state.rollout,
            status=state.status,
            detail=f"{', '.join(map(quarantine.name, entries))} by {added.by}: {added.reason}",
        )
        return StateChange(quarantine=after), text

    return change_state(store, train, decide, now)


def _found(state: TrainState, named: str, product: ProductLookup) -> _ReleaseName:
    """Returns what the train itself knows of that version or commit, else what the product's repository
    does.
    """
    is_version = versions.is_valid(named)
    for release in _known(state):
        if (is_version and bare(release.version) == bare(named)) or release.commit == named.lower():
            return _ReleaseName(release.commit, release.base, release.version)
    if is_version:
        tagged = product.tagged(named)
        if tagged is None:
            raise InputError(f"{named}: no such tag, and the train knows no such release", hint=_NAME_IT)
        return _ReleaseName(tagged, version=named)
    if not _COMMIT.fullmatch(named.lower()):
        raise InputError(f"{inert(named, 80) or 'nothing'}: neither a version nor a commit", hint=_NAME_IT)
    if not product.exists(named.lower()):
        raise InputError(f"{named}: no such commit", hint=_NAME_IT)
    return _ReleaseName(named.lower())


def _versions(found: _ReleaseName, product: ProductLookup) -> Sequence[str | None]:
    """Returns every version of that commit: a plan, or a rollback's target, knows it by its version alone."""
    others = [version for version in product.versions_at(found.commit) if not _same(version, found.version)]
    return [*([found.version] if found.version else []), *others] or [None]


def _same(version: str, other: str | None) -> bool:
    return other is not None and bare(version) == bare(other)


def _known(state: TrainState) -> Sequence[Release]:
    """Returns releases whose commits the train's own files name."""
    current = [state.rollout.release] if state.rollout.release else []
    return [*current, *(one.release for one in completed.releases(state))]


def _refuse_under_way(state: TrainState, bad: QuarantinedRelease, product: ProductLookup) -> None:
    """Raises for a release under way: nothing promotes what is in quarantine, so it has to end first."""
    release, outcome = state.rollout.release, state.rollout.outcome
    if quarantine.is_under_way(state, bad):
        ends = _ROLL_BACK if outcome is Outcome.IN_PROGRESS else "its rollback puts it in quarantine"
        raise RefusedError(f"{state.train}: {quarantine.name(bad)} is {_doing(outcome)}", hint=ends)
    if outcome is not Outcome.IN_PROGRESS or release is None:
        return
    if product.holds(release.commit, quarantine.as_release(bad)):
        running = release_name(release.version)
        raise RefusedError(
            f"{state.train}: {running}, which is {_doing(outcome)}, holds {quarantine.name(bad)}",
            hint=_ROLL_BACK,
        )


def _doing(outcome: Outcome) -> str:
    return outcome.replace("_", " ")


def lift(store: StateStore, clock: Clock, train: str, named: str, reason: str, by: str) -> CommandResult:
    """Lifts every entry of a commit, which its version names too; lifted ones stay so.

    Raises InputError when it is not in the file, or when the version names several commits.
    """
    now, reason, by = clock.now(), checked_reason(reason), checked_person(by)
    return change_state(
        store, train, lambda state: _lifted(state, named, Act(by=by, at=now, reason=reason)), now
    )


def _lifted(state: TrainState, named: str, done: Act) -> tuple[StateChange, CommitMessage] | None:
    found = _entries(state, named)
    if all(entry.lifted is not None for entry in found):
        return None
    assert state.quarantine is not None
    after = quarantine.lifted(state.quarantine, found[0].commit, done)
    detail = f"{quarantine.name(found[-1])} by {done.by}: {done.reason}"
    text = message(
        Event.LIFT, contract=state.contract, rollout=state.rollout, status=state.status, detail=detail
    )
    return StateChange(quarantine=after), text


def _entries(state: TrainState, named: str) -> Sequence[QuarantinedRelease]:
    """Returns every entry of the one commit that the version or the digits name."""
    releases = state.quarantine.releases if state.quarantine else ()
    if versions.is_valid(named):
        found = [entry for entry in releases if _same(named, entry.version)]
        commits = {entry.commit for entry in found if entry.lifted is None} or {one.commit for one in found}
        what, hint = "version", "give a version or a commit of: rollout quarantine list"
    else:
        commits = {entry.commit for entry in releases if entry.commit.startswith(named) and len(named) >= 7}
        what, hint = "commit", "give a version, or 7 digits or more, from: rollout quarantine list"
    if len(commits) > 1:
        raise InputError(f"{named} names {len(commits)} commits in quarantine", hint=_one_of(commits))
    if not commits:
        raise InputError(f"{named}: no such {what} in quarantine", hint=hint)
    return [entry for entry in releases if entry.commit in commits]


def _one_of(commits: Iterable[str]) -> str:
    return f"name one of them: {', '.join(sorted(commit[:10] for commit in commits))}"


def _is_free(reverter: Reverter, commit: str, bad: QuarantinedRelease) -> bool:
    return reverter.is_free_of(commit, quarantine.as_release(bad), bad.reverted)


def refuse_quarantined(state: TrainState, reverter: Reverter | None, commit: str) -> None:
    """Raises RefusedError for a commit that is quarantined, or holds one that is without its revert."""
    for bad in standing(state.quarantine):
        if bad.commit == commit:
            why = f"was {_how(bad)}"
        elif reverter is not None and not _is_free(reverter, commit, bad):
            why = f"holds {quarantine.name(bad)}, {_how(bad)}, without its revert"
        else:
            continue
        raise RefusedError(
            f"{state.train}: {commit[:12]} {why}",
            hint="release a commit that holds the revert; if this was not at fault:"
            f" rollout quarantine lift {bad.commit[:10]} --reason WHY",
        )


def held_back(state: TrainState, history: History, reverter: Reverter, version: str) -> str:
    """Returns why nothing may choose the version by the commit that its tag leads to; empty when it may be
    chosen.

    Nothing is asked while the quarantine is empty. Raises OutsideError when the product cannot be read.
    """
    held = standing(state.quarantine)
    commit = history.tagged(version) if held else None
    if commit is None:
        return ""
    for bad in held:
        if bad.commit == commit:
            return f"is {quarantine.name(bad)}, {_how(bad)}"
        if not _is_free(reverter, commit, bad):
            return f"holds {quarantine.name(bad)}, {_how(bad)}, without its revert"
    return ""


def _how(bad: QuarantinedRelease) -> str:
    if bad.added is not None:
        return f"put in quarantine by {bad.added.by}: {bad.added.reason}"
    return f"rolled back by incident {bad.incident}"
