"""A forge in memory: pull requests against the state branch, statuses, checks, a reviewer and CI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from rollout.core.forge import CheckRun, PullRequest, PullRequestState, StatusState
from rollout.core.state import CommitMessage
from rollout.errors import OutsideError, RefusedError
from rollout.ports import CheckedCommit, ChecksBefore, HeadChanges, NewPullRequest
from tests.fakes.store import FakeStore, files_of
from tests.fakes.writes import Writes


class FakeForge:
    """Fills the `Forge` port."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.pulls: list[PullRequest] = []
        self.branches: dict[str, str] = {}
        self.comments: list[tuple[int, str]] = []
        self.shown: dict[str, dict[str, tuple[StatusState, str]]] = {}
        self.checks: dict[str, list[CheckRun]] = {}
        self.history: list[str] = []
        """The commits that the product's branch went through, oldest first."""
        self.closed: dict[str, list[datetime]] = {}
        """Branch -> when somebody else closed its pull requests."""
        self.is_down = False
        """Nothing can be asked of CI."""
        self._trains: dict[int, str] = {}

    def copy(self, store: FakeStore) -> FakeForge:
        """The same forge over a copy of the store, from here on apart."""
        other = copy(self)
        other.store = store
        other.branches = dict(self.branches)
        other.pulls, other.comments = list(self.pulls), list(self.comments)
        other.history = list(self.history)
        other.closed = {branch: list(times) for branch, times in self.closed.items()}
        other.shown = {commit: dict(contexts) for commit, contexts in self.shown.items()}
        other.checks = {commit: list(runs) for commit, runs in self.checks.items()}
        other._trains = dict(self._trains)
        return other

    @property
    def _writes(self) -> Writes:
        return self.store.writes

    # --- the port ----------------------------------------------------------------------------------------

    def pull_request(self, head: str) -> PullRequest | None:
        return next((pull for pull in reversed(self.pulls) if pull.head == head), None)

    def pull_requests(self, prefix: str) -> list[PullRequest]:
        return [pull for pull in self.pulls if pull.head.startswith(prefix)]

    def closings(self, branch: str) -> list[datetime]:
        return self.closed.get(branch, [])

    def changes(self, train: str, pull: PullRequest) -> HeadChanges:
        paths = self.store.changed(pull.base_sha, pull.head_sha)
        return HeadChanges(paths, self.store.desired(train, pull.head_sha))

    def open_pull_request(self, new: NewPullRequest, *, at: datetime) -> PullRequest:
        branch = new.branch
        known = self._open_from(branch)
        if known is not None:
            return known
        with self._writes.write(f"branch {branch}"):
            files = files_of(new.change)
            self.branches[branch] = self.store.make_commit(
                new.train, files, new.message, parents=(new.parent,), at=at
            )
        with self._writes.write(f"open {branch}"):
            known = self._open_from(branch)
            if known is not None:
                return known
            pull = PullRequest(
                number=len(self.pulls) + 1,
                kind=new.kind,
                title=new.title,
                head=branch,
                base="main",
                state=PullRequestState.OPEN,
                body=new.body,
                head_sha=self.branches[branch],
                base_sha=new.parent,
            )
            self.pulls.append(pull)
            self._trains[pull.number] = new.train
        return pull

    def _open_from(self, branch: str) -> PullRequest | None:
        """Forges refuse a second open pull request from one branch."""
        known = self.pull_request(branch)
        return known if known is not None and known.state is PullRequestState.OPEN else None

    def update_pull_request(self, number: int, body: str, *, at: datetime) -> None:
        with self._writes.write(f"update {number}"):
            self._change(number, body=body)

    def close_pull_request(self, number: int, comment: str, *, at: datetime) -> None:
        with self._writes.write(f"close {number}"):
            self.comments.append((number, comment))
            self._change(number, state=PullRequestState.CLOSED)
            self.branches.pop(self._find(number).head, None)

    def statuses(self, commit: str) -> Mapping[str, tuple[StatusState, str]]:
        return self.shown.get(commit, {})

    def set_status(
        self, commit: str, context: str, state: StatusState, description: str, *, at: datetime
    ) -> None:
        with self._writes.write(f"status {commit} {state}"):
            self.shown.setdefault(commit, {})[context] = (state, description)

    def check_runs(
        self, commit: str, wanted: Sequence[str] = (), before: ChecksBefore | None = None
    ) -> list[CheckRun]:
        if self.is_down:
            raise OutsideError("the forge is down")
        return list(self.checks.get(commit, ()))

    def newest_commits(
        self,
        branch: str,
        until: str | None = None,
        wanted: Sequence[str] = (),
        before: ChecksBefore | None = None,
    ) -> Iterator[CheckedCommit]:
        for commit in takewhile(lambda one: one != until, reversed(self.history)):
            yield CheckedCommit(commit, self.check_runs(commit))

    def changed_paths(self, commit: str) -> Sequence[str]:
        return ("src/main.rs",)

    # --- the reviewer and CI -----------------------------------------------------------------------------

    def open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.pulls if pull.state is PullRequestState.OPEN]

    def merge(self, number: int, *, at: datetime, squash: bool = False) -> str:
        """Merge, whatever its status says. Raises RefusedError for a conflict, or when it is not open."""
        pull = self._find(number)
        if pull.state is not PullRequestState.OPEN:
            raise RefusedError(f"pull request {number} is {pull.state}")
        message = CommitMessage(subject=f"Merge pull request #{number} from {pull.head}", body=pull.title)
        commit = self.store.merge(self._trains[number], pull.head_sha, message, squash=squash, at=at)
        self._change(number, state=PullRequestState.MERGED, merged_at=at)
        del self.branches[pull.head]
        return commit

    def close(self, number: int, *, at: datetime) -> None:
        """Somebody closes it without a merge, and a bot's branch goes with it."""
        self._change(number, state=PullRequestState.CLOSED)
        branch = self._find(number).head
        self.closed.setdefault(branch, []).append(at)
        self.branches.pop(branch, None)

    def conclude(self, commit: str, name: str, conclusion: str | None, *, at: datetime) -> None:
        """One more attempt of a check ends so; None: it still runs."""
        status = "completed" if conclusion else "in_progress"
        number = sum(len(runs) for runs in self.checks.values()) + 1
        self.checks.setdefault(commit, []).append(CheckRun(name, status, conclusion, at, number))

    def _find(self, number: int) -> PullRequest:
        return self.pulls[number - 1]

    def _change(self, number: int, **changes: object) -> None:
        self.pulls[number - 1] = replace(self._find(number), **changes)  # type: ignore[arg-type]
