"""What a rollback changes outside: the revert on the product's branch, and the incident's issue."""

from __future__ import annotations

from rollout.core.contract import RollbackStep
from rollout.core.effects import (
    CloseIssue,
    IssueEffect,
    OpenIssue,
    OpenPullRequest,
    PushRevert,
    RevertEffect,
    UpdateIssue,
)
from rollout.core.issue import Issue, IssueState
from rollout.core.rollback.revert_step import has_to_act, revert_of
from rollout.core.rollback.validation import was_validated
from rollout.core.state import Incident, IncidentEnd, Outcome, RevertFact, TrainState

LABEL = "rollout-incident"


def plan_revert(state: TrainState, fact: RevertFact | None) -> RevertEffect | None:
    """Returns the act that step 5 has committed itself to, as long as the branch does not show it."""
    incident = state.incident
    if incident is None or state.rollout.outcome is not Outcome.ROLLING_BACK:
        return None
    if not has_to_act(incident.step(RollbackStep.REVERT).state, fact, revert_of(incident)):
        return None
    if state.contract.rollback.revert == "push":
        return PushRevert(incident.commit)
    return OpenPullRequest(revert_of(incident).branch)


def plan_issue(state: TrainState, shown: Issue | None, title: str, body: str) -> list[IssueEffect]:
    """Returns one issue an incident, current, and closed once the incident has ended.

    One that a person closed stays closed, and is kept current anyway.
    """
    incident = state.incident
    assert incident is not None
    if shown is None:
        return [OpenIssue(incident.id, title, body, (LABEL,))] if incident.ended is None else []
    effects: list[IssueEffect] = []
    if (shown.title, shown.body.strip()) != (title, body.strip()):
        effects.append(UpdateIssue(shown.number, title, body, (LABEL,)))
    if incident.ended is not None and shown.state is IssueState.OPEN:
        effects.append(CloseIssue(shown.number, _last_words(incident, incident.ended)))
    return effects


def _last_words(incident: Incident, ended: IncidentEnd) -> str:
    if ended.how == "cancelled":
        return "Cancelled: a false alarm."
    if was_validated(incident):
        return "Rolled back, and validated anew."
    return f"Rolled back; {incident.step(RollbackStep.REVALIDATE).result}."
