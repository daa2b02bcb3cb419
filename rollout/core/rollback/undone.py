"""Whether a release is undone at a commit, read from the history that came after the release. Pure.

A release is undone where reverting it would change nothing. It stays undone after that commit, whatever is
built on the reverted lines, until somebody reverts that revert. Messages say which commits to look at; what a
commit holds decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

_REVERTS = re.compile(
    r"\breverts? commits?\b(.*?)(?:,?\s+reversing\b|\.|\n\s*\n|\Z)", re.IGNORECASE | re.DOTALL
)
"""`This reverts commit ID.`, `This reverts commits ID and ID.`, `..., reversing changes made to ID.`"""
_ID = re.compile(r"\b[0-9a-f]{7,64}\b")
_SHORTEST_WHOLE = 40
_QUOTED = re.compile(r'Revert "(.*)"\Z', re.DOTALL)
_REAPPLIED = re.compile(r'Reapply "(.*)"\Z', re.DOTALL)
_NUMBER = re.compile(r"\s*\(#\d+\)\Z")
"""What a squash merge on GitHub puts behind the title."""


@dataclass(frozen=True)
class LaterCommit:
    """A commit that descends from the release's."""

    id: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class ReleaseStanding:
    """How a release stands at one commit."""

    by: str
    """The commit that decided: the release's, the revert, or the revert of the revert."""
    turns: int = 0
    """0: as released. Odd: undone. Even: brought back by reverting the revert."""
    is_on_record: bool = False
    """A recorded commit of the product's branch decided it."""

    @property
    def is_undone(self) -> bool:
        return self.turns % 2 == 1

    @property
    def is_back(self) -> bool:
        """Whether it was undone, and its revert was reverted."""
        return self.turns > 0 and not self.is_undone


@dataclass(frozen=True)
class ReleaseFacts:
    """What is known of a release beside its history."""

    commit: str
    parts: Mapping[str, str]
    """Id -> message of each of its commits."""
    recorded: str | None = None
    """The commit at which state says that it is undone: found by reconcile, or declared by a person."""
    merged: str | None = None
    """The commit that merged the pull request with its revert."""


def standing_at(
    tip: str, known: ReleaseFacts, later: Iterable[LaterCommit], is_gone: Callable[[str], bool]
) -> ReleaseStanding:
    """Returns how the release stands at `tip`.

    `later` are the commits from the release to `tip`, parents before children; `is_gone` says whether
    reverting the release on a commit would change nothing, and is asked of few of them.
    """
    history = _History(known, is_gone)
    for commit in later:
        history.add(commit)
    return history.at.get(tip, history.at[known.commit])


class _History:
    """What is known so far, from the release on."""

    def __init__(self, known: ReleaseFacts, is_gone: Callable[[str], bool]) -> None:
        self._known = known
        self._is_gone = is_gone
        self.at = {known.commit: ReleaseStanding(known.commit)}
        self._brings, self._undoes = _RevertTargets(known.parts), _RevertTargets({})

    def add(self, commit: LaterCommit) -> None:
        before = [self.at[parent] for parent in commit.parents if parent in self.at]
        if not before:
            return
        found = self._after(commit, before)
        if commit.id == self._known.recorded and not found.is_undone:
            found = ReleaseStanding(commit.id, before[0].turns // 2 * 2 + 1)
        if commit.id == self._known.recorded:
            found = replace(found, is_on_record=True)
        self.at[commit.id] = found
        if self._brings.are_reverted_by(commit.message) or (found.by == commit.id and found.is_undone):
            self._undoes.add(commit)
        elif found.by == commit.id or self._undoes.are_reverted_by(commit.message):
            self._brings.add(commit)

    def _after(self, commit: LaterCommit, before: list[ReleaseStanding]) -> ReleaseStanding:
        first, most = before[0], max(before, key=lambda standing: standing.turns)
        if most.is_undone and (first.is_undone or most.is_on_record):
            return self._unless_taken_back(commit, most)
        comes_from_aside = most.turns > first.turns
        is_named = commit.id == self._known.merged or self._brings.are_reverted_by(commit.message)
        if (comes_from_aside or is_named) and self._is_gone(commit.id):
            return ReleaseStanding(commit.id, most.turns // 2 * 2 + 1)
        # A revert that was changed before it was merged leaves the release where it was.
        return most if most.is_back else first

    def _unless_taken_back(self, commit: LaterCommit, undone: ReleaseStanding) -> ReleaseStanding:
        names_revert = self._undoes.are_reverted_by(commit.message)
        if not names_revert and not self._reverts_some_revert(commit):
            return undone
        return undone if self._is_gone(commit.id) else ReleaseStanding(commit.id, undone.turns + 1)

    def _reverts_some_revert(self, commit: LaterCommit) -> bool:
        """Returns whether it reverts what took the release away without saying so in its message."""
        named = reverted_ids(commit.message) - {self._known.commit}
        return any(each in self.at for each in named) and self._is_gone(commit.parents[0])


class _RevertTargets:
    """Commits, found by what the message of their revert says."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        self._ids = set(messages)
        self._subjects = {_subject(message) for message in messages.values()}

    def add(self, commit: LaterCommit) -> None:
        self._ids.add(commit.id)
        self._subjects.add(_subject(commit.message))

    def are_reverted_by(self, message: str) -> bool:
        if named := reverted_ids(message):
            return any(map(self._holds, named))
        quoted = _quoted(_subject(message))
        return quoted is not None and quoted in self._subjects

    def _holds(self, named: str) -> bool:
        is_short = len(named) < _SHORTEST_WHOLE
        return any(each.startswith(named) for each in self._ids) if is_short else named in self._ids


def reverted_ids(message: str) -> frozenset[str]:
    """Returns the commits that a message says it reverts, ids as they are written there."""
    return frozenset(found for told in _REVERTS.findall(message) for found in _ID.findall(told))


def _subject(message: str) -> str:
    return _NUMBER.sub("", message.partition("\n")[0].strip())


def _quoted(subject: str) -> str | None:
    """Returns the subject of what it reverts, where git or GitHub made the message."""
    if again := _REAPPLIED.match(subject):
        return f'Revert "{again[1]}"'
    reverted = _QUOTED.match(subject)
    return _NUMBER.sub("", reverted[1]) if reverted else None
