"""The newest release of a channel, by version precedence: in which order a list comes says nothing."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core import versions
from rollout.core.channel.guards import ListState, Quarantined, bare
from rollout.core.state import ChannelName
from rollout.core.state.release_cache import ReleaseRecord


def newest(releases: Iterable[ReleaseRecord], channel: ChannelName, standing: Quarantined) -> str | None:
    """Returns the tag that the channel takes; drafts, quarantined releases and other tags never count.

    Stable takes the newest version that is no prerelease, beta and dev the newest version of all.
    """
    return versions.newest(
        release.tag
        for release in releases
        if _may_be_chosen(release, standing) and not (channel is ChannelName.STABLE and _is_early(release))
    )


def listed(releases: Iterable[ReleaseRecord], version: str) -> ListState:
    """Returns what the list says about a version; a draft is no release yet."""
    found = [each for each in releases if not each.draft and bare(each.tag) == bare(version)]
    if not found:
        return ListState.MISSING
    return ListState.PRERELEASE if any(each.prerelease for each in found) else ListState.RELEASE


def latest(releases: Iterable[ReleaseRecord], standing: Quarantined) -> dict[ChannelName, str | None]:
    """Returns what `newest` finds for each channel."""
    known = tuple(releases)
    return {channel: newest(known, channel, standing) for channel in ChannelName}


def _may_be_chosen(release: ReleaseRecord, standing: Quarantined) -> bool:
    return not release.draft and versions.is_valid(release.tag) and bare(release.tag) not in standing


def _is_early(release: ReleaseRecord) -> bool:
    # Whoever publishes may forget the tick; a version that says so itself is a prerelease anyway.
    return release.prerelease or versions.parse(release.tag).prerelease is not None
