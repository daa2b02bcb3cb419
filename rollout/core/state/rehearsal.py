"""rehearsal.yaml: the newest rehearsal of a rollback, done on a scratch copy."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from typing import Literal

from pydantic import Field

from rollout.core.contract import RollbackStep
from rollout.core.values import Instant, Line, Model, Name, Sha, Version


class RehearsedStep(Model):
    step: RollbackStep
    result: Line


class Rehearsal(Model):
    """That every step was gone through to its end, for one release."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    train: Name
    release: Version
    commit: Sha
    """The release commit that it is for: a rehearsal of another release proves nothing."""
    at: Instant
    by: Line
    target: Version | None
    """None where a rollback reverts only."""
    tip: Sha
    """The commit of the product's branch that the revert was made on."""
    steps: tuple[RehearsedStep, ...]
