"""The cache of releases in words."""

from __future__ import annotations

from collections.abc import Mapping

from rollout.core.channel.cache import Age
from rollout.core.state import ChannelName
from rollout.core.state.release_cache import ReleaseCache
from rollout.core.values import format_duration, format_instant
from rollout.rendering.gates import Style, count, day_and_time, no_style
from rollout.rendering.inert import in_columns, line

Document = dict[str, object]


def cache_document(
    train: str,
    cache: ReleaseCache | None,
    age: Age | None,
    latest: Mapping[ChannelName, str | None],
    *,
    problem: str,
    ttl: int,
) -> Document:
    """Returns the cache; `age` is None and `problem` says why when nothing may be used of it."""
    return {
        "train": train,
        "state": "fresh" if age and age.is_fresh else "stale" if age else "unusable" if problem else "none",
        "problem": problem or None,
        "source": cache.source if cache else None,
        "entries": len(cache.releases) if cache else 0,
        "pages": len(cache.pages) if cache else 0,
        "fetched_at": format_instant(cache.fetched_at) if cache else None,
        "age_seconds": age.seconds if age else None,
        "ttl_seconds": ttl,
        "expires_at": format_instant(age.expires_at) if age else None,
        "stale_by_seconds": age.stale_by if age else None,
        "latest": {channel.value: version for channel, version in latest.items()},
    }


def cache_view(
    cache: ReleaseCache | None,
    age: Age | None,
    latest: Mapping[ChannelName, str | None],
    *,
    problem: str,
    ttl: int,
    style: Style = no_style,
) -> str:
    """Returns the cache for a person, as `cache_document`."""
    if age is None or cache is None:
        said = f"unusable: {line(problem)}" if problem else "no cache"
        follow = "`rollout channel cache prune` takes it away" if problem else _REFRESH
        return "\n".join([style(said, fg="yellow" if problem else None, bold=True), follow])
    if age.is_fresh:
        head = style(f"fresh, for {format_duration(age.ttl - age.seconds)} more", fg="green", bold=True)
    else:
        head = style(f"stale by {format_duration(age.stale_by)}", fg="yellow", bold=True)
    fetched = f"{day_and_time(cache.fetched_at)}, {format_duration(age.seconds)} ago"
    rows = [
        ("releases", f"{len(cache.releases)} on {count(len(cache.pages), 'page')}"),
        ("source", line(cache.source)),
        ("fetched", fetched),
        ("expires", f"{day_and_time(age.expires_at)}, ttl {format_duration(ttl)}"),
        *((f"latest {channel}", line(version or "none")) for channel, version in latest.items()),
    ]
    return "\n".join([head, *(text.strip() for text in in_columns(rows))])


_REFRESH = "`rollout channel cache refresh` asks for the releases"
