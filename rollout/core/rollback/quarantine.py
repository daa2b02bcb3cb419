"""Releases that were rolled back, and that nothing may choose until a person lifts it."""

from __future__ import annotations

from datetime import datetime

from rollout.core.channel.guards import bare
from rollout.core.state import Lift, Quarantine, QuarantinedRelease, Release


def standing(quarantine: Quarantine | None) -> tuple[QuarantinedRelease, ...]:
    """The releases that nobody has lifted."""
    return tuple(release for release in quarantine.releases if release.lifted is None) if quarantine else ()


def find(quarantine: Quarantine | None, version: str, commit: str | None = None) -> QuarantinedRelease | None:
    """The release of that version or commit, when it is quarantined."""
    for release in standing(quarantine):
        if release.commit == commit or bare(release.version) == bare(version):
            return release
    return None


def put(
    quarantine: Quarantine | None,
    train: str,
    release: Release,
    incident: str,
    at: datetime,
    *,
    reverted: str | None = None,
) -> Quarantine:
    """The file with one release more; `reverted` is the commit at which the release is undone."""
    quarantine = quarantine or Quarantine(train=train)
    bad = QuarantinedRelease(
        commit=release.commit,
        base=release.base,
        version=release.version,
        incident=incident,
        at=at,
        reverted=reverted,
    )
    return quarantine.model_copy(update={"releases": (*quarantine.releases, bad)})


def lifted(quarantine: Quarantine, commit: str, lift: Lift) -> Quarantine:
    """The file with every standing entry of that commit lifted."""
    releases = tuple(
        release.model_copy(update={"lifted": lift})
        if release.commit == commit and release.lifted is None
        else release
        for release in quarantine.releases
    )
    return quarantine.model_copy(update={"releases": releases})


def as_release(bad: QuarantinedRelease) -> Release:
    """What was rolled back, as a release."""
    return Release(version=bad.version, commit=bad.commit, base=bad.base, started_at=bad.at)
