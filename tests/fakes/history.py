"""A product's branch in memory, as releases are cut from it: one line of commits."""

from __future__ import annotations

from copy import copy

from rollout.core.state import MOST_COMMITS, ReleaseCommit, ReleaseRange
from rollout.core.versions import in_order
from rollout.ports import Place


class FakeHistory:
    """Fills the `History` port."""

    branch = "main"
    cut_off = False

    def __init__(self, *commits: str) -> None:
        """Oldest first."""
        self.line = list(commits)
        self.beside: dict[str, str] = {}
        """Commits that only another branch holds -> where it left this one."""
        self.of_state: set[str] = set()
        """Commits that touch nothing but state."""
        self.tags: dict[str, str] = {}

    def copy(self) -> FakeHistory:
        """The same branch, from here on apart."""
        other = copy(self)
        other.line, other.beside = list(self.line), dict(self.beside)
        other.of_state, other.tags = set(self.of_state), dict(self.tags)
        return other

    def newest(self) -> str | None:
        return next((commit for commit in reversed(self.line) if commit not in self.of_state), None)

    def place(self, commit: str) -> Place:
        if commit in self.line:
            return Place.ON_BRANCH
        return Place.ELSEWHERE if commit in self.beside else Place.MISSING

    def tagged(self, version: str) -> str | None:
        bare = version.removeprefix("v")
        return self.tags.get(bare, self.tags.get(f"v{bare}"))

    def versions_at(self, commit: str) -> tuple[str, ...]:
        return in_order(name for name, tagged in self.tags.items() if tagged == commit)

    def fork(self, base: str, commit: str) -> str | None:
        base, commit = self.beside.get(base, base), self.beside.get(commit, commit)
        if base not in self.line or commit not in self.line:
            return None
        return min(base, commit, key=self.line.index)

    def commits(self, base: str | None, commit: str) -> ReleaseRange:
        end = self.line.index(commit)
        begin = end if base is None else self.line.index(base) + 1
        found = [each for each in self.line[begin : end + 1][::-1] if each not in self.of_state]
        shown = tuple(ReleaseCommit(commit=each, subject=f"Change {each[:3]}") for each in found)
        return ReleaseRange(commits=shown[:MOST_COMMITS], total=len(found))
