"""Releases in quarantine, for a terminal and for scripts."""

from __future__ import annotations

from rollout.core.state import Quarantine, QuarantinedRelease
from rollout.core.values import format_instant
from rollout.rendering.gates import Style, day_and_time, no_style, release_name
from rollout.rendering.inert import line

_SHORT = 10


def quarantine_document(quarantine: Quarantine | None) -> list[dict[str, object]]:
    """Returns one entry a release, oldest first; `incident` or `added` says why, `lifted` is null while it
    stands.
    """
    return [_entry(release) for release in (quarantine.releases if quarantine else ())]


def _entry(release: QuarantinedRelease) -> dict[str, object]:
    added, lifted = release.added, release.lifted
    return {
        "version": release.version,
        "commit": release.commit,
        "base": release.base,
        "incident": release.incident,
        "added": added and {"by": added.by, "reason": added.reason},
        "at": format_instant(release.at),
        "lifted": lifted and {"by": lifted.by, "at": format_instant(lifted.at), "reason": lifted.reason},
    }


def quarantine_view(quarantine: Quarantine | None, *, columns: int, style: Style = no_style) -> str:
    """Returns one line a release, and who lifted it."""
    releases = quarantine.releases if quarantine else ()
    return "\n".join(_line(release, columns, style) for release in releases) or "nothing is in quarantine"


def _line(release: QuarantinedRelease, columns: int, style: Style) -> str:
    name = line(release_name(release.version), 30) if release.version else "no version"
    added = release.added
    why = f"by {added.by}: {added.reason}" if added else f"incident {release.incident}"
    told = f"{name}  {release.commit[:_SHORT]}  since {day_and_time(release.at)}, {why}"
    if release.lifted is None:
        return style(line(told, max(columns, 60)), fg="red")
    who = f"lifted by {release.lifted.by}: {release.lifted.reason}"
    return line(f"{told}; {who}", max(columns, 60))
