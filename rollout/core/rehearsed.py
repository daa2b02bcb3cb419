"""How a rehearsal of a rollback went."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.core.state import IncidentStep, StepState

_GOOD = frozenset({StepState.DONE, StepState.SKIPPED})


@dataclass(frozen=True)
class Rehearsed:
    release: str
    commit: str
    target: str
    """Empty when there is none."""
    tip: str | None
    """The product branch's commit that the revert was made on; None when there is no such branch."""
    steps: tuple[IncidentStep, ...]

    @property
    def passed(self) -> bool:
        return self.tip is not None and self.stuck is None

    @property
    def stuck(self) -> IncidentStep | None:
        """Where a real rollback would wait for a person."""
        return next((step for step in self.steps if step.state not in _GOOD), None)
