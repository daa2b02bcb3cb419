"""Step 6: is the revision that holds the revert good? Judged by the contract's own harness and CI gates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollout.core.contract import CiChecksGate, Contract, HarnessGate, RollbackStep
from rollout.core.decide import gates
from rollout.core.decide.readings import head_of, why_unclean
from rollout.core.decide.view import Leaf, view_of
from rollout.core.observation import HarnessReport, Observation
from rollout.core.state import Facts, Incident, Result, Status, StepState, TrainState

_NOTHING = "nothing was validated"
"""By the first rules a step of which this was said was recorded as done."""

NOT_CHECKED = "no commit that has the revert has such checks yet"
Judged = tuple[tuple[HarnessGate | CiChecksGate, Leaf], ...]


def gates_of(contract: Contract) -> tuple[HarnessGate | CiChecksGate, ...]:
    """Returns every harness and CI gate of any phase, each name once."""
    found = [gate for phase in contract.phases for gate in phase.gates]
    named = {gate.title: gate for gate in reversed(found) if isinstance(gate, HarnessGate | CiChecksGate)}
    return tuple(named.values())[::-1]


def judge(state: TrainState, status: Status, facts: Facts, incident: Incident) -> Judged:
    """Returns each of those gates with its answer; `facts.checks` have to be of a commit that has the
    revert.
    """
    since = incident.revert.noticed_at if incident.revert else None
    contract, rollout = state.contract, state.rollout
    assert rollout.release is not None
    assert since is not None
    # A run counts if it started after the revert was noticed, as elsewhere after the rollout started.
    begun = rollout.model_copy(update={"release": rollout.release.model_copy(update={"started_at": since})})
    view = view_of(
        replace(state, rollout=begun),
        status,
        facts,
        incident.phase,
        _of_the_revert(status, contract, facts, since),
        since=None,
        of_the_revert=True,
    )
    return tuple((gate, next(iter(gates.evaluate(gate, view)))) for gate in gates_of(contract))


def _of_the_revert(status: Status, contract: Contract, facts: Facts, since: datetime) -> Observation | None:
    """Returns the last observation; an older run, or one of a checkout that still has the release, says
    nothing.
    """
    observation = status.observation
    run = observation.harness if observation else None
    if observation is None or run is None or run.unknown is not None:
        return observation
    if run.started_at is None or run.started_at < since:
        why = "no run since the revert"
    else:
        why = _why_not_reverted(run, observation, status, contract, facts)
    return observation.model_copy(update={"harness": HarnessReport(unknown=why)}) if why else observation


def _why_not_reverted(
    run: HarnessReport, observation: Observation, status: Status, contract: Contract, facts: Facts
) -> str:
    if not status.by_first_rules:
        if contract.harness is not None and contract.harness.revision == "any":
            return ""
        if why := why_unclean(run, observation):
            return f"the last run was {why}"[:500]
    head = head_of(run, observation)
    if head is not None and head != facts.checkout:
        return f"the last run was of {head[:10]}, which still has the release"
    return ""


def was_validated(incident: Incident) -> bool:
    """Returns whether a rollback that is over was validated: step 6 is done, and had something to judge."""
    step = incident.step(RollbackStep.REVALIDATE)
    return step.state is StepState.DONE and not step.result.startswith(_NOTHING)


def in_words(judged: Judged, facts: Facts) -> tuple[StepState, str]:
    """Returns DONE when everything is green, BLOCKED when something is red, SKIPPED without gates, else
    RUNNING; and why.
    """
    if not judged:
        return StepState.SKIPPED, f"{_NOTHING}: the contract has neither a harness nor a CI gate"
    results = {leaf.result for _, leaf in judged}
    said = "; ".join(_said(gate, leaf, facts) for gate, leaf in judged)
    if Result.UNSATISFIED in results:
        return StepState.BLOCKED, f"red, stays frozen: {said}"
    if results == {Result.SATISFIED}:
        return StepState.DONE, f"green: {said}"
    return StepState.RUNNING, f"waits: {said}"


def _said(gate: HarnessGate | CiChecksGate, leaf: Leaf, facts: Facts) -> str:
    if isinstance(gate, CiChecksGate) and facts.checked is not None:
        return f"{gate.title} of {facts.checked[:10]}: {leaf.seen}"
    if isinstance(gate, CiChecksGate) and facts.checks == () and facts.reading is None:
        return f"{gate.title}: {NOT_CHECKED}"
    return f"{gate.title}: {leaf.seen}"


def wants_harness(contract: Contract, judged: Judged) -> bool:
    """Returns whether a run is still needed, and `perform` can make it."""
    if contract.harness is None or contract.harness.command is None:
        return False
    return any(isinstance(gate, HarnessGate) and leaf.result is not Result.SATISFIED for gate, leaf in judged)
