"""The product's releases: from the cache while it is fresh, else anew, else from the stale cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rollout.commands.channel.record import Desk, Lookup, policy_of
from rollout.core.channel.cache import age, why_unusable
from rollout.core.channel.guards import ListState
from rollout.core.channel.latest import listed
from rollout.core.state import LookupSource, TrainState
from rollout.core.state.release_cache import FILE, ReleaseCache, ReleasePage
from rollout.errors import InputError, OutsideError
from rollout.ports import FULL_PAGE, Releases

MOST_PAGES = 30
"""A bound for what is asked for and kept: thousands of releases, newest first."""


@dataclass(frozen=True)
class CacheReading:
    """What release-cache.yaml holds. Whatever that is, it breaks nothing."""

    cache: ReleaseCache | None
    """None when there is none, or when it says nothing."""
    problem: str = ""
    """Why it says nothing, or may not be used; empty when it may, or is not there."""

    @property
    def usable(self) -> ReleaseCache | None:
        return None if self.problem else self.cache


def kept(desk: Desk, state: TrainState, now: datetime) -> CacheReading:
    """Returns the cache as it lies in the train's folder."""
    try:
        text = desk.store.text(state.train, FILE, state.head)
        if text is None:
            return CacheReading(None)
        cache = desk.files.release_cache(state.train, text)
    except InputError as error:
        return CacheReading(None, error.message.splitlines()[0])
    return CacheReading(cache, why_unusable(cache, state.train, desk.releases.source, now))


def look_up(desk: Desk, state: TrainState, now: datetime) -> Lookup:
    """Returns the releases as well as they can be had. Raises OutsideError without an answer and without a
    cache.
    """
    found = kept(desk, state, now)
    cache = found.usable
    if cache is not None and age(cache, policy_of(state).cache_ttl, now).is_fresh:
        return Lookup(cache.releases, LookupSource.CACHE_FRESH, cache.fetched_at)
    try:
        new = refreshed(desk, state, cache, now)
    except OutsideError as error:
        if cache is None:
            raise _nothing_to_go_by(error, found) from error
        return Lookup(cache.releases, LookupSource.CACHE_STALE_FALLBACK, cache.fetched_at, note=error.message)
    return Lookup(new.releases, LookupSource.LIVE, now, new)


def look_for(desk: Desk, state: TrainState, version: str, now: datetime) -> Lookup:
    """Returns the releases, asked for anew where an older list lacks the version. Raises as `look_up`.

    Raises OutsideError too when it is missing from an old list and no new one can be had.
    """
    looked = look_up(desk, state, now)
    if looked.source is LookupSource.LIVE or listed(looked.releases, version) is not ListState.MISSING:
        return looked
    new = refreshed(desk, state, kept(desk, state, now).usable, now)
    return Lookup(new.releases, LookupSource.LIVE, now, new)


def refreshed(desk: Desk, state: TrainState, cache: ReleaseCache | None, now: datetime) -> ReleaseCache:
    """Returns the releases as they are now; pages that are unchanged are taken from `cache`.
    Raises OutsideError.
    """
    pages = tuple(_fetch(desk.releases, cache.pages if cache else ()))
    return ReleaseCache(train=state.train, source=desk.releases.source, fetched_at=now, pages=pages)


def _fetch(releases: Releases, known: tuple[ReleasePage, ...]) -> Iterator[ReleasePage]:
    for number in range(1, MOST_PAGES + 1):
        before = known[number - 1] if number <= len(known) else None
        # That a page is still empty tells nothing: what was no release then, such as a tag, may be one.
        answer = releases.page(number, before.etag if before and before.releases else "")
        page = answer or before
        if page is None or (number > 1 and not page.entries):
            return
        yield page
        # An unchanged full page does not tell whether another one has come after it.
        if not page.leads_on and not (answer is None and page.entries == FULL_PAGE):
            return


def _nothing_to_go_by(error: OutsideError, found: CacheReading) -> OutsideError:
    why = f"the cached list cannot be used: {found.problem}" if found.problem else "no list is cached"
    return OutsideError(f"{error.message}; {why}", hint=error.hint)
