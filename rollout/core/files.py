"""Names of the files below `state/<train>/`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

STATE = "state"
"""The folder that all trains are in."""
SCHEMA = f"{STATE}/contract.schema.json"
"""What the first line of a contract names, so that editors help and check."""
STATE_BRANCH = "rollout-state"
"""The branch that carries nothing but state, where nobody named another."""
STATE_BRANCH_VARIABLE = "ROLLOUT_STATE_BRANCH"
"""Where a command, and a repository's settings on GitHub, name another one."""
CONTRACT = "contract.yaml"
ROLLOUT = "rollout.yaml"
STATUS = "status.yaml"
CHANNEL = "channel.yaml"
SIGNOFF = "signoff.yaml"
QUARANTINE = "quarantine.yaml"
REHEARSAL = "rehearsal.yaml"
RELEASE_CACHE = "release-cache.yaml"
INCIDENTS = "incidents"
"""A folder with one file an incident."""
_OF_A_TRAIN = frozenset(
    {CONTRACT, ROLLOUT, STATUS, CHANNEL, SIGNOFF, QUARANTINE, REHEARSAL, RELEASE_CACHE, INCIDENTS}
)

OWN_ROOTS = ("rollout", "rollout-channel", "rollout-revert", "rollout-apply")
"""The tool makes its own branches below these, and git makes no branch below the name of another."""


@dataclass(frozen=True)
class StatePaths:
    """What of the product's branch is state: no part of a release, and never reverted."""

    folder: str | None = STATE
    """None where state lies in another repository: the product may have a folder of that name."""
    files: tuple[str, ...] = ()
    """Flag files, in which reconcile writes percents."""

    def holds(self, path: str) -> bool:
        return path in self.files or (self.folder is not None and path.startswith(f"{self.folder}/"))

    @property
    def roots(self) -> tuple[str, ...]:
        """The folder and the files, as paths."""
        return (*((self.folder,) if self.folder is not None else ()), *self.files)


def is_peoples(branch: str) -> bool:
    """Returns whether a branch is none that the tool makes for a pull request."""
    root, below, _ = branch.partition("/")
    return not below or root not in OWN_ROOTS


def is_train(names: Iterable[str]) -> bool:
    """Returns whether a folder below `state/` that holds these is a train's;
    any other is somebody's notes.
    """
    return not _OF_A_TRAIN.isdisjoint(names)


def state_path(train: str, *names: str) -> str:
    """Returns `state/<train>/<names>`, relative to the top of the repository."""
    return "/".join((STATE, train, *names))
