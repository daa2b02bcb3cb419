"""The History port in this very repository."""

from __future__ import annotations

from collections.abc import Callable

from rollout.adapters.git import Git
from rollout.adapters.git.history import BranchHistory
from rollout.core.files import StatePaths
from rollout.core.state import ReleaseRange
from rollout.errors import InputError
from rollout.ports import Place


class LocalHistory:
    """The product's branch is one of the repository's branches, read anew for each question."""

    def __init__(
        self, git: Git, branch: Callable[[], str], state: Callable[[], StatePaths] = StatePaths
    ) -> None:
        """`branch` gives the name of the product's branch, and `state` what is state there."""
        self._git = git
        self._branch_name = branch
        self._state = state

    @property
    def branch(self) -> str:
        return self._branch_name()

    @property
    def cut_off(self) -> bool:
        return self._found.cut_off

    def newest(self) -> str | None:
        return self._found.newest()

    def place(self, commit: str) -> Place:
        return self._found.place(commit)

    def tagged(self, version: str) -> str | None:
        return self._found.tagged(version)

    def versions_at(self, commit: str) -> tuple[str, ...]:
        return self._found.versions_at(commit)

    def fork(self, base: str, commit: str) -> str | None:
        return self._found.fork(base, commit)

    def commits(self, base: str | None, commit: str) -> ReleaseRange:
        return self._found.commits(base, commit)

    @property
    def _found(self) -> BranchHistory:
        tip = self._git.tip(self.branch)
        if tip is None:
            raise InputError(
                f"there is no branch {self.branch}, which the contract says the product is on",
                hint="name the product's branch in the contract: product.branch",
            )
        return BranchHistory(self._git, tip, self._state())
