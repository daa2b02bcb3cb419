"""A product's branch in memory, as far as a rollback changes it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage, Release, RevertFact, RevertOutcome
from rollout.errors import OutsideError, RefusedError
from tests.fakes.writes import Writes


@dataclass
class _Branch:
    tip: str
    reverted: bool = False
    taken_back: str | None = None


class FakeReverter:
    """Fills the `Reverter` port. Its `outcome` is what reverting would do; `fails` breaks the next acts."""

    def __init__(self, tip: str = "e" * 40, branch: str = "main", counted: Writes | None = None) -> None:
        """`counted` gives its acts their place among the writes of a whole world."""
        self.branch = branch
        self._counted = counted or Writes()
        self.outcome = RevertOutcome.CLEAN
        self.conflicts: tuple[str, ...] = ()
        self.workflows: tuple[str, ...] = ()
        self.fails: list[str] = []
        """Each act takes one of these and raises OutsideError with it, before it does anything."""
        self.pulls: list[PullRequest] = []
        self.writes: list[str] = []
        """What was done, in its order: `propose BRANCH`, `push`."""
        self._branch = _Branch(tip)
        self.history = [tip]
        """The commits that the branch went through, oldest first."""
        self._free: set[str] = set()
        self._same: set[str] = set()
        """Earlier tips that only state commits lie after."""

    def copy(self, counted: Writes) -> FakeReverter:
        """The same branch, from here on apart."""
        other = copy(self)
        other._counted = counted
        other.pulls, other.writes, other.fails = list(self.pulls), list(self.writes), list(self.fails)
        other._branch, other._free = replace(self._branch), set(self._free)
        other._same, other.history = set(self._same), list(self.history)
        return other

    # --- what happens meanwhile --------------------------------------------------------------------------

    def merge(self, branch: str, *, at: datetime, changed: bool = False) -> str:
        """Somebody merges the pull request; the branch's new tip. `changed`: some of the release is left."""
        index = next(i for i, pull in enumerate(self.pulls) if pull.head == branch)
        tip = self._revert()
        self._branch.reverted = not changed
        merged = PullRequestState.MERGED
        self.pulls[index] = replace(self.pulls[index], state=merged, merged_at=at, merged_as=tip)
        return tip

    def take_back(self, tip: str) -> None:
        """Somebody reverts the revert."""
        self._branch = _Branch(tip, taken_back=tip)

    def close(self, branch: str) -> None:
        """Somebody closes the pull request without merging it."""
        index = next(i for i, pull in enumerate(self.pulls) if pull.head == branch)
        self.pulls[index] = replace(self.pulls[index], state=PullRequestState.CLOSED)

    def release(self, tip: str) -> None:
        """Somebody merges another release, which nobody has reverted yet."""
        self._branch = _Branch(tip)
        self.history.append(tip)

    def move(self, tip: str, *, by_state: bool = False) -> None:
        """Somebody else commits to the product's branch, or a state commit moves it."""
        self._same = {*self._same, self._branch.tip} if by_state else set()
        self._branch.tip = tip
        self.history.append(tip)
        if self._branch.reverted:
            self._free.add(tip)

    def frees(self, commit: str) -> None:
        """That commit lacks what the release brought."""
        self._free.add(commit)

    # --- the port ----------------------------------------------------------------------------------------

    def tip(self) -> str | None:
        return self._branch.tip

    def unchanged_since(self, commit: str) -> bool:
        return commit == self._branch.tip or commit in self._same

    def preview(
        self, release: Release, *, merged: str | None = None, recorded: str | None = None
    ) -> RevertFact:
        outcome = RevertOutcome.NOTHING if self._branch.reverted else self.outcome
        commits = (release.commit,) if outcome in (RevertOutcome.CLEAN, RevertOutcome.CONFLICT) else ()
        paths = {RevertOutcome.CLEAN: self.workflows, RevertOutcome.CONFLICT: self.conflicts}
        return RevertFact(
            outcome=outcome,
            tip=self._branch.tip,
            commits=commits,
            total=len(commits),
            paths=paths.get(outcome, ()),
            workflows=outcome is RevertOutcome.CLEAN and bool(self.workflows),
            detail=outcome.value,
            merged=None if self._branch.reverted else merged,
            taken_back=self._branch.taken_back,
        )

    def propose(
        self, release: Release, branch: str, message: CommitMessage, body: str, *, at: datetime
    ) -> PullRequest:
        found = self.proposed(branch)
        if found is not None and found.state is not PullRequestState.CLOSED:
            return found
        self._check(release)
        pull = PullRequest(
            number=len(self.pulls) + 1,
            kind=PullRequestKind.REVERT,
            title=message.subject,
            head=branch,
            base=self.branch,
            state=PullRequestState.OPEN,
            body=body,
            head_sha="f" * 40,
            base_sha=self._branch.tip,
        )
        with self._counted.write(f"propose {branch}"):
            # Forges refuse a second open pull request from one branch.
            found = self.proposed(branch)
            if found is not None and found.state is not PullRequestState.CLOSED:
                return found
            self.pulls.append(pull)
            self.writes.append(f"propose {branch}")
        return pull

    def push(self, release: Release, message: CommitMessage, *, at: datetime) -> str:
        if self._branch.reverted:
            return self._branch.tip
        self._check(release)
        with self._counted.write("push the revert"):
            self.writes.append("push")
            return self._revert()

    def proposed(self, branch: str) -> PullRequest | None:
        return next((pull for pull in reversed(self.pulls) if pull.head == branch), None)

    def is_free_of(self, commit: str, release: Release, recorded: str | None = None) -> bool:
        return commit in self._free

    # --- within ------------------------------------------------------------------------------------------

    def _check(self, release: Release) -> None:
        if self.fails:
            raise OutsideError(self.fails.pop(0), hint="try again")
        preview = self.preview(release)
        if preview.outcome is not RevertOutcome.CLEAN:
            raise RefusedError(f"cannot be reverted: {preview.outcome}", hint=preview.detail)

    def _revert(self) -> str:
        self._branch, self._same = _Branch("d" * 40, reverted=True), set()
        self.history.append(self._branch.tip)
        self._free.add(self._branch.tip)
        return self._branch.tip
