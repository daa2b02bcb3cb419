"""The Releases port over GitHub: a page at a time, and nothing sent again that is unchanged.

Where a product publishes no Releases, its tags are the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from rollout.adapters.channel_files import is_choosable, record
from rollout.adapters.github.answers import Document, Name, parsed, within
from rollout.adapters.github.api import PAGE, Api, owner_and_name
from rollout.core.state.release_cache import ReleasePage, ReleaseRecord
from rollout.core.versions import spellings

_VERSION = """query version(
  $owner: String!, $name: String!,
  $written: String!, $other: String!, $writtenRef: String!, $otherRef: String!
) {
  repository(owner: $owner, name: $name) { nameWithOwner
    written: release(tagName: $written) { tagName isDraft }
    other: release(tagName: $other) { tagName isDraft }
    writtenRef: ref(qualifiedName: $writtenRef) { target { ...peeled } }
    otherRef: ref(qualifiedName: $otherRef) { target { ...peeled } }
  }
}
fragment peeled on GitObject {
  __typename ... on Tag { target { __typename ... on Tag { target { __typename } } } }
}"""
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,200}"')


class _Release(Document):
    tag: str = Field(alias="tag_name")
    prerelease: bool
    draft: bool


class _Object(Document):
    kind: str = Field(alias="__typename")
    target: _Object | None = None

    @property
    def is_commit(self) -> bool:
        """Whether it leads to one, by way of annotated tags."""
        return self.target.is_commit if self.target else self.kind == "Commit"


_IsDraft = Annotated[bool, within("isDraft")]
_Tag = Annotated[_Object, within("target")]


class _Version(Document):
    """A release and a tag of it, as it is written and as it is written otherwise."""

    written: _IsDraft | None = None
    other: _IsDraft | None = None
    written_ref: _Tag | None = None
    other_ref: _Tag | None = None

    @property
    def are_there(self) -> tuple[bool, bool]:
        """Whether the version exists as it is written, and as it is written otherwise."""
        both = ((self.written, self.written_ref), (self.other, self.other_ref))
        is_written, is_other = (
            is_draft is False or (tag is not None and tag.is_commit) for is_draft, tag in both
        )
        return is_written, is_other


class GitHubReleases:
    """Releases of the repository that the product lives in; its drafts for those who may write there."""

    def __init__(self, api: Api, product: Callable[[], str]) -> None:
        """`product` tells `owner/name`; it is asked when needed."""
        self._api = api
        self._product = product
        self._has_tags_alone = False

    @property
    def source(self) -> str:
        """The address of the list of Releases, which that of tags only stands in for."""
        return f"{self._api.address.api_url}/repos/{self._product()}/releases"

    def page(self, number: int, etag: str) -> ReleasePage | None:
        """Returns that page, from 1 on; None when it is still the one that had this etag.
        Raises OutsideError.

        Which list it is, the first page decides: it is asked for before the others.
        """
        if number == 1:
            self._has_tags_alone = False
        if not self._has_tags_alone:
            page = self._ask("releases", number, etag, _page)
            if number > 1 or page is None or page.releases or page.leads_on:
                return page
            self._has_tags_alone = True
        return self._ask("tags", number, etag, _tag_page)

    def tags_of(self, version: str) -> Sequence[str]:
        """Implements the port, with one request."""
        written, other = spellings(version)
        variables = {
            **owner_and_name(self._product()),
            "written": written,
            "other": other,
            "writtenRef": f"refs/tags/{written}",
            "otherRef": f"refs/tags/{other}",
        }

        def ask() -> _Version:
            return parsed(_Version, self._api.graphql(_VERSION, variables), "repository")

        answer = self._api.attempt(f"looking for {written} in {self._product()}", ask)
        there = zip((written, other), answer.are_there, strict=True)
        return [tag for tag, is_there in there if is_there]

    def _ask(
        self, kind: str, number: int, etag: str, read: Callable[[Mapping[str, str], object], ReleasePage]
    ) -> ReleasePage | None:
        # It comes from a file that anybody may have written, and goes into a header.
        known = etag if _ETAG.fullmatch(etag) else ""
        query = {"per_page": PAGE, "page": number}

        def ask() -> ReleasePage | None:
            answer = self._api.changed(f"/repos/{self._product()}/{kind}", query, known)
            return None if answer is None else read(*answer)

        return self._api.attempt(f"looking up page {number} of the {kind} of {self._product()}", ask)


def _page(headers: Mapping[str, str], document: object) -> ReleasePage:
    found = parsed(tuple[_Release, ...], document)
    records = (
        ReleaseRecord(tag=each.tag, prerelease=each.prerelease, draft=each.draft)
        for each in found
        if is_choosable(each.tag)
    )
    return _paged(headers, len(found), records)


def _tag_page(headers: Mapping[str, str], document: object) -> ReleasePage:
    found = parsed(tuple[Name, ...], document)
    return _paged(headers, len(found), (record(each) for each in found if is_choosable(each)))


def _paged(headers: Mapping[str, str], entries: int, records: Iterable[ReleaseRecord]) -> ReleasePage:
    etag = headers.get("etag", "")
    return ReleasePage(
        etag=etag if _ETAG.fullmatch(etag) else "",
        entries=entries,
        leads_on='rel="next"' in headers.get("link", ""),
        releases=tuple(records),
    )
