"""release-cache.yaml: the product's releases as they were last looked up.

No part of the train: whatever is in this file, a train loads, and a lookup goes on without it.
"""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from typing import Literal

from pydantic import Field

from rollout.core.values import Instant, Line, Model, Name, Version

FILE = "release-cache.yaml"


class ReleaseRecord(Model):
    tag: Version
    prerelease: bool = False
    draft: bool = False


class ReleasePage(Model):
    """One page of the product's list of releases."""

    etag: Line = ""
    """Asked with it again, an unchanged page costs nothing of the rate limit."""
    entries: int = Field(ge=0)
    """How many the page held, those whose tag is no version included."""
    leads_on: bool = False
    """Whether another page comes after it."""
    releases: tuple[ReleaseRecord, ...] = ()
    """Those whose tag is a version: no other can be chosen."""


class ReleaseCache(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    source: Line
    """Which list it is; a cache of another one is not used."""
    fetched_at: Instant
    pages: tuple[ReleasePage, ...] = ()

    @property
    def releases(self) -> tuple[ReleaseRecord, ...]:
        return tuple(release for page in self.pages for release in page.releases)
