"""The product's releases, as they are published; of a product that publishes none, its tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.core.state.release_cache import ReleasePage

FULL_PAGE = 100
"""Entries of a page that another may follow."""


class Releases(Protocol):
    """The list of the product's releases, page by page."""

    @property
    def source(self) -> str:
        """Which list it is. A cache of one list says nothing about another."""

    def page(self, number: int, etag: str) -> ReleasePage | None:
        """Returns that page, from 1 on; None when it is still the one that had this etag.
        Raises OutsideError.
        """

    def tags_of(self, version: str) -> Sequence[str]:
        """Returns the tags, `v1.2.3` and `1.2.3`, by which that one version is published, or that lead to a
        commit.

        A draft is not published yet. Raises OutsideError.
        """
