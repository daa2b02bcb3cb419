"""What reconcile does outside for a rollback: the revert, and the incident's issue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from rollout.core.effects import (
    CloseIssue,
    IssueEffect,
    OpenIssue,
    OpenPullRequest,
    PushRevert,
    RevertEffect,
    UpdateIssue,
)
from rollout.core.rollback.effects import plan_issue
from rollout.core.state import TrainState
from rollout.ports import Issues, Reverter, opened_twice
from rollout.rendering.incident import incident_title, revert_body, revert_message
from rollout.rendering.inert import Markdown, finalize


@dataclass(frozen=True)
class Responder:
    """The ports that a rollback acts through, and the text of its issue."""

    reverter: Reverter
    issues: Issues
    incident_body: Callable[[TrainState, str], str]
    """Takes the train and the name of the pull request that reverts its release, empty when there is none."""
    pushes_workflows: bool
    """Whether the tool is sure to be allowed to change workflow files; on GitHub that is up to its token."""
    product_page: Callable[[], str] = str
    """The address of the product's repository; empty on the local forge."""

    def revert(self, effect: RevertEffect, state: TrainState, at: datetime) -> None:
        """Carries it out. Raises RefusedError, OutsideError."""
        release = state.rollout.release
        assert release is not None
        message = revert_message(state)
        match effect:
            case OpenPullRequest():
                body = revert_body(state, self.product_page())
                self.reverter.propose(release, effect.branch, message, body, at=at)
            case PushRevert():
                self.reverter.push(release, message, at=at)
            case _:
                assert_never(effect)

    def plan_issue(self, state: TrainState) -> list[IssueEffect]:
        """Returns what the issue lacks; nothing for a train without an incident."""
        if state.incident is None:
            return []
        issue = self.issues.find(state.incident.id)
        body = self.incident_body(state, self._pull_request(state))
        effects = plan_issue(state, issue, incident_title(state.incident), body)
        twice = self.issues.duplicates(state.incident.id) if issue else ()
        again = Markdown(opened_twice(issue.number)) if issue else ""
        return effects + [CloseIssue(one.number, again) for one in twice]

    def _pull_request(self, state: TrainState) -> str:
        """Returns `#7` or `owner/name#7`, as GitHub links it; empty when there is none."""
        revert = state.incident.revert if state.incident else None
        pull = self.reverter.proposed(revert.branch) if revert else None
        return f"{state.contract.product.repository or ''}#{pull.number}" if pull else ""

    def tell(self, effect: IssueEffect, at: datetime) -> None:
        """Carries it out. Raises OutsideError."""
        match effect:
            case OpenIssue():
                self.issues.open(effect, at=at)
            case UpdateIssue():
                self.issues.update(effect, at=at)
            case CloseIssue():
                self.issues.close(effect.number, finalize(effect.reason), at=at)
            case _:
                assert_never(effect)
