"""What the demo tells of a rollback: each step that reconcile takes, and the end."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.commands.reconcile.report import Report
from rollout.core.effects import OpenIssue, OpenPullRequest
from rollout.core.state import Event, StepState, TrainState, Work

_WORK = {
    Work.APPLY: "bring the percent to the product",
    Work.HARNESS: "run the product's validation harness",
    Work.CAPTURE_EVIDENCE: "capture the incident's evidence",
    Work.APPLY_TARGET: "bring the old version to the product",
    Work.KNOWN_GOOD_LANE: "switch the known-good lane",
    Work.RELEASE_LANE: "switch back to the release's lane",
}


def asked_for(state: TrainState) -> Iterator[str]:
    """Yields what the product side is about to do."""
    for request in state.status.requests if state.status else ():
        if request.result is None:
            yield f"{_WORK[request.work]}, as reconcile asked"


def beats(report: Report) -> Iterator[str]:
    """Yields what one reconcile did for a rollback, in its order."""
    for taken in report.steps:
        step, incident = taken.step, taken.step.change.incident
        if step.event is Event.ROLLBACK and incident is not None and step.change.status is not None:
            yield f"ROLLBACK: {step.change.status.decision.reasons[0]}"
            yield f"freeze in {incident.phase}, open incident {incident.id}"
        elif step.event is Event.ROLLBACK_STEP:
            yield step.detail
        elif step.event is Event.ROLLED_BACK:
            yield step.detail
            yield f"ROLLED BACK; {incident.release if incident else 'the release'} is in quarantine"
    for effect in report.effects:
        if isinstance(effect, OpenIssue):
            yield f"open issue: {effect.title}"
        elif isinstance(effect, OpenPullRequest) and not effect.to_phase:
            yield f"open pull request {effect.branch}"


def landed(state: TrainState) -> str | None:
    """Returns the revision that holds the revert, as long as it is not validated."""
    incident = state.incident
    if incident is None or incident.revert is None or incident.current is None:
        return None
    return incident.revert.landed if incident.current.state is StepState.RUNNING else None
