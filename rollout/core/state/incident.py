"""incidents/<id>.yaml: the record of one rollback."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal

from pydantic import Field

from rollout.core.contract import Action, RollbackStep
from rollout.core.evidence_index import MAX_CAPTURED, EvidenceEntry
from rollout.core.state.channel import Channel
from rollout.core.state.desired import Outcome, RollbackTarget
from rollout.core.state.observed import GateFinding, TriggerFinding
from rollout.core.values import Instant, Line, Model, Name, Percent, Sha, Version

MAX_JOINED = 20


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    """Begun, and waits for an answer: of the product side, of CI, or of whoever merges."""
    DONE = "done"
    FAILED = "failed"
    """It could not be done, and the rollback goes on without it; a late answer still makes it done."""
    BLOCKED = "blocked"
    """It waits for a person."""
    SKIPPED = "skipped"

    @property
    def is_over(self) -> bool:
        """Whether the next step may begin."""
        return self in (StepState.DONE, StepState.FAILED, StepState.SKIPPED)


class IncidentStep(Model):
    step: RollbackStep
    state: StepState = StepState.PENDING
    attempts: int = Field(default=0, ge=0)
    started_at: Instant | None = None
    finished_at: Instant | None = None
    result: Line = ""
    links: tuple[Line, ...] = Field(default=(), max_length=10)
    """Branches and commits that show it."""


class RollbackJoin(Model):
    """A trigger that fired, or a person who asked, while the rollback was under way."""

    at: Instant
    by: Line
    reason: Line
    trigger: Name | None = None
    """None for a person."""
    surface: Name | None = None
    target: Version | None = None
    """Where the person wants to go back to instead."""
    reverted: Sha | None = None
    """The commit that holds the revert, as the person says."""


class Revert(Model):
    branch: Line
    """The natural key of its pull request."""
    tries: int = Field(default=1, ge=1)
    """Each pull request that was closed without a merge makes one more, from a branch of its own."""
    commits: tuple[Sha, ...] = Field(default=(), max_length=20)
    declared: Sha | None = None
    """The commit that holds the revert by a person's word; nothing else is asked about it then."""
    taken_back: Sha | None = None
    """The commit that reverted the revert after it had landed; nothing is proposed until a person asks."""
    landed: Sha | None = None
    """The revision of the product that holds the revert, which is validated anew."""
    noticed_at: Instant | None = None
    """When that was noticed: a validation run counts if it started after this."""


class IncidentEnd(Model):
    how: Literal["rolled_back", "cancelled"]
    at: Instant
    by: Line
    reason: Line = ""


class Incident(Model):
    """The record of one rollback."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    id: Name
    train: Name
    release: Version
    commit: Sha
    phase: Name
    canary_percent: Percent
    """Where the rollout stood when it was frozen."""
    outcome: Outcome = Outcome.IN_PROGRESS
    """What it was then: a complete release can be rolled back too."""
    started_at: Instant
    started_by: Line
    reason: Line = ""
    """A person's; triggers speak for themselves."""
    ended: IncidentEnd | None = None
    triggers: tuple[TriggerFinding, ...]
    actions: tuple[Action, ...]
    target: RollbackTarget | None = None
    """Where it goes back to: fixed when the rollout started, unless a person named another."""
    steps: tuple[IncidentStep, ...]
    joined: tuple[RollbackJoin, ...] = Field(default=(), max_length=MAX_JOINED)
    """The last of them; history has all."""
    revert: Revert | None = None
    channel_before: Channel | None = None
    """channel.yaml as it was before the version moved."""
    evidence: tuple[EvidenceEntry, ...] = Field(default=(), max_length=MAX_CAPTURED)
    gates: tuple[GateFinding, ...] = ()
    """The gate results that led here."""

    def step(self, step: RollbackStep) -> IncidentStep:
        """Returns that step of the runbook."""
        return self.steps[list(RollbackStep).index(step)]

    @property
    def current(self) -> IncidentStep | None:
        """The first step that is not over; None when all are."""
        return next((step for step in self.steps if not step.state.is_over), None)
