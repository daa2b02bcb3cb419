"""The commits that led to a folder's present content, across merges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from rollout.adapters.git import Git
from rollout.adapters.git.formats import LogEntry

_EVENT = "Rollout-Event"
"""The trailer of the tool's commits. The history has such a merge without the commits that it brought."""
_AT_A_TIME = 500

Line = tuple[str, ...]
"""A commit, then its parents."""


class Story:
    """One folder's history.

    It follows first parents, as `git log --first-parent` does. A merge that has another parent's content is
    followed by that parent's commits. The history includes what the other parents did since the fork, unless
    a person overruled it in the merge.
    """

    def __init__(self, git: Git, folder: str) -> None:
        """`folder` ends with a slash."""
        self._git = git
        self._folder = folder

    def until(self, tip: str, without: tuple[str, ...]) -> Iterator[LogEntry]:
        """The commits up to `tip`, newest first, except those that `without` holds."""
        line: str | None = tip
        while line is not None:
            found, line = self._line(line, without), None
            for entry, parents in found:
                if entry is None:
                    yield from self._beside(parents, parents[0], parents[0], without)
                    continue
                yield entry
                others = parents[1:] if _EVENT not in entry.trailers else ()
                line = next((other for other in others if self._is_same(other, entry.commit)), None)
                if line is not None:
                    yield from self._beside(parents, line, entry.commit, without)
                    break
                for number, other in enumerate(others, start=1):
                    yield from self.until(other, (*without, *parents[:number]))

    def _line(self, tip: str, without: tuple[str, ...]) -> Iterator[tuple[LogEntry | None, tuple[str, ...]]]:
        """Yields the first-parent commits that changed the folder, with their parents.

        Git does not list a merge that has its first parent's content. Where such a merge brought commits that
        touched the folder, yields None with its parents.
        """
        entries = self._git.log(tip, [self._folder], since=without)
        lines = self._git.first_parents(tip, without)
        entry = next(entries, None)
        while block := list(islice(lines, _AT_A_TIME)):
            bringing = self._bringing(block, without)
            for commit, *parents in block:
                if entry is not None and entry.commit == commit:
                    yield entry, entry.parents
                    entry = next(entries, None)
                elif commit in bringing:
                    yield None, tuple(parents)

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

    def _beside(
        self, parents: Sequence[str], followed: str, merge: str, without: tuple[str, ...]
    ) -> Iterator[LogEntry]:
        """Yields the commits of the parents that are not followed, unless a person overruled them.

        Nobody did where the parent has the merge's content, or its changes since the fork cancel out. A
        change that the followed side made as well, as after a rebase, is in the history once, on that side.
        """
        for other in parents:
            if other == followed:
                continue
            span = (f"{followed}...{other}", *(f"^{end}" for end in without))
            options = ("--right-only", "--cherry-pick", "--full-history")
            own = {line[0] for line in self._git.rev_list(*options, *span, paths=[self._folder])}
            if own and (self._is_same(other, merge) or self._cancels_out(other, followed)):
                for entry in self.until(other, (*without, followed)):
                    if entry.commit in own or len(entry.parents) > 1:
                        yield entry
            without = (*without, other)

    def _cancels_out(self, side: str, followed: str) -> bool:
        fork = self._git.merge_base(followed, side)
        return fork is not None and self._is_same(fork, side)

    def _is_same(self, one: str, other: str) -> bool:
        folder = self._folder.rstrip("/")
        there = self._git.entry(one, folder)
        return there is not None and there == self._git.entry(other, folder)
