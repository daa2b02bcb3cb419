"""The newest release of a channel, by version precedence: in which order a list comes says nothing."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core import versions
from rollout.core.channel.guards import Quarantined, bare
from rollout.core.state import ChannelName
from rollout.core.state.release_cache import ReleaseRecord


def newest(releases: Iterable[ReleaseRecord], channel: ChannelName, standing: Quarantined) -> str | None:
    """The tag that the channel would take, passing over drafts, what is in quarantine and what is no version.

    Stable takes no prerelease. Beta and dev take the newest prerelease; without any, what stable takes.
    """
    chosen = [each for each in releases if _may_be_chosen(each, standing)]
    early = versions.newest(each.tag for each in chosen if _is_early(each))
    if channel is not ChannelName.STABLE and early is not None:
        return early
    return versions.newest(each.tag for each in chosen if not _is_early(each))


def latest(releases: Iterable[ReleaseRecord], standing: Quarantined) -> dict[ChannelName, str | None]:
    """`newest` of each channel."""
    known = tuple(releases)
    return {channel: newest(known, channel, standing) for channel in ChannelName}


def _may_be_chosen(release: ReleaseRecord, standing: Quarantined) -> bool:
    return not release.draft and versions.is_valid(release.tag) and bare(release.tag) not in standing


def _is_early(release: ReleaseRecord) -> bool:
    # Whoever publishes may forget the tick; a version that says so itself is a prerelease all the same.
    return release.prerelease or versions.parse(release.tag).prerelease is not None
