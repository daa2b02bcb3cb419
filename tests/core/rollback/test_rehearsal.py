import pytest

from rollout.core.contract import RollbackStep
from rollout.core.rollback.rehearsal import RehearsalOutcome
from rollout.core.state import IncidentStep, StepState


@pytest.mark.parametrize(
    ("states", "tip", "passed", "stuck"),
    [
        ([StepState.DONE, StepState.SKIPPED], "a" * 40, True, None),
        ([StepState.DONE, StepState.BLOCKED], "a" * 40, False, RollbackStep.CAPTURE_EVIDENCE),
        ([StepState.RUNNING, StepState.PENDING], "a" * 40, False, RollbackStep.FREEZE),
        ([StepState.DONE, StepState.DONE], None, False, None),
        ([StepState.DONE] * 5 + [StepState.SKIPPED], "a" * 40, False, None),
    ],
)
def test_passes_only_when_every_step_came_to_its_end(
    states: list[StepState], tip: str | None, passed: bool, stuck: RollbackStep | None
) -> None:
    steps = tuple(
        IncidentStep(step=step, state=state) for step, state in zip(RollbackStep, states, strict=False)
    )
    rehearsed = RehearsalOutcome("v0.1.5", "c" * 40, "v0.1.4", tip, steps)
    assert rehearsed.passed is passed
    assert (rehearsed.stuck.step if rehearsed.stuck else None) is stuck
