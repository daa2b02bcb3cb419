"""A version that a person names to return to: does it exist, and may it be chosen?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from rollout.core import versions
from rollout.core.channel.guards import bare
from rollout.core.decide.step import Step
from rollout.core.rollback import watching
from rollout.core.rollback.target import named, recorded, why_unusable
from rollout.core.state import Event, TrainState
from rollout.core.text import inert
from rollout.errors import InputError, RefusedError, RolloutError
from rollout.rendering.gates import release_name

Known = Callable[[str], Iterable[str]]
"""Asked about one version: itself if it is released or tagged, and whichever others are at hand."""

HeldBack = Callable[[TrainState, str], str]
"""Why nothing may choose the version by what its commit holds; empty when it may be chosen."""


_SHORT = re.compile(r"v?\d+(?:\.\d+)?")
"""What people write for a version of three numbers."""


def check_written(option: str, version: str) -> None:
    """Raises InputError for what is no version."""
    if not versions.is_valid(version):
        written = f"{option} {inert(version, 80)}" if version.strip() else f"{option} is empty"
        raise InputError(f"{written}: not a semantic version", hint=_how_to_write(version))


def _how_to_write(version: str) -> str:
    if _SHORT.fullmatch(version):
        return f"did you mean v{version.removeprefix('v')}{'.0' * (2 - version.count('.'))}?"
    return "write it like v1.2.3 or 1.2.3-beta.1"


def check_target(
    state: TrainState,
    option: str,
    version: str,
    release: str,
    known: Known,
    at: datetime,
    *,
    held_back: HeldBack = lambda *_: "",
) -> None:
    """Raises RefusedError unless a rollback of that release may lead to the version.

    Raises RefusedError for one that nobody may go back to, InputError for one that does not exist.
    """
    why = why_unusable(named(version, state.rollout, state.channel, at), release, state.quarantine)
    if why:
        raise RefusedError(f"{option} {version}: {why}", hint="name another version")
    own = recorded(state)
    if bare(version) in own:
        return  # asking around must not be what a rollback fails by
    every = own | {bare(each) for each in known(version)}
    if bare(version) not in every:
        others = _newest(every - {bare(release)}) or "none"
        raise InputError(
            f"{option} {version}: no such release is known here",
            hint=f"known: {others}; a tag or a release makes one known",
        )
    try:
        why = held_back(state, version)
    except RolloutError:
        return  # nor must a product that cannot be read
    if why:
        raise RefusedError(f"{option} {version}: it {why}", hint="name another version")


def check_target_for_brake(
    state: TrainState,
    version: str,
    release: str,
    known: Known,
    at: datetime,
    *,
    held_back: HeldBack = lambda *_: "",
) -> str:
    """Checks as `check_target` does, for `rollback --target`: what cannot be looked up now must not stop the
    freeze.

    Returns why the version could not be looked up; empty when it may be gone back to.
    """
    failed: list[RolloutError] = []

    def known_or_hoped(version: str) -> Iterable[str]:
        try:
            return known(version)
        except RolloutError as error:
            failed.append(error)
            return (version,)

    check_target(state, "--target", version, release, known_or_hoped, at, held_back=held_back)
    return failed[0].message if failed else ""


@dataclass(frozen=True)
class TargetLookup:
    """Looks up the target of a rollback that could not be looked up when a person named it."""

    known: Known
    held_back: HeldBack = lambda *_: ""

    def step(self, state: TrainState, at: datetime) -> Step | None:
        """Returns the person's word carried out once more; None where no target waits for it.

        Raises RolloutError where it still cannot be looked up, and as `check_target`.
        """
        entry = watching.looked_up(state, at)
        if entry is None or entry.target is None or state.incident is None:
            return None
        release = state.incident.release
        check_target(state, "--target", entry.target, release, self.known, at, held_back=self.held_back)
        change = watching.joined(state, entry)
        return Step(Event.JOIN, change, f"{entry.by}: {entry.reason}") if change else None


def _newest(known: Iterable[str]) -> str:
    """Returns the newest few, oldest first."""
    ordered = sorted(filter(versions.is_valid, known), key=versions.parse)
    return ", ".join(map(release_name, ordered[-8:]))
