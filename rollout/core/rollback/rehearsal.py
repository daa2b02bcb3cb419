"""How a rehearsal of a rollback went."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.core.contract import RollbackStep
from rollout.core.state import IncidentStep, StepState

_GOOD = frozenset({StepState.DONE, StepState.SKIPPED})


@dataclass(frozen=True)
class RehearsalOutcome:
    release: str
    commit: str
    target: str
    """Empty where a rollback reverts only, or waits for a person to name one."""
    tip: str | None
    """The product branch's commit that the revert was made on; None when there is no such branch."""
    steps: tuple[IncidentStep, ...]

    @property
    def passed(self) -> bool:
        return self.tip is not None and self.stuck is None and not self.unvalidated

    @property
    def stuck(self) -> IncidentStep | None:
        """Where a real rollback would wait for a person."""
        return next((step for step in self.steps if step.state not in _GOOD), None)

    @property
    def unvalidated(self) -> str:
        """Why a real rollback would end without a validation; empty when it would not."""
        skipped = (step for step in self.steps if step.state is StepState.SKIPPED)
        last = next((step for step in skipped if step.step is RollbackStep.REVALIDATE), None)
        return (last.result or "nothing was validated") if last else ""
