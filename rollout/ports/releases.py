"""The product's releases, as they are published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rollout.core.state.release_cache import ReleasePage

FULL_PAGE = 100
"""Entries of a page that another may follow."""


class Releases(Protocol):
    """The list of the product's releases, page by page."""

    @property
    def source(self) -> str:
        """Which list it is. A cache of one list says nothing about another."""

    def page(self, number: int, etag: str) -> ReleasePage | None:
        """That page, from 1 on; None when it is still the one that had this etag. Raises OutsideError."""
