"""The adapters of a train in a clone: the local forge, and the product beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from rollout.adapters.git import Git
from rollout.adapters.local.forge import LocalForge
from rollout.core.files import StatePaths

if TYPE_CHECKING:
    from rollout.adapters.local.evidence import LocalEvidence
    from rollout.adapters.local.flag_branch import LocalFlagBranch
    from rollout.adapters.local.history import LocalHistory
    from rollout.adapters.local.issues import LocalIssues
    from rollout.adapters.local.reverter import LocalReverter
    from rollout.adapters.rehearsal import ScratchCopy
    from rollout.ports import Releases
    from rollout.rendering.signoff_issue import Pages


class Local:
    """Each adapter is made when it is first asked for."""

    pushes_workflows = True

    def __init__(
        self,
        git: Git,
        branch: Callable[[], str],
        product_branch: Callable[[], str],
        state: Callable[[], StatePaths] = StatePaths,
    ) -> None:
        """`branch` carries state; `state` is what is state on the product's branch."""
        self.git = git
        self._branch = branch
        self._product_branch = product_branch
        self._state = state

    @cached_property
    def forge(self) -> LocalForge:
        return LocalForge(self.git, self._branch())

    @cached_property
    def issues(self) -> LocalIssues:
        from rollout.adapters.local.issues import LocalIssues

        return LocalIssues(self.git)

    @cached_property
    def reverter(self) -> LocalReverter:
        from rollout.adapters.local.reverter import LocalReverter

        return LocalReverter(self.git, self.forge, self._product_branch, self._state)

    @cached_property
    def product_branch(self) -> LocalFlagBranch:
        from rollout.adapters.local.flag_branch import LocalFlagBranch

        return LocalFlagBranch(self.git, self.forge, self._product_branch)

    @cached_property
    def state_branch(self) -> LocalFlagBranch:
        from rollout.adapters.local.flag_branch import LocalFlagBranch

        return LocalFlagBranch(self.git, self.forge, self._branch)

    @cached_property
    def history(self) -> LocalHistory:
        from rollout.adapters.local.history import LocalHistory

        return LocalHistory(self.git, self._product_branch, self._state)

    @cached_property
    def evidence(self) -> LocalEvidence:
        from rollout.adapters.local.evidence import LocalEvidence

        return LocalEvidence(self.git)

    @property
    def releases(self) -> Releases:
        from rollout.adapters.channel_files import TagReleases

        return TagReleases(self.git.tags)

    def pages(self) -> Pages:
        from rollout.rendering.signoff_issue import Pages

        return Pages()

    @contextmanager
    def scratch_copy(self) -> Iterator[ScratchCopy]:
        """Yields copies of state and product, for as long as a rehearsal lasts."""
        from rollout.adapters.rehearsal import local_copy

        with local_copy(self.git, self._branch(), self._product_branch()) as copy:
            yield copy

    def silent_schedule(self) -> str:
        return ""
