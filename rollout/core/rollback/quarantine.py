"""Releases that nothing may choose until a person lifts it: rolled back, or put there by a person."""

from __future__ import annotations

from datetime import datetime

from rollout.core.channel.guards import bare, standing
from rollout.core.state import UNDER_WAY, Act, Quarantine, QuarantinedRelease, Release, TrainState


def find(quarantine: Quarantine | None, version: str, commit: str | None = None) -> QuarantinedRelease | None:
    """Returns the release of that version or commit, when it is quarantined."""
    for release in standing(quarantine):
        if release.commit == commit or _is_version(release, version):
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
    """Returns the file with one release more, that an incident rolled back;
    `reverted` is where it is undone.
    """
    bad = QuarantinedRelease(
        commit=release.commit,
        base=release.base,
        version=release.version,
        incident=incident,
        at=at,
        reverted=reverted,
    )
    return with_one_more(quarantine, train, bad)


def with_one_more(quarantine: Quarantine | None, train: str, bad: QuarantinedRelease) -> Quarantine:
    """Returns the file with that entry at its end."""
    quarantine = quarantine or Quarantine(train=train)
    return quarantine.model_copy(update={"releases": (*quarantine.releases, bad)})


def stands(quarantine: Quarantine | None, bad: QuarantinedRelease) -> bool:
    """Returns whether that version at that commit is in quarantine already."""
    return any(
        release.commit == bad.commit and (bad.version is None or _is_version(release, bad.version))
        for release in standing(quarantine)
    )


def _is_version(release: QuarantinedRelease, version: str) -> bool:
    return release.version is not None and bare(release.version) == bare(version)


def is_under_way(state: TrainState, bad: QuarantinedRelease) -> bool:
    """Returns whether it is the release that is being rolled out or back: a rollback puts that one in
    quarantine.
    """
    rollout = state.status.legal if state.status else state.rollout
    release = rollout.release
    if release is None or rollout.outcome not in UNDER_WAY:
        return False
    return release.commit == bad.commit or (
        bad.version is not None and bare(release.version) == bare(bad.version)
    )


def name(bad: QuarantinedRelease) -> str:
    """Returns what people call it: its version, else its commit."""
    return f"v{bare(bad.version)}" if bad.version else bad.commit[:10]


def lifted(quarantine: Quarantine, commit: str, lift: Act) -> Quarantine:
    """Returns the file with every standing entry of that commit lifted."""
    releases = tuple(
        release.model_copy(update={"lifted": lift})
        if release.commit == commit and release.lifted is None
        else release
        for release in quarantine.releases
    )
    return quarantine.model_copy(update={"releases": releases})


def as_release(bad: QuarantinedRelease) -> Release:
    """Returns what is quarantined, as a release; its version stands for a commit without one."""
    version = bad.version or f"0.0.0+{bad.commit[:12]}"
    return Release(version=version, commit=bad.commit, base=bad.base, started_at=bad.at)
