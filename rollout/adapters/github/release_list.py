"""The Releases port over GitHub: a page at a time, and nothing sent again that is unchanged."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pydantic import Field

from rollout.adapters.channel_files import is_choosable
from rollout.adapters.github.api import PAGE, Api, Document, parsed
from rollout.core.state.release_cache import ReleasePage, ReleaseRecord

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,200}"')


class _Release(Document):
    tag: str = Field(alias="tag_name")
    prerelease: bool
    draft: bool


class _Releases(Document):
    releases: tuple[_Release, ...]


class GitHubReleases:
    """Releases of the repository that the product lives in; its drafts for those who may write there."""

    def __init__(self, api: Api, product: Callable[[], str]) -> None:
        """`product` tells `owner/name`; it is asked when needed."""
        self._api = api
        self._product = product

    @property
    def source(self) -> str:
        """The list's address."""
        return f"{self._api.address.api_url}{self._path}"

    @property
    def _path(self) -> str:
        return f"/repos/{self._product()}/releases"

    def page(self, number: int, etag: str) -> ReleasePage | None:
        """That page, from 1 on; None when it is still the one that had this etag. Raises OutsideError."""
        # It comes from a file that anybody may have written, and goes into a header.
        known = etag if _ETAG.fullmatch(etag) else ""
        query = {"per_page": PAGE, "page": number}

        def ask() -> ReleasePage | None:
            answer = self._api.changed(self._path, query, known)
            return None if answer is None else _page(*answer)

        return self._api.attempt(f"looking up page {number} of the releases of {self._product()}", ask)


def _page(headers: Mapping[str, str], document: object) -> ReleasePage:
    found = parsed(_Releases, {"releases": document}).releases
    etag = headers.get("etag", "")
    return ReleasePage(
        etag=etag if _ETAG.fullmatch(etag) else "",
        entries=len(found),
        leads_on='rel="next"' in headers.get("link", ""),
        releases=tuple(
            ReleaseRecord(tag=each.tag, prerelease=each.prerelease, draft=each.draft)
            for each in found
            if is_choosable(each.tag)
        ),
    )
