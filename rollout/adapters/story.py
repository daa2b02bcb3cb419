"""The commits that led to a folder's present content, across merges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from rollout.adapters.git import Git
from rollout.ports import LoggedCommit

_EVENT = "Rollout-Event"
"""The trailer of the tool's commits. The history has such a merge without the commits that it brought."""
_AT_A_TIME = 500

Line = tuple[str, ...]
"""A commit, then its parents."""


class _Side(NamedTuple):
    """A parent of a merge that is not followed."""

    tip: str
    without: tuple[str, ...]
    """Commits that hold what is told elsewhere."""
    own: set[str]
    """The commits since the fork that changed the folder."""
    is_left_behind: bool
    """Whether the merge dropped what they changed."""
    is_only_story: bool
    """Whether the followed side has the folder as it was at the fork."""


class Story:
    """One folder's history.

    It follows first parents, as `git log --first-parent` does. A merge that has another parent's content is
    followed by that parent's commits. The history includes what the other parents did since the fork, unless
    a person overruled it in the merge; then it includes the merge.
    """

    def __init__(self, git: Git, folder: str) -> None:
        """`folder` ends with a slash."""
        self._git = git
        self._folder = folder

    def until(self, tip: str, without: tuple[str, ...]) -> Iterator[LoggedCommit]:
        """Yields the commits up to `tip`, newest first, except those that `without` holds."""
        line: str | None = tip
        while line is not None:
            found, line = self._line(line, without), None
            for entry, (commit, *parents) in found:
                if entry is None:
                    sides = list(self._sides(parents, parents[0], commit, without))
                    if any(side.is_left_behind for side in sides):
                        yield replace(next(self._git.log(commit, [])), paths=(), modes={})
                    yield from self._beside(sides)
                    continue
                yield entry
                others = parents[1:] if _EVENT not in entry.trailers else ()
                line = next((other for other in others if self._is_same(other, commit)), None)
                if line is not None:
                    yield from self._beside(self._sides(parents, line, commit, without))
                    break
                for number, other in enumerate(others, start=1):
                    yield from self.until(other, (*without, *parents[:number]))

    def _line(self, tip: str, without: tuple[str, ...]) -> Iterator[tuple[LoggedCommit | None, Line]]:
        """Yields the first-parent commits that changed the folder, with their ids and parents.

        Git does not list a merge that has its first parent's content. Where such a merge brought commits that
        touched the folder, yields None with its line.
        """
        entries = self._git.log(tip, [self._folder], since=without)
        lines = self._git.first_parents(tip, without)
        entry = next(entries, None)
        while block := list(islice(lines, _AT_A_TIME)):
            bringing = self._bringing(block, without)
            for line in block:
                if entry is not None and entry.commit == line[0]:
                    yield entry, (entry.commit, *entry.parents)
                    entry = next(entries, None)
                elif line[0] in bringing:
                    yield None, line

    def _bringing(self, block: Sequence[Line], without: tuple[str, ...]) -> set[str]:
        """Returns the merges of these first-parent commits that brought commits which touched the folder."""
        merges = [line for line in block if len(line) > 2]
        if not merges:
            return set()
        span = (block[0][0], *(f"^{end}" for end in (*block[-1][1:2], *without)))
        on_line = {line[0] for line in block}
        touched = {line[0] for line in self._git.rev_list("--full-history", *span, paths=[self._folder])}
        if touched <= on_line:
            return set()
        parents = {commit: rest for commit, *rest in self._git.rev_list("--parents", *span)}
        seen, bringing = set(on_line), set()
        for commit, _, *sides in reversed(merges):
            while sides:
                side = sides.pop()
                if side in parents and side not in seen:
                    seen.add(side)
                    sides += parents[side]
                    if side in touched:
                        bringing.add(commit)
        return bringing

    def _sides(
        self, parents: Sequence[str], followed: str, merge: str, without: tuple[str, ...]
    ) -> Iterator[_Side]:
        """Yields the parents that are not followed and changed the folder since they parted from it.

        A change that the followed side made as well, as after a rebase, is in the history once, on that side.
        """
        for other in parents:
            if other == followed:
                continue
            span = (f"{followed}...{other}", *(f"^{end}" for end in without))
            options = ("--right-only", "--cherry-pick", "--full-history")
            own = {line[0] for line in self._git.rev_list(*options, *span, paths=[self._folder])}
            if own:
                fork = self._git.merge_base(followed, other)
                yield _Side(
                    other,
                    (*without, followed),
                    own,
                    is_left_behind=not self._is_same(other, merge) and not self._is_same(fork, other),
                    is_only_story=self._is_same(fork, followed),
                )
            without = (*without, other)

    def _beside(self, sides: Iterable[_Side]) -> Iterator[LoggedCommit]:
        """Yields the commits of these sides, unless a person overruled them.

        Nobody did where the side has the merge's content, where its changes since the fork cancel out, or
        where the followed side has nothing to put in their place.
        """
        for side in sides:
            if side.is_left_behind and not side.is_only_story:
                continue
            for entry in self.until(side.tip, side.without):
                if entry.commit in side.own or len(entry.parents) > 1:
                    yield entry

    def _is_same(self, one: str | None, other: str) -> bool:
        folder = self._folder.rstrip("/")
        there = self._git.entry(one, folder) if one else None
        return there is not None and there == self._git.entry(other, folder)
