"""A train as it stands at one commit, and what one commit changes of it."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from rollout.core.contract import Contract
from rollout.core.files import CONTRACT, INCIDENTS, ROLLOUT, STATUS
from rollout.core.state.channel import Channel
from rollout.core.state.desired import Rollout
from rollout.core.state.incident import Incident
from rollout.core.state.observed import Status
from rollout.core.state.quarantine import Quarantine
from rollout.core.state.rehearsal import Rehearsal
from rollout.core.state.signoff import Signoff

if TYPE_CHECKING:
    from rollout.core.state.release_cache import ReleaseCache


@dataclass(frozen=True)
class UnusableFile:
    """Why a file at a commit cannot be used, so that an earlier version of it decides."""

    problem: str
    """As `file: field: message`, one a line."""
    hint: str
    """Which commit did it, and the command that takes it back."""
    name: str = CONTRACT
    """The file, below the train's folder."""
    is_newer: bool = False
    """Whether a newer rollout wrote it, so that this one must not write over it."""
    did: str = ""
    """Which commit did it; empty where history does not tell."""


@dataclass(frozen=True)
class TrainState:
    """Everything of `state/<train>/` that decisions read, at one commit."""

    train: str
    head: str
    """The commit that it was read at."""
    contract: Contract
    contract_digest: str
    """sha256 of the contract's content; comments and spacing do not count."""
    rollout: Rollout
    status: Status | None = None
    channel: Channel | None = None
    signoff: Signoff | None = None
    quarantine: Quarantine | None = None
    rehearsal: Rehearsal | None = None
    incident: Incident | None = None
    """The one that `rollout.frozen` names."""
    unusable: UnusableFile | None = None
    """Set when `contract` is not the one at this commit but the last that could be used."""
    broken: tuple[UnusableFile, ...] = ()
    """Other files that cannot be read at this commit; each one's last readable version stands in here."""

    @property
    def stood_in_for(self) -> tuple[UnusableFile, ...]:
        """Every file that an earlier version stands in for, the contract first."""
        return (*((self.unusable,) if self.unusable else ()), *self.broken)

    def is_broken(self, name: str) -> bool:
        """Returns whether an earlier version stands in for that file, which is not the contract."""
        return any(each.name == name for each in self.broken)

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Broken files that wait for a person, sorted by name; nothing is promoted meanwhile."""
        names = (each.name for each in self.broken)
        return tuple(sorted(name for name in names if name not in (ROLLOUT, STATUS)))


@dataclass(frozen=True)
class FlagText:
    """A flag file on the state branch, as the commit leaves it."""

    path: str
    """From the repository's top."""
    content: bytes


@dataclass(frozen=True)
class StateChange:
    """The files that one state commit writes; None leaves a file as it is."""

    contract: Contract | None = None
    rollout: Rollout | None = None
    status: Status | None = None
    channel: Channel | None = None
    signoff: Signoff | None = None
    quarantine: Quarantine | None = None
    rehearsal: Rehearsal | None = None
    incident: Incident | None = None
    release_cache: "ReleaseCache | None" = None
    flag: FlagText | None = None
    removes_release_cache: bool = False

    def writes(self, name: str) -> bool:
        """Returns whether the change has new content for that file of a `TrainState`."""
        field = name.removesuffix(".yaml")
        if name.startswith(f"{INCIDENTS}/"):
            return self.incident is not None and self.incident.id == field.removeprefix(f"{INCIDENTS}/")
        return getattr(self, field) is not None


class Event(StrEnum):
    """What a state commit records, in its `Rollout-Event` trailer."""

    INIT = "init"
    START = "start"
    OBSERVE = "observe"
    APPLY = "apply"
    RESULTS = "results"
    DECIDE = "decide"
    ENTER = "enter"
    PROMOTE = "promote"
    WAIT = "wait"
    UNDO_STEP = "undo-step"
    ILLEGAL_STEP = "illegal-step"
    CONTRACT = "contract-change"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    ROLLBACK = "rollback"
    ROLLBACK_STEP = "rollback-step"
    JOIN = "rollback-join"
    CANCEL = "rollback-cancel"
    ROLLED_BACK = "rolled-back"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    QUARANTINE = "quarantine-add"
    LIFT = "quarantine-lift"
    COMPLETE = "complete"
    SIGNOFF = "signoff"
    REHEARSE = "rehearse"
    CHANNEL = "channel"
    CHANNEL_IMPORT = "channel-import"


@dataclass(frozen=True)
class CommitMessage:
    """Subject, a body for people, and trailers that `history` reads back."""

    subject: str
    body: str
    trailers: tuple[tuple[str, str], ...] = field(default=())
    quiet: bool = False
    """Whether nobody builds or deploys on it: where CI is not the tool's own, it is skipped."""
