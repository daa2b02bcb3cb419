"""May this version be chosen? The guards fail closed, and the first that blocks tells why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rollout.core import versions
from rollout.core.state import ChannelAction, ChannelName, GuardCode, Quarantine, QuarantinedRelease

if TYPE_CHECKING:
    from semver import Version

Quarantined = Mapping[str, str]
"""Version, without its `v` -> why it is there, such as `is in quarantine since incident X`."""


class ListState(StrEnum):
    """What the product's list of releases says about a version."""

    UNASKED = "unasked"
    """The version comes from the list itself, or the answer would not matter."""
    RELEASE = "release"
    PRERELEASE = "prerelease"
    """A release that is ticked as a prerelease, whatever its name says."""
    MISSING = "missing"


@dataclass(frozen=True)
class Judgement:
    """What may be done about a target."""

    action: ChannelAction
    code: GuardCode
    reason: str

    @property
    def blocked(self) -> bool:
        return self.action is ChannelAction.BLOCKED


def standing(quarantine: Quarantine | None) -> tuple[QuarantinedRelease, ...]:
    """Returns the releases that nobody has lifted."""
    return tuple(release for release in quarantine.releases if release.lifted is None) if quarantine else ()


def quarantined(quarantine: Quarantine | None) -> Quarantined:
    """Returns the versions that nothing may choose: those that nobody has lifted."""
    return {
        bare(release.version): why_quarantined(release)
        for release in standing(quarantine)
        if release.version is not None
    }


def why_quarantined(release: QuarantinedRelease) -> str:
    """Returns how it came into quarantine, as what is said of it."""
    if release.added is not None:
        return f"was put in quarantine by {release.added.by}: {release.added.reason}"
    return f"is in quarantine since incident {release.incident}"


def bare(version: str) -> str:
    """Removes the leading v: `v1.2.3` and `1.2.3` are one version."""
    return version.removeprefix("v")


def judge(
    channel: ChannelName,
    current: str | None,
    target: str | None,
    *,
    standing: Quarantined,
    max_major_jump: int,
    listed: ListState = ListState.UNASKED,
) -> Judgement:
    """Returns whether the channel may go from `current` (None: none recorded yet) to `target` (None: none
    known).

    `listed` is what the list of releases says about `target`.
    """
    if current is not None and not versions.is_valid(current):
        return _blocked(GuardCode.INVALID_CURRENT_VERSION, f"the current version, {current}, is no version")
    if target is None:
        return _blocked(GuardCode.NO_RELEASE_RECORDS, f"there is no release to choose on {channel}")
    if not versions.is_valid(target):
        shown = target or "which is empty"
        return _blocked(GuardCode.INVALID_TARGET_VERSION, f"the target, {shown}, is no version")
    wanted = versions.parse(target)
    if channel is ChannelName.STABLE and (wanted.prerelease or listed is ListState.PRERELEASE):
        return _blocked(
            GuardCode.STABLE_PRERELEASE_DISALLOWED, f"{target} is a prerelease, and the channel is {channel}"
        )
    if current is not None and wanted.major - versions.parse(current).major > max_major_jump:
        return _too_far(current, target, max_major_jump)
    if bare(target) in standing:
        return _quarantined(target, standing[bare(target)])
    allowed = _allowed(current, target, wanted)
    if allowed.action is ChannelAction.UPGRADE and listed is ListState.MISSING:
        return _blocked(GuardCode.NO_RELEASE_RECORDS, f"{target} is no release of the product")
    return allowed


def judge_rollback(target: str, standing: Quarantined) -> Judgement:
    """Returns whether a rollback may lead there. How far back it is, and from where, does not matter to
    it.
    """
    if not versions.is_valid(target):
        return _blocked(GuardCode.INVALID_TARGET_VERSION, f"the target, {target}, is no version")
    if bare(target) in standing:
        return _quarantined(target, standing[bare(target)])
    return Judgement(ChannelAction.ROLLBACK, GuardCode.OK, f"back to {target}")


def _allowed(current: str | None, target: str, wanted: Version) -> Judgement:
    if current is None:
        reason = f"{target} is the first version to be recorded"
        return Judgement(ChannelAction.UPGRADE, GuardCode.OK, reason)
    order = wanted.compare(versions.parse(current))
    if order > 0:
        return Judgement(ChannelAction.UPGRADE, GuardCode.OK, f"{target} is newer than {current}")
    if order < 0:
        reason = f"{target} is older than {current}: only a rollback leads back"
    elif bare(target) == bare(current):
        reason = f"{current} is the current version"
    else:
        reason = f"{target} is as new as {current}: they differ in build metadata alone"
    return Judgement(ChannelAction.NOOP, GuardCode.OK, reason)


def _too_far(current: str, target: str, most: int) -> Judgement:
    ahead = versions.parse(target).major - versions.parse(current).major
    majors = "1 major version" if ahead == 1 else f"{ahead} major versions"
    reason = f"{target} is {majors} ahead of {current}, and {most} is the most at once"
    return _blocked(GuardCode.MAJOR_VERSION_JUMP_BLOCKED, reason)


def _quarantined(target: str, why: str) -> Judgement:
    return _blocked(GuardCode.QUARANTINED_RELEASE, f"{target} {why}")


def _blocked(code: GuardCode, reason: str) -> Judgement:
    return Judgement(ChannelAction.BLOCKED, code, reason)
