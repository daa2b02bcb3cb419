"""Step 5: what the product's branch shows of the revert, and what that means."""

from __future__ import annotations

from typing import assert_never

from rollout.core.contract import Rollback, RollbackStep
from rollout.core.state import Incident, IncidentStep, Proposal, Revert, RevertFact, RevertOutcome, StepState

BY_HAND = "or revert it by hand: the next reconcile notices"
DECLARE = "rollout rollback --reverted COMMIT --reason WHY"
_ANEW = "rollout rollback --reason WHY proposes it anew"
_OPEN = "the pull request is open, to be merged"


def revert_of(incident: Incident) -> Revert:
    """Returns the incident's revert; before it began, with the branch that it will have."""
    return incident.revert or Revert(branch=f"rollout-revert/{incident.train}/{incident.id}")


def proposed_anew(incident: Incident) -> Revert:
    """Returns the revert from a branch of another name: the pull request from the last one was closed."""
    revert, tries = revert_of(incident), revert_of(incident).tries + 1
    branch = f"rollout-revert/{incident.train}/{incident.id}-{tries}"
    return revert.model_copy(update={"branch": branch, "tries": tries, "taken_back": None})


def may_be_proposed_anew(incident: Incident, fact: RevertFact | None) -> bool:
    """Returns whether the last pull request, or the revert that was there, did not lead to an end."""
    if incident.step(RollbackStep.REVERT).state is not StepState.BLOCKED:
        return False
    came_to_nothing = fact is not None and fact.proposal in (Proposal.CLOSED, Proposal.MERGED)
    return came_to_nothing or revert_of(incident).taken_back is not None


def why_not_clean(fact: RevertFact) -> str:
    """Returns why a person is needed to revert; empty when the tool can do it, or it is done."""
    match fact.outcome:
        case RevertOutcome.CONFLICT:
            return f"the revert conflicts in {_paths(fact)}"
        case RevertOutcome.MISSING:
            return f"the revert cannot be worked out: {fact.detail or 'a commit is missing'}"
        case RevertOutcome.CLEAN | RevertOutcome.NOTHING | None:
            return ""
        case _:
            assert_never(fact.outcome)


def what_may_be_refused(fact: RevertFact) -> str:
    """Returns what GitHub refuses to some tokens: we warn early, then try anyway."""
    if fact.outcome is RevertOutcome.CLEAN and fact.workflows:
        return f"the revert changes {_paths(fact)}, which only a token with workflows: write may push"
    return ""


def _paths(fact: RevertFact) -> str:
    return ", ".join(fact.paths) or "some files"


def standing(fact: RevertFact, revert: Revert, policy: Rollback) -> tuple[StepState, str]:
    """Returns how the step stands while the branch still holds the release."""
    if revert.taken_back is not None:
        return StepState.BLOCKED, f"{revert.taken_back[:10]} reverted the revert; {_ANEW}, {BY_HAND}"
    match fact.proposal:
        case Proposal.OPEN:
            return StepState.RUNNING, _OPEN
        case Proposal.MERGED:
            return _merged(fact)
        case Proposal.CLOSED:
            return StepState.BLOCKED, f"the pull request was closed without a merge; {_ANEW}, {BY_HAND}"
        case None:
            return _not_proposed(fact, policy)
        case _:
            assert_never(fact.proposal)


def _merged(fact: RevertFact) -> tuple[StepState, str]:
    """Judges a pull request that is merged, although the branch holds the release."""
    if fact.merged is None:
        return StepState.RUNNING, "the pull request is merged; the branch does not show it yet"
    merged = f"the pull request was merged as {fact.merged[:10]}"
    if fact.taken_back is not None:
        return StepState.BLOCKED, f"{merged}, and {fact.taken_back[:10]} reverted it; {_ANEW}, {BY_HAND}"
    why = f"{merged}, and the branch still holds a part of the release"
    return StepState.BLOCKED, f"{why}; {_ANEW}, or declare it done: {DECLARE}"


def waits_for_merge(step: IncidentStep) -> bool:
    """Returns whether the recorded step says that a person has to merge, whatever number the pull request
    has.
    """
    return step.state is StepState.RUNNING and step.result == _OPEN


def _not_proposed(fact: RevertFact, policy: Rollback) -> tuple[StepState, str]:
    why = why_not_clean(fact)
    if fact.outcome is RevertOutcome.MISSING:
        return StepState.BLOCKED, f"{why}; revert it by hand, then: {DECLARE}"
    if why:
        by_hand = "revert it by hand: the next reconcile notices when nothing of the release is left"
        return StepState.BLOCKED, f"{why}; {by_hand}, else declare it done: {DECLARE}"
    way = "pushed" if policy.revert == "push" else "proposed"
    if fact.refused:
        return StepState.BLOCKED, f"it could not be {way}: {fact.refused}; tried again each time, {BY_HAND}"
    return StepState.RUNNING, f"{_commits(fact)}, being {way}"


def _commits(fact: RevertFact) -> str:
    number = fact.total or len(fact.commits)
    return "1 commit" if number == 1 else f"{number} commits"


def how_it_landed(fact: RevertFact) -> str:
    """Returns what the incident says once the branch lacks what the release brought."""
    assert fact.landed is not None
    at = f"the branch lacks the release at {fact.landed[:10]}"
    return f"{at}, its pull request is merged" if fact.proposal is Proposal.MERGED else at


def how_declared(commit: str) -> str:
    """Returns what the incident says once a person has declared the revert done."""
    return f"declared done at {commit[:10]} by a person"


def has_to_act(step: StepState, fact: RevertFact | None, revert: Revert) -> bool:
    """Returns whether it is time to propose or push: begun, clean, and nobody has done so yet."""
    if fact is None or step not in (StepState.RUNNING, StepState.BLOCKED):
        return False
    if revert.declared is not None or revert.taken_back is not None:
        return False
    is_open = fact.proposal is None and fact.landed is None
    return is_open and fact.outcome is RevertOutcome.CLEAN
