"""The History port over git: a branch, and the commits and tags of its repository."""

from __future__ import annotations

from itertools import islice

from rollout.adapters.git.repository import Git
from rollout.core.files import StatePaths
from rollout.core.state import MOST_COMMITS, ReleaseCommit, ReleaseRange
from rollout.core.text import inert
from rollout.core.versions import in_order, spellings
from rollout.ports import LoggedCommit, Place

_LONGEST_SUBJECT = 120
_LONGEST_NAME = 40


class BranchHistory:
    """Of one branch, whose objects are there. Fills the port but for what it is called."""

    def __init__(self, git: Git, tip: str, state: StatePaths) -> None:
        self._git = git
        self._tip = tip
        self._state = state

    @property
    def cut_off(self) -> bool:
        return bool(self._git.cut_at())

    def newest(self) -> str | None:
        entries = (entry for entry in self._git.log(self._tip, []) if self._is_part(entry))
        return next((entry.commit for entry in entries), None)

    def place(self, commit: str) -> Place:
        if self._git.resolve(commit) != commit:
            return Place.MISSING
        return Place.ON_BRANCH if self._git.is_ancestor(commit, self._tip) else Place.ELSEWHERE

    def tagged(self, version: str) -> str | None:
        found = (self._git.resolve(f"refs/tags/{name}") for name in spellings(version))
        return next((commit for commit in found if commit is not None), None)

    def versions_at(self, commit: str) -> tuple[str, ...]:
        return in_order(self._git.tags_at(commit))

    def fork(self, base: str, commit: str) -> str | None:
        if self._git.resolve(base) is None or self._git.resolve(commit) is None:
            return None
        return self._git.merge_base(base, commit)

    def commits(self, base: str | None, commit: str) -> ReleaseRange:
        if base is None:
            parts = list(islice(self._git.log(commit, []), 1))
        else:
            parts = list(self._git.log(commit, [], since=base, whole=True))
        parts = [entry for entry in parts if self._is_part(entry)]
        return ReleaseRange(commits=tuple(map(_shown, parts[:MOST_COMMITS])), total=len(parts))

    def _is_part(self, entry: LoggedCommit) -> bool:
        """Returns whether it touches more than state."""
        return not all(map(self._state.holds, entry.paths))


def _shown(entry: LoggedCommit) -> ReleaseCommit:
    subject, author = inert(entry.subject, _LONGEST_SUBJECT), inert(entry.author, _LONGEST_NAME)
    return ReleaseCommit(commit=entry.commit, subject=subject, author=author)
