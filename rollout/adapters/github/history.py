"""The History port on GitHub: the product's branch, fetched with its history and without its files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from rollout.adapters.git.history import BranchHistory
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.product_clone import ProductClone
from rollout.core.files import StatePaths
from rollout.core.state import ReleaseRange
from rollout.core.versions import in_order
from rollout.errors import InputError
from rollout.ports import Place


class GitHubHistory:
    """The product's branch and tags, as one command sees them."""

    def __init__(
        self, listing: Listing, state: Callable[[], StatePaths], clone: Callable[[str], ProductClone]
    ) -> None:
        """`state` is what is state on the branch, and `clone` makes the clone of the repository of that
        name.
        """
        self._listing = listing
        self._state = state
        self._make_clone = clone

    @property
    def branch(self) -> str:
        return f"{self._listing.product_branch} of {self._listing.product}"

    @property
    def cut_off(self) -> bool:
        return self._found.cut_off

    def newest(self) -> str | None:
        return self._found.newest()

    def place(self, commit: str) -> Place:
        found = self._found
        return found.place(commit) if self._clone.fetch_commit(commit) else Place.MISSING

    def tagged(self, version: str) -> str | None:
        return self._clone.tagged(version)

    def versions_at(self, commit: str) -> tuple[str, ...]:
        return in_order(self._clone.tags_at(commit))

    def fork(self, base: str, commit: str) -> str | None:
        return self._found.fork(base, commit)

    def commits(self, base: str | None, commit: str) -> ReleaseRange:
        return self._found.commits(base, commit)

    @cached_property
    def _clone(self) -> ProductClone:
        return self._make_clone(self._listing.product)

    @cached_property
    def _found(self) -> BranchHistory:
        tip = self._clone.fetch(self._listing.product_branch)
        if tip is None:
            raise InputError(
                f"there is no branch {self.branch}, where the contract says the product is",
                hint="name the product's branch in the contract: product.branch",
            )
        return BranchHistory(self._clone.git, tip, self._state())
