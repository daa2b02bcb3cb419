"""incidents/<id>.yaml: the record of one rollback."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal

from pydantic import Field

from rollout.core.contract import Action, RollbackStep
from rollout.core.state.observed import GateFinding, TriggerFinding
from rollout.core.values import Instant, Line, Model, Name, Sha, Version


class StepState(StrEnum):
    PENDING = "pending"
    DONE = "done"


class IncidentStep(Model):
    step: RollbackStep
    state: StepState = StepState.PENDING
    at: Instant | None = None
    result: Line = ""


class Incident(Model):
    """The record of one rollback."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    id: Name
    train: Name
    release: Version
    commit: Sha
    phase: Name
    canary_percent: int = Field(ge=0, le=100)
    """Where the rollout stood when it was frozen."""
    started_at: Instant
    started_by: Line
    triggers: tuple[TriggerFinding, ...]
    actions: tuple[Action, ...]
    steps: tuple[IncidentStep, ...]
    gates: tuple[GateFinding, ...] = ()
    """The gate results that led here."""
