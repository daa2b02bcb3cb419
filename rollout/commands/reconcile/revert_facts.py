"""Ask the product's branch for what a rollback uses of it."""

from __future__ import annotations

from rollout.core.contract import RollbackStep
from rollout.core.decide.readings import head_of
from rollout.core.observation import HarnessReport
from rollout.core.rollback.revert_step import revert_of
from rollout.core.state import (
    Incident,
    Outcome,
    Proposal,
    Release,
    RevertFact,
    RevertOutcome,
    TrainState,
)
from rollout.core.text import inert
from rollout.errors import OutsideError, RolloutError
from rollout.ports import Reverter


class RevertFinder:
    """The facts of one run; what was worked out on a tip is not worked out again."""

    def __init__(self, reverter: Reverter, *, pushes_workflows: bool) -> None:
        """`pushes_workflows`: whether the tool is sure to be allowed to change workflow files."""
        self._reverter = reverter
        self._pushes_workflows = pushes_workflows
        self._previews: dict[tuple[str | None, str | None], RevertFact] = {}
        self._free: dict[tuple[str, str], bool] = {}
        self.refused = ""
        """Why the act of this run failed."""

    def fact(self, state: TrainState) -> RevertFact | None:
        """Returns what the branch shows now where that matters, else what is known;
        None when it cannot be asked.
        """
        known = state.status.facts.revert if state.status else None
        try:
            if _waits_for_it(state):
                return self._preview(state, known)
            incident = state.incident
            if incident is not None and _stands_at(state, RollbackStep.REVERT):
                return self._acting(state, incident, known)
            if incident is not None and _stands_at(state, RollbackStep.REVALIDATE):
                return self._watching(state, incident, known)
        except OutsideError:
            # Before the rollback an outage tells nothing new. In it nothing is begun on a guess.
            return known if state.rollout.outcome is Outcome.IN_PROGRESS else None
        return known

    def checkout(self, state: TrainState) -> str | None:
        """Returns the product checkout of the last harness run, when it lacks what the release brought."""
        incident, status, release = state.incident, state.status, state.rollout.release
        if state.rollout.outcome is not Outcome.ROLLING_BACK or incident is None or release is None:
            return None
        landed = incident.revert.landed if incident.revert else None
        seen = status.observation if status else None
        head = head_of(seen.harness or HarnessReport(), seen) if seen else None
        if landed is None or head is None:
            return None
        return head if head == landed or self.is_free(head, release, landed) else None

    def is_free(self, head: str, release: Release, landed: str) -> bool:
        """Returns whether that commit lacks what the release brought; False when that cannot be told.

        `landed` is the commit at which it was found to be undone.
        """
        if (head, landed) not in self._free:
            try:
                self._free[head, landed] = self._reverter.is_free_of(head, release, landed)
            except RolloutError:
                return False
        return self._free[head, landed]

    def _acting(self, state: TrainState, incident: Incident, known: RevertFact | None) -> RevertFact:
        pull = self._reverter.proposed(revert_of(incident).branch)
        proposal = Proposal(pull.state.value) if pull is not None else None
        merged = pull.merged_as if pull is not None and proposal is Proposal.MERGED else None
        fact = self._preview(state, known, merged)
        landed = fact.tip if fact.outcome is RevertOutcome.NOTHING else None
        is_open = proposal is None and landed is None
        refused = self.refused or (known.refused if known else "")
        return fact.model_copy(
            update={
                "proposal": proposal,
                "landed": landed,
                "refused": inert(refused, 300) if is_open else "",
            }
        )

    def _watching(self, state: TrainState, incident: Incident, known: RevertFact | None) -> RevertFact | None:
        """Returns what is known, unless somebody has reverted the revert since it landed."""
        landed = incident.revert.landed if incident.revert else None
        fact = self._preview(state, known, recorded=landed)
        return known if fact.taken_back is None else fact

    def _preview(
        self,
        state: TrainState,
        known: RevertFact | None,
        merged: str | None = None,
        recorded: str | None = None,
    ) -> RevertFact:
        release = state.rollout.release
        assert release is not None
        still_holds = known is not None and known.outcome is not None and self._is_as_at(known.tip)
        tip = self._reverter.tip()
        # A merge that changed no file leaves the branch as it was, and is news anyway.
        if known is not None and still_holds and known.merged == merged:
            return known.model_copy(update={"tip": tip, "proposal": None, "landed": None, "refused": ""})
        if (tip, merged) not in self._previews:
            preview = self._reverter.preview(release, merged=merged, recorded=recorded)
            self._previews[tip, merged] = self._as_it_matters(preview)
        return self._previews[tip, merged]

    def _is_as_at(self, before: str | None) -> bool:
        """Returns whether the branch is unchanged. Comes first: a forge can answer it in its listing."""
        try:
            return before is not None and self._reverter.unchanged_since(before)
        except RolloutError:
            return False

    def _as_it_matters(self, fact: RevertFact) -> RevertFact:
        """Returns the fact without the workflow files that it changes, where the tool may push these."""
        if not (fact.workflows and self._pushes_workflows):
            return fact
        return fact.model_copy(update={"paths": (), "workflows": False})


def _waits_for_it(state: TrainState) -> bool:
    """Returns whether users may be harmed: from the second phase on."""
    rollout = state.rollout
    first = state.contract.phases[0].name
    return rollout.outcome is Outcome.IN_PROGRESS and rollout.phase != first


def _stands_at(state: TrainState, step: RollbackStep) -> bool:
    incident = state.incident
    if state.rollout.outcome is not Outcome.ROLLING_BACK or incident is None:
        return False
    return incident.current is not None and incident.current.step is step
