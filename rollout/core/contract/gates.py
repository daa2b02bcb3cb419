"""Gates: the conditions to leave a phase, one model a kind."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rollout.core.values import (
    Duration,
    Identifier,
    Line,
    Model,
    Name,
)


class _Gate(Model):
    name: Identifier | None = None
    """Shown to people; the default says kind and subject."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it looks at."""

    @property
    def title(self) -> str:
        return self.name or self.subject


class SurfaceGate(_Gate):
    surfaces: tuple[Name, ...] | None = None
    """Which surfaces it looks at; all when left out."""


class HealthStateGate(SurfaceGate):
    kind: Literal["health_state"]
    is_: Literal["healthy"] = Field(default="healthy", alias="is")

    @property
    def subject(self) -> str:
        return "health_state"


class ThresholdGate(SurfaceGate):
    """A numeric field within bounds, both inclusive.

    A proportion is judged on all that the phase has counted: satisfied when it is surely within, unsatisfied
    when it is surely beyond, else unknown until more samples have come."""

    kind: Literal["threshold"]
    field: Identifier
    max: float | None = None
    min: float | None = None
    significance: float = Field(default=0.05, gt=0, le=0.5)
    """Of a proportion: how often the verdict may err over a whole phase, however often it is looked at."""
    min_effect: float = Field(default=0, ge=0, lt=1)
    """Of a proportion: a difference from the bound that is too small to matter."""

    @property
    def subject(self) -> str:
        return self.field

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.max is None and self.min is None:
            raise ValueError("give max, min or both")
        return self


class RatioGate(SurfaceGate):
    """A numeric field that is at most so many times another one of the same surface: canary against baseline.

    Not applicable at 0 % and 100 %, where there is nothing to compare with. A division by zero is unknown."""

    kind: Literal["ratio"]
    field: Identifier
    over: Identifier
    """The field that it is divided by, such as that of the version before."""
    max: float = Field(gt=0)
    """1.5 allows half as much again."""

    @property
    def subject(self) -> str:
        return f"ratio.{self.field}"


class BurnWindow(Model):
    """A pair of windows that both have to burn faster than `factor`."""

    long: Duration
    """Says that it matters, such as `1h`."""
    short: Duration
    """Says that it still goes on, such as `5m`."""
    factor: float = Field(gt=0)
    """How many times as fast as the error budget allows."""

    @model_validator(mode="after")
    def _short_is_shorter(self) -> Self:
        if not 0 < self.short < self.long:
            raise ValueError("short: must be shorter than long, and longer than nothing")
        return self


class BurnRateGate(SurfaceGate):
    """How fast a service spends the error budget of its objective: no pair of windows burns faster than its
    factor."""

    kind: Literal["burn_rate"]
    good: Identifier
    """The query that counts what went well; it holds `{window}`, and is asked once for each window."""
    total: Identifier
    """The query that counts everything."""
    objective: float = Field(gt=0, lt=1)
    """The share that is to go well, such as 0.999."""
    windows: tuple[BurnWindow, ...] = Field(min_length=1, max_length=10)

    @property
    def subject(self) -> str:
        return f"burn_rate.{self.total}"


class EqualsGate(SurfaceGate):
    """A text field with exactly this value."""

    kind: Literal["equals"]
    field: Identifier
    value: Line
    """`{version}` and `{commit}` are the release's, `{phase}` and `{percent}` those of the gate's phase."""

    @property
    def subject(self) -> str:
        return self.field


class CounterGate(SurfaceGate):
    """What a counter did."""

    kind: str
    counter: Identifier

    @property
    def subject(self) -> str:
        return f"{self.kind}.{self.counter}"


class NoNewGate(CounterGate):
    """A counter that has not risen since the phase's baseline, for good."""

    kind: Literal["no_new"]


class FlatGate(CounterGate):
    """A counter that does not rise; a rise fails once, resets the soak and is the new baseline."""

    kind: Literal["flat"]


class AdvancingGate(CounterGate):
    """A counter that has risen since the phase was entered. A condition to leave, not a reading of health."""

    kind: Literal["advancing"]
    by: int = Field(default=1, ge=1, le=10**15)
    """How much it must have risen at least, such as 300 requests, so that an idle canary is not promoted."""


class TimelineGate(SurfaceGate):
    """Every step of a surface's timeline is ok and has no error code."""

    kind: Literal["timeline_clean"]

    @property
    def subject(self) -> str:
        return "timeline_clean"


class NoTriggerGate(_Gate):
    """No trigger of the contract fires."""

    kind: Literal["no_trigger"]

    @property
    def subject(self) -> str:
        return "no_trigger"


class HarnessGate(_Gate):
    """The newest complete harness run, started after the rollout did, has exactly these figures."""

    kind: Literal["harness"]
    total: int = Field(ge=1)
    passed: int = Field(ge=1)
    failed: int = Field(default=0, ge=0)

    @property
    def subject(self) -> str:
        return "harness"


class CiChecksGate(_Gate):
    """Check runs of the release commit: all that match are green, and at least so many are there."""

    kind: Literal["ci_checks"]
    checks: Line
    """A glob over the names of jobs and the contexts of commit statuses that GitHub shows, such as
    `Live smoke *`. It never matches the jobs of rollout itself. A name that two workflows have is as good as
    the worse of them."""
    at_least: int = Field(default=1, ge=1)

    @property
    def subject(self) -> str:
        return "ci_checks"


class RollbackTargetGate(_Gate):
    """A version to go back to is recorded."""

    kind: Literal["rollback_target"]

    @property
    def subject(self) -> str:
        return "rollback_target"


class SignoffGate(_Gate):
    """Every sign-off item with this `before` is signed for the release commit."""

    kind: Literal["signoff"]
    before: Name

    @property
    def subject(self) -> str:
        return f"signoff.{self.before}"


Gate = Annotated[
    HealthStateGate
    | ThresholdGate
    | RatioGate
    | BurnRateGate
    | EqualsGate
    | NoNewGate
    | FlatGate
    | AdvancingGate
    | TimelineGate
    | NoTriggerGate
    | HarnessGate
    | CiChecksGate
    | RollbackTargetGate
    | SignoffGate,
    Field(discriminator="kind"),
]

SOAK_GATE = "soak"
APPLIED_GATE = "applied"
RESERVED_GATE_NAMES = (SOAK_GATE, APPLIED_GATE)
"""Gates that every phase has without naming them."""
