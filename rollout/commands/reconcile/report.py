"""What one reconcile found and did, for people and as `--json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from rollout.core.decide.step import Step
from rollout.core.effects import (
    CloseIssue,
    ClosePullRequest,
    Effect,
    OpenIssue,
    OpenPullRequest,
    PushRevert,
    SetStatus,
    UpdateIssue,
    UpdatePullRequest,
    WritePercent,
)
from rollout.core.signoff.window import SignoffEffect
from rollout.core.state import Event, TrainState, UnusableFile, Verdict
from rollout.errors import InputError

_KINDS: dict[type[Effect], str] = {
    OpenPullRequest: "open_pull_request",
    UpdatePullRequest: "update_pull_request",
    ClosePullRequest: "close_pull_request",
    SetStatus: "set_status",
    PushRevert: "push_revert",
    WritePercent: "write_percent",
    OpenIssue: "open_incident",
    UpdateIssue: "update_incident",
    CloseIssue: "close_incident",
}
_NOT_SHOWN = ("body", "labels", "assignees")
"""A body is up to 60,000 characters of what the rest of the document says already."""


@dataclass(frozen=True)
class StepCommit:
    """A step that was taken, and its commit (None in a dry run)."""

    step: Step
    commit: str | None


@dataclass
class Report:
    """What one reconcile found and did."""

    state: TrainState
    steps: list[StepCommit] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    signoff_effects: list[SignoffEffect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Evidence that was ignored, and why."""
    refused: list[InputError] = field(default_factory=list)
    """Why evidence was left out that cannot be believed."""
    broken: tuple[UnusableFile, ...] = ()
    """Files that could not be used when the run began."""

    @property
    def fixed(self) -> tuple[UnusableFile, ...]:
        """Those of them that the run has written anew."""
        written = [taken.step.change for taken in self.steps if taken.commit]
        return tuple(each for each in self.broken if any(change.writes(each.name) for change in written))

    @property
    def illegal(self) -> str:
        """Why a step had to be undone; empty when none was."""
        steps = (taken.step for taken in self.steps)
        return next((step.detail for step in steps if step.event is Event.ILLEGAL_STEP), "")

    @property
    def is_ready(self) -> bool:
        """Whether a promotion is decided, so that its pull request is open."""
        status, rollout = self.state.status, self.state.rollout
        return status is not None and not rollout.frozen and status.decision.verdict is Verdict.PROMOTE

    @property
    def froze(self) -> str:
        """Which trigger froze the rollout in this run; empty when none did."""
        frozen = self.state.rollout.frozen
        return frozen.reason if frozen and any(taken.step.is_by_trigger for taken in self.steps) else ""

    def rows(self) -> list[dict[str, object]]:
        """Returns every commit and every change of the forge, in their order, each as `{kind, ...}`."""
        commits: list[dict[str, object]] = [
            {
                "kind": "commit",
                "event": taken.step.event.value,
                "commit": taken.commit,
                "detail": taken.step.detail,
            }
            for taken in self.steps
        ]
        return (
            commits
            + [_row(effect) for effect in self.effects]
            + [asdict(effect) for effect in self.signoff_effects]
        )


def _row(effect: Effect) -> dict[str, object]:
    if isinstance(effect, OpenPullRequest) and not effect.to_phase:
        return {"kind": "propose_revert", "branch": effect.branch}
    fields = {key: value for key, value in asdict(effect).items() if key not in _NOT_SHOWN}
    return {"kind": _KINDS[type(effect)], **fields}
