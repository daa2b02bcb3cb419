"""`rollout channel cache`: look at the releases that were looked up, ask anew, and take them away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.commands.channel.lookup import CacheReading, kept, refreshed
from rollout.commands.channel.record import ChannelChange, ChannelResult, Desk, policy_of, record
from rollout.core.channel.cache import Age, age
from rollout.core.channel.guards import quarantined
from rollout.core.channel.latest import latest
from rollout.core.state import ChannelName, StateChange, TrainState
from rollout.core.state.release_cache import ReleaseCache
from rollout.core.values import format_duration


@dataclass(frozen=True)
class CacheView:
    """The cache, how old it is, and what each channel would take from it."""

    train: str
    kept: CacheReading
    ttl: int
    """Seconds, the contract's."""
    age: Age | None
    """None when nothing may be used."""
    latest: dict[ChannelName, str | None]

    @property
    def is_there(self) -> bool:
        return self.kept.cache is not None or bool(self.kept.problem)


def show(desk: Desk, train: str) -> CacheView:
    """Returns the cache as it is; one that is broken is told of."""
    return _view(desk, desk.load(train), desk.clock.now())


def _view(desk: Desk, state: TrainState, now: datetime) -> CacheView:
    found, ttl = kept(desk, state, now), policy_of(state).cache_ttl
    cache = found.usable
    releases = cache.releases if cache else ()
    return CacheView(
        train=state.train,
        kept=found,
        ttl=ttl,
        age=age(cache, ttl, now) if cache else None,
        latest=latest(releases, quarantined(state.quarantine)),
    )


def refresh(desk: Desk, train: str) -> tuple[CacheView, ChannelResult]:
    """Asks for the releases now, and keeps them. Raises OutsideError when there is no answer."""
    now, state = desk.clock.now(), desk.load(train)
    new = refreshed(desk, state, kept(desk, state, now).usable, now)
    wanted = ChannelChange(StateChange(release_cache=new), f"cache {_releases(new)}")
    recorded = record(desk, train, lambda _: wanted, now)
    return _view(desk, recorded.state, now), recorded


def prune(desk: Desk, train: str) -> ChannelResult:
    """Takes the cache away when it is stale or says nothing; the notes say why."""
    now = desk.clock.now()
    return _clean(desk, train, lambda state: _why_pruned(_view(desk, state, now)), now)


def clear(desk: Desk, train: str) -> ChannelResult:
    """Takes the cache away, whatever it holds."""
    now = desk.clock.now()

    def why(state: TrainState) -> str:
        return "you asked for it" if _view(desk, state, now).is_there else ""

    return _clean(desk, train, why, now)


def _clean(desk: Desk, train: str, why: Callable[[TrainState], str], now: datetime) -> ChannelResult:
    said = why(desk.load(train))

    def decide(state: TrainState) -> ChannelChange | None:
        reason = why(state)
        return (
            ChannelChange(StateChange(removes_release_cache=True), f"drop the cache, {reason}")
            if reason
            else None
        )

    return replace(record(desk, train, decide, now), notes=(said,) if said else ())


def _why_pruned(view: CacheView) -> str:
    if view.kept.problem:
        return f"it cannot be used: {view.kept.problem}"
    if view.age is not None and not view.age.is_fresh:
        return f"it is stale by {format_duration(view.age.stale_by)}"
    return ""


def _releases(cache: ReleaseCache) -> str:
    number = len(cache.releases)
    return "1 release" if number == 1 else f"{number} releases"
