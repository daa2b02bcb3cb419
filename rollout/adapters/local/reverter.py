"""The Reverter port in this very repository: the product's branch is one of its branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rollout.adapters.git import Git, TreeEntry, branch_move
from rollout.adapters.git.revert import ReleaseRevert, fact_of, refuse_unless_clean
from rollout.adapters.git.scratch import hand_over, scratch
from rollout.adapters.local.forge import LocalForge
from rollout.core.files import StatePaths
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage, Release, RevertFact, RevertOutcome
from rollout.errors import HeadMovedError, RefusedError

_ATTEMPTS = 8


class LocalReverter:
    """Reverts on `branch`; nothing that anybody can see changes before the branch or pull request does."""

    def __init__(
        self,
        git: Git,
        forge: LocalForge,
        branch: Callable[[], str],
        state: Callable[[], StatePaths] = StatePaths,
    ) -> None:
        """`branch` gives the name of the product's branch, and `state` what is state there."""
        self._git = git
        self._forge = forge
        self._branch_name = branch
        self._state = state

    def tip(self) -> str | None:
        return self._git.tip(self._branch_name())

    def unchanged_since(self, commit: str) -> bool:
        tip = self.tip()
        if tip is None or self._git.resolve(commit) is None:
            return False
        if self._beside_state(commit) == self._beside_state(tip):
            return True  # the usual answer, and it saves a process
        return all(map(self._state().holds, self._git.changed_paths(commit, tip)))

    def _beside_state(self, commit: str) -> dict[str, TreeEntry]:
        """Returns the commit's top folder, without the folder of state."""
        state, entries = self._state().folder, self._git.tree(f"{commit}^{{tree}}")
        return {name: entry for name, entry in entries.items() if name != state or not entry.is_folder}

    def preview(
        self, release: Release, *, merged: str | None = None, recorded: str | None = None
    ) -> RevertFact:
        """Computes the revert in a scratch repository. Raises OutsideError."""
        tip = self.tip()
        if tip is None:
            return fact_of(RevertOutcome.MISSING, self._no_branch())
        with self._reverting(release) as (_, reverting):
            return reverting.work_out(tip, merged, recorded)

    def propose(
        self, release: Release, branch: str, message: CommitMessage, body: str, *, at: datetime
    ) -> PullRequest:
        """Implements the port. A branch that was left without a pull request is made anew."""
        found = self.proposed(branch)
        if found is not None and found.state is not PullRequestState.CLOSED:
            return found
        tip = self._known_tip()
        with self._reverting(release) as (work, reverting):
            refuse_unless_clean(reverting.work_out(tip))
            commit = reverting.commit(tip, message, at)
            hand_over(commit, work, self._git, known=tip)
        pull = PullRequest(
            number=0,
            kind=PullRequestKind.REVERT,
            title=message.subject,
            head=branch,
            base=self._branch_name(),
            state=PullRequestState.OPEN,
            body=body,
            head_sha="",
            base_sha=tip,
        )
        return self._forge.open_from(pull, lambda: commit, at=at)

    def push(self, release: Release, message: CommitMessage, *, at: datetime) -> str:
        """Implements the port. Computes the revert again when somebody else moves the branch meanwhile."""
        for attempt in range(1, _ATTEMPTS + 1):
            tip = self._known_tip()
            try:
                return self._push(release, message, tip, at)
            except HeadMovedError:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable: the loop returns or raises")

    def _push(self, release: Release, message: CommitMessage, tip: str, at: datetime) -> str:
        with self._reverting(release) as (work, reverting):
            fact = reverting.work_out(tip)
            if fact.outcome is RevertOutcome.NOTHING:
                return tip
            refuse_unless_clean(fact)
            commit = reverting.commit(tip, message, at)
            hand_over(commit, work, self._git, known=tip)
        paths = self._git.changed_paths(tip, commit)
        return branch_move.advance(self._git, self._branch_name(), lambda: commit, old=tip, paths=paths)

    def proposed(self, branch: str) -> PullRequest | None:
        return self._forge.pull_request(branch)

    def is_free_of(self, commit: str, release: Release, recorded: str | None = None) -> bool:
        with self._reverting(release) as (_, reverting):
            return reverting.is_free(commit, recorded)

    @contextmanager
    def _reverting(self, release: Release) -> Iterator[tuple[Git, ReleaseRevert]]:
        with scratch(beside=self._git) as work:
            yield work, ReleaseRevert(work, release, self._state())

    def _known_tip(self) -> str:
        tip = self.tip()
        if tip is None:
            raise RefusedError(
                self._no_branch(), hint="name the product's branch in the contract: product.branch"
            )
        return tip

    def _no_branch(self) -> str:
        return f"there is no branch {self._branch_name()}, which the contract says the product is on"
