"""How old a release cache is, and whether it may be used at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollout.core.observation import is_ahead
from rollout.core.state.release_cache import ReleaseCache
from rollout.core.values import format_instant, seconds_between


@dataclass(frozen=True)
class Age:
    """A cache's age against the contract's ttl, in seconds."""

    seconds: int
    ttl: int
    expires_at: datetime

    @property
    def is_fresh(self) -> bool:
        return self.seconds <= self.ttl

    @property
    def stale_by(self) -> int:
        """Seconds since it expired; 0 while it is fresh."""
        return max(0, self.seconds - self.ttl)


def age(cache: ReleaseCache, ttl: int, now: datetime) -> Age:
    """Returns the age of a cache that `why_unusable` has nothing against."""
    seconds = max(0, seconds_between(cache.fetched_at, now))
    return Age(seconds, ttl, cache.fetched_at + timedelta(seconds=ttl))


def why_unusable(cache: ReleaseCache, train: str, source: str, now: datetime) -> str:
    """Returns why nothing may be chosen from that cache; empty when it may."""
    if cache.train != train:
        return f"it is of train {cache.train}"
    if cache.source != source:
        return f"it is of {cache.source}, and releases come from {source}"
    if is_ahead(cache.fetched_at, now):
        return f"it is from the future: fetched {format_instant(cache.fetched_at)}"
    return ""
