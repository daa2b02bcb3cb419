"""The sign-off checklist: its items, what proves them, who signs them."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from rollout.core.values import Line, Model, Name

COMPLETE = "complete"
"""The `before` of sign-off items that completion waits for, where others name a phase."""

Login = Annotated[str, StringConstraints(pattern=r"^[^@\s`|<>][^@`|<>\x00-\x1f\x7f]{0,99}$")]
"""A person as the forge calls them: a login on GitHub, a name on the local forge."""


class Proof(StrEnum):
    """What the machine can prove about a sign-off item."""

    HARNESS = "harness"
    CI_CHECKS = "ci_checks"
    ROLLBACK_TARGET = "rollback_target"
    PHASE_SOAKED = "phase_soaked"
    SURFACE_HEALTHY = "surface_healthy"
    NO_TRIGGER = "no_trigger"
    REHEARSED = "rehearsed"
    """`rollout rehearse` went through a rollback of this release to its end."""


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
    """Recorded by reconcile itself once it holds; without it people sign."""
    role: Literal["owner", "reviewer", "approver"] = "reviewer"
    people: int = Field(default=1, ge=1, le=20)
    """How many different people have to sign it."""


class Roles(Model):
    """Who has which role. One that names nobody is anybody's who may write to the repository."""

    owner: tuple[Login, ...] = ()
    reviewer: tuple[Login, ...] = ()
    approver: tuple[Login, ...] = ()

    def named(self, role: str) -> tuple[str, ...]:
        """Returns the people of `owner`, `reviewer` or `approver`."""
        return {"owner": self.owner, "reviewer": self.reviewer, "approver": self.approver}[role]

    @property
    def everybody(self) -> tuple[str, ...]:
        """All who are named, each once, owners first."""
        return tuple(dict.fromkeys((*self.owner, *self.reviewer, *self.approver)))


class SignoffPolicy(Model):
    items: tuple[SignoffItem, ...] = ()
    roles: Roles = Roles.model_construct()
    author_may_approve: Literal["alone", "always", "never"] = "alone"
    """Whether whoever wrote a part of the release may sign an approver's item: authors and co-authors of its
    commits, and who opened its pull requests. `alone`: only where the contract names nobody else as approver,
    as in a team of one."""
    labels: tuple[Line, ...] = ()
    """Labels of the checklist's issue, beside the tool's own."""
