"""The Reverter port on GitHub: the product's branch, in this repository or another one.

A revert is worked out in a scratch clone and pushed; the branch's name finds what an earlier run has left.
Its pull request gets no label: that would be one more act before which a run can be killed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from urllib.parse import quote

from rollout.adapters.git.revert import ReleaseRevert, fact_of, refuse_unless_clean
from rollout.adapters.github.answers import RefusedByGitHubError, parsed
from rollout.adapters.github.api import Api
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.opening import open_pull
from rollout.adapters.github.product_clone import ProductClone
from rollout.adapters.github.pull_requests import newest_pull, shown_pull
from rollout.core.files import StatePaths
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage, Release, RevertFact, RevertOutcome
from rollout.errors import HeadMovedError, RefusedError

_ATTEMPTS = 5


class GitHubReverter:
    """Reverts on the product's branch, as one command sees it."""

    def __init__(
        self,
        api: Api,
        listing: Listing,
        clone: Callable[[str], ProductClone],
        state: Callable[[], StatePaths] = StatePaths,
    ) -> None:
        """`clone` makes the clone of the repository of that name; `state` is what is state on the branch."""
        self._api = api
        self._listing = listing
        self._make_clone = clone
        self._state = state
        self._proposed: dict[str, PullRequest | None] = {}
        """Branch -> its newest pull request, as this run knows it."""
        self._opened: dict[str, PullRequest] = {}
        """Branch -> the one that this run has opened."""

    def tip(self) -> str | None:
        """Returns it from the query that lists pull requests where that was made; else makes a request."""
        return self._listing.product_tip() or self._ask_tip()

    def unchanged_since(self, commit: str) -> bool:
        """Reads it from the query that lists pull requests if that is still to be made; else from a clone."""
        state = self._state()
        told = self._listing.product_unchanged_since(commit, but=state.roots)
        if told or (told is not None and not any("/" in path for path in state.files)):
            return told  # of what lies below a folder the listing knows nothing
        tip = self._clone.fetch(self._branch)
        if tip is None or not self._clone.fetch_commit(commit):
            return False
        return all(map(state.holds, self._clone.git.changed_paths(commit, tip)))

    def preview(
        self, release: Release, *, merged: str | None = None, recorded: str | None = None
    ) -> RevertFact:
        """Fetches the product's branch. Raises OutsideError."""
        tip = self._clone.fetch(self._branch)
        if tip is None:
            return fact_of(RevertOutcome.MISSING, self._no_branch())
        return self._reverting(release).work_out(tip, merged, recorded)

    def propose(
        self, release: Release, branch: str, message: CommitMessage, body: str, *, at: datetime
    ) -> PullRequest:
        """Implements the port. A branch without a pull request is kept when it holds the revert, else made
        anew: an earlier run was killed, or a person has resolved what conflicts.
        """
        found = self._opened.get(branch) or self._ask_proposed(branch)
        if found is not None and found.state is not PullRequestState.CLOSED:
            return found
        self._push_branch(release, branch, message, at)
        document = {"title": message.subject, "head": branch, "base": self._branch, "body": body}
        opened = open_pull(
            self._api,
            self._repository,
            PullRequestKind.REVERT,
            document,
            lambda: self._ask_proposed(branch, is_new=True),
        )
        self._proposed[branch] = self._opened[branch] = opened
        return opened

    def push(self, release: Release, message: CommitMessage, *, at: datetime) -> str:
        """Implements the port. Computes the revert again when somebody else moves the branch meanwhile."""
        for attempt in range(1, _ATTEMPTS + 1):
            tip = self._fetched_tip()
            reverting = self._reverting(release)
            fact = reverting.work_out(tip)
            if fact.outcome is RevertOutcome.NOTHING:
                return tip
            refuse_unless_clean(fact)
            commit = reverting.commit(tip, message, at)
            try:
                self._clone.push(commit, self._branch, old=tip)
            except HeadMovedError:
                if attempt == _ATTEMPTS:
                    raise
                continue
            self._api.did(f"revert {commit[:10]} on {self._branch} of {self._repository}")
            self._listing.note_product_tip(commit)
            return commit
        raise AssertionError("unreachable: the loop returns or raises")

    def proposed(self, branch: str) -> PullRequest | None:
        """Returns the newest pull request from that branch, open or not;
        a run asks once, and again when it acts.
        """
        if branch not in self._proposed and self._ask_proposed(branch) is None:
            # A list that lags behind must not have it proposed once more.
            self._ask_proposed(branch, is_new=True)
        return self._proposed[branch]

    def _ask_proposed(self, branch: str, *, is_new: bool = False) -> PullRequest | None:
        compared = {"compareHeads": False, "rollout": ""}
        pull = newest_pull(self._api, self._repository, self._branch, branch, compared, is_new=is_new)
        found = shown_pull(pull, PullRequestKind.REVERT) if pull else None
        self._proposed[branch] = found
        return found

    def is_free_of(self, commit: str, release: Release, recorded: str | None = None) -> bool:
        if self._clone.fetch(self._branch) is None or not self._clone.fetch_commit(commit):
            return False
        return self._reverting(release).is_free(commit, recorded)

    # --- within ------------------------------------------------------------------------------------------

    @property
    def _branch(self) -> str:
        return self._listing.product_branch

    @property
    def _repository(self) -> str:
        return self._listing.product

    @cached_property
    def _clone(self) -> ProductClone:
        return self._make_clone(self._repository)

    def _reverting(self, release: Release) -> ReleaseRevert:
        if release.base is not None:
            # A tag on a branch that the product's branch never merged.
            self._clone.fetch_commit(release.base)
        return ReleaseRevert(self._clone.git, release, self._state())

    def _push_branch(self, release: Release, branch: str, message: CommitMessage, at: datetime) -> None:
        tip, old = self._fetched_tip(), self._clone.fetch(branch)
        reverting = self._reverting(release)
        if old is not None and reverting.work_out(old).outcome is RevertOutcome.NOTHING:
            return
        refuse_unless_clean(reverting.work_out(tip))
        commit = reverting.commit(tip, message, at)
        self._clone.push(commit, branch, old=old)
        self._api.did(f"branch {branch} in {self._repository}")

    def _fetched_tip(self) -> str:
        tip = self._clone.fetch(self._branch)
        if tip is None:
            raise RefusedError(self._no_branch(), hint="name it in the contract, as product.branch")
        return tip

    def _ask_tip(self) -> str | None:
        path = f"/repos/{self._repository}/git/ref/heads/{quote(self._branch)}"

        def ask() -> str | None:
            try:
                return parsed(str, self._api.rest("GET", path), "object", "sha")
            except RefusedByGitHubError as refusal:
                if refusal.status != 404:
                    raise
                return None

        return self._api.attempt(f"reading {self._branch} of {self._repository}", ask)

    def _no_branch(self) -> str:
        return (
            f"there is no branch {self._branch} in {self._repository}, where the contract says the product is"
        )
