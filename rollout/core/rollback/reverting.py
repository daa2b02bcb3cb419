"""Step 5: what the product's branch shows of the revert, and what that means."""

from __future__ import annotations

from typing import assert_never

from rollout.core.contract import Rollback
from rollout.core.state import Incident, IncidentStep, Proposal, Revert, RevertFact, RevertOutcome, StepState

BY_HAND = "or revert it by hand: the next reconcile notices"
_OPEN = "the pull request is open, to be merged"


def revert_of(incident: Incident) -> Revert:
    """The incident's revert; before it began, with the branch that it will have."""
    return incident.revert or Revert(branch=f"rollout-revert/{incident.train}/{incident.id}")


def proposed_anew(incident: Incident) -> Revert:
    """The revert from a branch of another name: the pull request from the last one was closed."""
    revert, tries = revert_of(incident), revert_of(incident).tries + 1
    branch = f"rollout-revert/{incident.train}/{incident.id}-{tries}"
    return revert.model_copy(update={"branch": branch, "tries": tries})


def why_not_clean(fact: RevertFact) -> str:
    """Why a person is needed to revert; empty when the tool can do it, or it is done."""
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
    """What GitHub refuses to some tokens: it is tried all the same, and told long before."""
    if fact.outcome is RevertOutcome.CLEAN and fact.workflows:
        return f"the revert changes {_paths(fact)}, which only a token with workflows: write may push"
    return ""


def _paths(fact: RevertFact) -> str:
    return ", ".join(fact.paths) or "some files"


def standing(fact: RevertFact, policy: Rollback) -> tuple[StepState, str]:
    """How the step stands while the branch still holds the release."""
    match fact.proposal:
        case Proposal.OPEN:
            return StepState.RUNNING, _OPEN
        case Proposal.MERGED:
            return StepState.RUNNING, "the pull request is merged; the branch does not show it yet"
        case Proposal.CLOSED:
            again = "rollout rollback --reason WHY proposes it anew"
            return StepState.BLOCKED, f"the pull request was closed without a merge; {again}, {BY_HAND}"
        case None:
            return _not_proposed(fact, policy)
        case _:
            assert_never(fact.proposal)


def waits_for_merge(step: IncidentStep) -> bool:
    """Whether the recorded step says that a person has to merge, whatever number the pull request has."""
    return step.state is StepState.RUNNING and step.result == _OPEN


def _not_proposed(fact: RevertFact, policy: Rollback) -> tuple[StepState, str]:
    why = why_not_clean(fact)
    if why:
        return StepState.BLOCKED, f"{why}; revert it by hand: the next reconcile notices"
    way = "pushed" if policy.revert == "push" else "proposed"
    if fact.refused:
        return StepState.BLOCKED, f"it could not be {way}: {fact.refused}; tried again each time, {BY_HAND}"
    return StepState.RUNNING, f"{_commits(fact)}, being {way}"


def _commits(fact: RevertFact) -> str:
    number = len(fact.commits)
    return "1 commit" if number == 1 else f"{number} commits"


def how_it_landed(fact: RevertFact) -> str:
    """What the incident says once the branch lacks what the release brought."""
    assert fact.landed is not None
    at = f"the branch lacks the release at {fact.landed[:10]}"
    return f"{at}, its pull request is merged" if fact.proposal is Proposal.MERGED else at


def has_to_act(step: StepState, fact: RevertFact | None) -> bool:
    """Whether it is time to propose or push: begun, clean, and nobody has done so yet."""
    if fact is None or step not in (StepState.RUNNING, StepState.BLOCKED):
        return False
    is_open = fact.proposal is None and fact.landed is None
    return is_open and fact.outcome is RevertOutcome.CLEAN
