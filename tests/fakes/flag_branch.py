"""A branch in memory: files, compare-and-swap, pull requests, and people who are faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage
from rollout.errors import HeadMovedError, RolloutError
from rollout.ports import BranchFile, FlagProposal
from tests.fakes.writes import Writes


class FakeFlagBranch:
    """Fills the `FlagBranch` port."""

    name = "main"
    pulls: list[PullRequest]
    contents: dict[str, tuple[str, bytes]]
    """Branch of a pull request -> path and content that it brings."""

    def __init__(self, files: Mapping[str, bytes] | None = None, *, counted: Writes | None = None) -> None:
        self.files = dict(files or {})
        self.writes = counted or Writes()
        self.messages: list[CommitMessage] = []
        self.pulls, self.contents = [], {}
        self.refusal: RolloutError | None = None
        """What each write raises."""
        self.lag = 0
        """How many readings after a write still show what was there before."""
        self._shown: dict[str, bytes] | None = None
        self._before_write: list[Callable[[], object]] = []

    def copy(self, counted: Writes) -> FakeFlagBranch:
        other = FakeFlagBranch(self.files, counted=counted)
        other.messages, other.refusal, other.lag = list(self.messages), self.refusal, self.lag
        other.pulls, other.contents = list(self.pulls), dict(self.contents)
        return other

    def interfere(self, act: Callable[[], object]) -> None:
        """Somebody else acts right before the next write."""
        self._before_write.append(act)

    def edit(self, path: str, content: bytes) -> None:
        """Somebody else commits that file."""
        self.files[path] = content
        self.messages.append(CommitMessage(subject=f"edit {path}", body=""))

    def file(self, path: str, *, on: str | None = None) -> BranchFile | None:
        if on is not None:
            there, content = self.contents[on]
            return BranchFile(on, content if path == there else None)
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

    # --- pull requests -----------------------------------------------------------------------------------

    def open_proposals(self, prefix: str) -> list[PullRequest]:
        return [pull for pull in self.open_pulls() if pull.head.startswith(prefix)]

    def open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.pulls if pull.state is PullRequestState.OPEN]

    def proposed(self, branch: str) -> PullRequest | None:
        return next((pull for pull in reversed(self.pulls) if pull.head == branch), None)

    def propose(self, new: FlagProposal, *, at: datetime) -> PullRequest:
        with self.writes.write(f"propose {new.branch}"):
            self.contents[new.branch] = new.path, new.content
            found = self.proposed(new.branch)
            if found is not None and found.state is PullRequestState.OPEN:
                return found
            self.pulls.append(
                PullRequest(
                    number=len(self.pulls) + 1,
                    kind=PullRequestKind.APPLY,
                    title=new.message.subject,
                    head=new.branch,
                    base=self.name,
                    state=PullRequestState.OPEN,
                    body=new.body,
                    head_sha="",
                    base_sha=new.parent,
                )
            )
            return self.pulls[-1]

    def close(self, pull: PullRequest, reason: str, *, at: datetime) -> None:
        if self.refusal is not None:
            raise self.refusal
        with self.writes.write(f"close {pull.head}"):
            self._end(pull, PullRequestState.CLOSED)

    def merge(self) -> None:
        """A person merges the open pull request."""
        (pull,) = self.open_pulls()
        self.edit(*self.contents[pull.head])
        self._end(pull, PullRequestState.MERGED)

    def reject(self) -> None:
        """A person closes it."""
        (pull,) = self.open_pulls()
        self._end(pull, PullRequestState.CLOSED)

    def _end(self, pull: PullRequest, state: PullRequestState) -> None:
        self.pulls = [replace(each, state=state) if each == pull else each for each in self.pulls]

    @property
    def _tip(self) -> str:
        return f"{len(self.messages):040x}"
