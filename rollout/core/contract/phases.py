"""Phases: how many users get the release, for how long, and what must hold to go on."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from pydantic import Field

from rollout.core.contract.gates import Gate
from rollout.core.values import Duration, Model, Name, Percent


class RunsSoak(Model):
    """Soak counted in complete runs: harness runs where the phase has a harness gate, else healthy checks."""

    runs: int = Field(ge=1, le=1000)


class Phase(Model):
    name: Name
    canary_percent: Percent
    soak: Duration | RunsSoak
    max_gap: Duration | None = None
    """Overrides `sampling.max_gap` for this phase."""
    warm_up: Duration = 0
    """Readings of the phase's first minutes earn no soak and fail no gate; triggers judge them."""
    inherit: Name | None = None
    """The gates of this phase hold here too."""
    gates: tuple[Gate, ...] = ()

    @property
    def has_baseline(self) -> bool:
        """Whether some users have the release and others have not, so that the two can be compared."""
        return 0 < self.canary_percent < 100
