"""A product's list of releases in memory, in pages that have etags."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from rollout.core.state.release_cache import ReleasePage, ReleaseRecord
from rollout.core.versions import spellings
from rollout.errors import OutsideError


class FakeReleases:
    """Fills the `Releases` port."""

    source = "the list of acme/tau"

    def __init__(self, *tags: str, size: int = 100) -> None:
        """A tag may end in its tick, `(pre)` or `(draft)`. `size` is the number of entries on a page."""
        self.tags = list(tags)
        self.size = size
        self.is_down = False
        self.asked: list[tuple[int, bool]] = []
        """The pages that were asked for, and whether each had to be sent."""

    def page(self, number: int, etag: str) -> ReleasePage | None:
        if self.is_down:
            raise OutsideError("the list is down", hint="wait for it")
        tags = self.tags[(number - 1) * self.size : number * self.size]
        ours = hashlib.sha256(" ".join(tags).encode()).hexdigest()
        self.asked.append((number, ours != etag))
        if ours == etag:
            return None
        releases = tuple(_record(tag) for tag in tags)
        leads_on = len(self.tags) > number * self.size
        return ReleasePage(etag=ours, entries=len(tags), leads_on=leads_on, releases=releases)

    def tags_of(self, version: str) -> Sequence[str]:
        if self.is_down:
            raise OutsideError("the list is down", hint="wait for it")
        return [tag for tag in spellings(version) if tag in self.tags]


def _record(text: str) -> ReleaseRecord:
    tag, _, tick = text.partition("(")
    return ReleaseRecord(tag=tag, prerelease="-" in tag or tick == "pre)", draft=tick == "draft)")
