"""What happens when a trigger fires."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal, Self

from pydantic import model_validator

from rollout.core.contract.product import RunCommand
from rollout.core.values import Model, RelativePath


class RollbackStep(StrEnum):
    """The six steps of the runbook, in their order."""

    FREEZE = "freeze"
    CAPTURE_EVIDENCE = "capture_evidence"
    INSPECT_TARGET = "inspect_target"
    APPLY_METADATA = "apply_metadata"
    REVERT = "revert"
    REVALIDATE = "revalidate"

    @property
    def label(self) -> str:
        """Its name for people, wherever a rollback is shown."""
        return _TITLES.get(self, self.replace("_", " "))


_TITLES = {RollbackStep.APPLY_METADATA: "apply target", RollbackStep.REVALIDATE: "validate again"}
"""Those that are not called as the files of state call them."""


class ApplyTarget(RunCommand):
    """Brings the rollback target to the product; `{version}` and `{channel}` are filled in."""


class SwitchLane(RunCommand):
    """Sends a surface to a lane; `{surface}` and `{lane}` (`known_good` or `release`) are filled in."""


class Rollback(Model):
    """What happens when a trigger fires."""

    canary_percent: Literal["zero", "hold"] = "zero"
    """Where the freeze leaves the canary percent."""
    steps: tuple[RollbackStep, ...] = tuple(RollbackStep)
    evidence: tuple[RelativePath, ...] = ()
    """Globs below the product's folder, captured before any clean-up."""
    evidence_in_git: tuple[RelativePath, ...] = ()
    """Those of them whose bodies may go into git."""
    evidence_copies: Literal["always", "never"] = "always"
    """Whether files are copied beside their digests, and with them the whole output of commands that failed.
    On GitHub the copies are an artifact, which in a public repository anybody can download."""
    apply: ApplyTarget | None = None
    """The product's own command for the target version; left out, only the tool's metadata moves."""
    lane: SwitchLane | None = None
    """How a surface gets to its known-good lane; left out, `lanes` in desired state is all that says so."""
    revert: Literal["pull_request", "push"] = "pull_request"

    @model_validator(mode="after")
    def _whole_runbook(self) -> Self:
        if self.steps != tuple(RollbackStep):
            raise ValueError(f"steps: must be {', '.join(RollbackStep)}, in this order")
        return self
