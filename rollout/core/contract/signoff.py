"""The sign-off checklist: its items, what proves them, who signs them."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Literal, Self

from pydantic import model_validator

from rollout.core.values import Line, Model, Name

COMPLETE = "complete"
"""The `before` of sign-off items that completion waits for, where others name a phase."""


class Proof(StrEnum):
    """What the machine can prove about a sign-off item."""

    HARNESS = "harness"
    CI_CHECKS = "ci_checks"
    ROLLBACK_TARGET = "rollback_target"
    PHASE_SOAKED = "phase_soaked"
    SURFACE_HEALTHY = "surface_healthy"
    NO_TRIGGER = "no_trigger"


class ItemProof(Model):
    kind: Proof
    of: Name | None = None
    """The phase of `phase_soaked`, the surface of `surface_healthy`."""

    @model_validator(mode="after")
    def _says_of_what(self) -> Self:
        if (self.kind in (Proof.PHASE_SOAKED, Proof.SURFACE_HEALTHY)) != (self.of is not None):
            raise ValueError(
                f"of: needed by {Proof.PHASE_SOAKED} and {Proof.SURFACE_HEALTHY}, and only by them"
            )
        return self


class SignoffItem(Model):
    id: Name
    section: Line
    title: Line
    before: Name
    """A phase's name, or `complete`."""
    proof: ItemProof | None = None
    """Recorded by reconcile itself once it holds; without it a person signs."""
    role: Literal["owner", "reviewer", "approver"] = "reviewer"


class SignoffPolicy(Model):
    items: tuple[SignoffItem, ...] = ()
