"""The product's branch in memory: files, compare-and-swap, and people who are faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from rollout.core.state import CommitMessage
from rollout.errors import HeadMovedError, RolloutError
from rollout.ports import BranchFile
from tests.fakes.writes import Writes


class FakeProductBranch:
    """Fills the `ProductBranch` port."""

    name = "main"

    def __init__(self, files: Mapping[str, bytes] | None = None, *, counted: Writes | None = None) -> None:
        self.files = dict(files or {})
        self.writes = counted or Writes()
        self.messages: list[CommitMessage] = []
        self.refusal: RolloutError | None = None
        """What each write raises."""
        self.lag = 0
        """How many readings after a write still show what was there before."""
        self._shown: dict[str, bytes] | None = None
        self._before_write: list[Callable[[], object]] = []

    def copy(self, counted: Writes) -> FakeProductBranch:
        other = FakeProductBranch(self.files, counted=counted)
        other.messages, other.refusal, other.lag = list(self.messages), self.refusal, self.lag
        return other

    def interfere(self, act: Callable[[], object]) -> None:
        """Somebody else acts right before the next write."""
        self._before_write.append(act)

    def edit(self, path: str, content: bytes) -> None:
        """Somebody else commits that file."""
        self.files[path] = content
        self.messages.append(CommitMessage(subject=f"edit {path}", body=""))

    def file(self, path: str) -> BranchFile | None:
        shown, self.lag = (self._shown, self.lag - 1) if self._shown and self.lag else (None, self.lag)
        return BranchFile(self._tip, (shown or self.files).get(path))

    def write(self, path: str, content: bytes, message: CommitMessage, *, parent: str, at: datetime) -> str:
        if self._before_write:
            self._before_write.pop()()
        if self.refusal is not None:
            raise self.refusal
        with self.writes.write("write on main"):
            if parent != self._tip:
                raise HeadMovedError(f"main is at {self._tip}, not at {parent}")
            self._shown, self.files = self.files, {**self.files, path: content}
            self.messages.append(message)
            return self._tip

    @property
    def _tip(self) -> str:
        return f"{len(self.messages):040x}"
