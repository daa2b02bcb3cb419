"""What somebody wrote into files of the tool's, so that whoever takes it back is not named for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rollout.ports import LoggedCommit, StateStore

Lines = dict[bytes, int]
"""Line of a file -> how many of it came (above zero) or went. The order of lines does not count."""
_THERE = b"\0"
"""Stands for the file itself, which no line of a state file is."""


class Forgeries:
    """The changes of files that did not follow from the commit before."""

    def __init__(self, store: StateStore, train: str) -> None:
        self._store = store
        self._train = train
        self._found: dict[str, list[Lines]] = {}

    def add(self, entry: LoggedCommit, paths: Iterable[str]) -> None:
        """Remembers what the commit made of these files."""
        for path in paths:
            if path in entry.paths:
                self._found.setdefault(path, []).append(self._change(entry, path))

    def is_undone_by(self, entry: LoggedCommit, path: str) -> bool:
        """Returns whether the commit takes one of them back, or the newest few of them together."""
        known = self._found.get(path)
        if not known or path not in entry.paths:
            return False
        undone = {line: -number for line, number in self._change(entry, path).items()}
        return undone in known or undone in _together(known)

    def _change(self, entry: LoggedCommit, path: str) -> Lines:
        before = self._lines(path, entry.parent) if entry.parent else Counter()
        after = self._lines(path, entry.commit)
        after.subtract(before)
        return {line: number for line, number in after.items() if number}

    def _lines(self, path: str, commit: str) -> Counter[bytes]:
        text = self._store.text(self._train, path, commit)
        return Counter() if text is None else Counter([_THERE, *text.splitlines()])


def _together(changes: list[Lines]) -> Iterable[Lines]:
    total: Counter[bytes] = Counter()
    for change in reversed(changes):
        total.update(change)
        yield {line: number for line, number in total.items() if number}
