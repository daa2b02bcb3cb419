"""Triggers: the conditions that start a rollback, or freeze, one model a kind."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rollout.core.contract.gates import BurnWindow
from rollout.core.values import Identifier, Line, Model, Name


class Action(StrEnum):
    """What the firing of a trigger sets off, in the words of the runbook's matrix."""

    FREEZE = "freeze"
    ROLLBACK = "rollback"
    CAPTURE_EVIDENCE = "capture_evidence"
    KNOWN_GOOD_LANE = "known_good_lane"
    BLOCK_SIGNOFF = "block_signoff"


class _Trigger(Model):
    name: Name
    phases: tuple[Name, ...] | None = None
    """The phases it watches; from the second one to the last when left out."""
    surfaces: tuple[Name, ...] | None = None
    actions: tuple[Action, ...]
    """`[freeze]` alone stops promotion, and a person decides; else `freeze` and `rollback`, and others."""

    @property
    def rolls_back(self) -> bool:
        """Whether it starts a rollback; else it freezes and nothing more."""
        return Action.ROLLBACK in self.actions

    @model_validator(mode="after")
    def _always_stops(self) -> Self:
        given = set(self.actions)
        if given != {Action.FREEZE} and not {Action.FREEZE, Action.ROLLBACK} <= given:
            raise ValueError("actions: give freeze and rollback, with others or without, or freeze alone")
        return self


class HealthRegressionTrigger(_Trigger):
    """A surface in one of these states for so many consecutive checks."""

    kind: Literal["health_regression"]
    states: tuple[Literal["degraded", "failing"], ...] = Field(min_length=1)
    checks: int = Field(ge=1, le=100)


class ThresholdTrigger(_Trigger):
    """A numeric field at or above a bound, or at or below one, for so many consecutive checks."""

    kind: Literal["threshold"]
    field: Identifier
    at_least: float | None = None
    """Fires at this value and above it, such as a share of errors."""
    at_most: float | None = None
    """Fires at this value and below it, such as a rate of requests. Give one of the two. Of a proportion:
    when it is surely beyond."""
    checks: int = Field(default=1, ge=1, le=100)
    """1 fires at once."""
    significance: float = Field(default=0.05, gt=0, le=0.5)
    """Of a proportion: how often the verdict may err over a whole phase, however often it is looked at."""
    min_effect: float = Field(default=0, ge=0, lt=1)
    """Of a proportion: a difference from the bound that is too small to matter."""

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        return self

    def is_reached(self, value: float) -> bool:
        """Returns whether a field of that value counts as a bad check."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most


class RatioTrigger(_Trigger):
    """A numeric field above so many times another one of the same surface, for so many consecutive checks.

    It watches no phase at 0 % or 100 %, where there is nothing to compare with."""

    kind: Literal["ratio"]
    field: Identifier
    over: Identifier
    """The field that it is divided by, such as that of the version before."""
    max: float = Field(gt=0)
    """Fires above it; 2 allows twice as much."""
    checks: int = Field(default=1, ge=1, le=100)
    """1 fires at once."""


class BurnRateTrigger(_Trigger):
    """A pair of windows in which the error budget burns faster than its factor, for so many consecutive
    checks."""

    kind: Literal["burn_rate"]
    good: Identifier
    """The query that counts what went well; it holds `{window}`, and is asked once for each window."""
    total: Identifier
    """The query that counts everything."""
    objective: float = Field(gt=0, lt=1)
    """The share that is to go well, such as 0.999."""
    windows: tuple[BurnWindow, ...] = Field(min_length=1, max_length=10)
    checks: int = Field(default=1, ge=1, le=100)
    """1 fires at once."""


class NewCounterTrigger(_Trigger):
    """Any of these counters has risen since the phase's baseline."""

    kind: Literal["new_counter"]
    counters: tuple[Identifier, ...] = Field(min_length=1)


class TimelineTrigger(_Trigger):
    """A timeline step is not ok, or has an error code."""

    kind: Literal["timeline_error"]


class ValidationTrigger(_Trigger):
    """The harness (started after the rollout did) or a CI check of the release commit failed."""

    kind: Literal["validation_failure"]
    harness: bool = True
    checks: Line | None = None


Trigger = Annotated[
    HealthRegressionTrigger
    | ThresholdTrigger
    | RatioTrigger
    | BurnRateTrigger
    | NewCounterTrigger
    | TimelineTrigger
    | ValidationTrigger,
    Field(discriminator="kind"),
]
