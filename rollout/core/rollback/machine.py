"""What comes next in a rollback: from the incident, what was answered, and what the forge shows. Pure.

Each answer is one commit. A step begins when the one before it is over; nothing is begun twice, because
what was begun is in the incident, and who acts on it looks for its own earlier result first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rollout.core import channel as channels
from rollout.core import completed
from rollout.core.channel.plan import plan_rollback
from rollout.core.contract import Contract, RollbackStep
from rollout.core.decide.requests import again, following, is_dated_ahead, may_try_again
from rollout.core.decide.step import Step
from rollout.core.files import QUARANTINE
from rollout.core.rollback import quarantine, revert_step, validation, work
from rollout.core.rollback.target import REVERTS_ONLY, reverts_only, why_unusable
from rollout.core.state import (
    Channel,
    Event,
    Facts,
    Incident,
    IncidentEnd,
    IncidentStep,
    Outcome,
    Request,
    Revert,
    RevertFact,
    Rollout,
    StateChange,
    Status,
    StepState,
    TrainState,
    Work,
)
from rollout.core.values import format_instant, seconds_between

ASKED_OF_PERSON = "rollout rollback --target VERSION --reason WHY"


@dataclass(frozen=True)
class Moment:
    """A rollback as it stands when somebody looks."""

    state: TrainState
    status: Status
    incident: Incident
    facts: Facts
    now: datetime

    @property
    def contract(self) -> Contract:
        return self.state.contract

    @property
    def rollout(self) -> Rollout:
        return self.state.rollout

    def request(self, kind: Work) -> Request | None:
        return work.newest(self.status.requests, kind, self.incident)


def next_step(moment: Moment) -> Step | None:
    """Returns the next commit of the rollback; None when it waits, or is over."""
    requests = _asked_again(moment)
    if requests != moment.status.requests:
        return _asked(moment, requests)
    late = _late(moment)
    if late is not None or moment.incident.current is None:
        return late
    step = moment.incident.current
    return _STEPS[step.step](moment, step)


# --- 2 and 4: what the product side does -----------------------------------------------------------------


def _capture(moment: Moment, step: IncidentStep) -> Step | None:
    return _answered(moment, step, Work.CAPTURE_EVIDENCE)


def _apply(moment: Moment, step: IncidentStep) -> Step | None:
    target, request = moment.incident.target, moment.request(Work.APPLY_TARGET)
    if target is None or moment.incident.step(RollbackStep.INSPECT_TARGET).state is StepState.FAILED:
        nowhere = "no version was recorded: there is none to go back to (step 3)"
        has_none = target is None and reverts_only(moment.contract, moment.rollout)
        why = REVERTS_ONLY if has_none else nowhere
        return _record(moment, _ended(moment, step, StepState.SKIPPED, why))
    if step.state is not StepState.PENDING:
        return _answered(moment, step, Work.APPLY_TARGET)
    before = moment.state.channel or Channel(train=moment.state.train)
    plan = plan_rollback(before, target.version, quarantine=moment.state.quarantine, at=moment.now)
    channel = channels.rolled_back(before, target, moment.now).model_copy(update={"plan": plan})
    incident = moment.incident.model_copy(update={"channel_before": before})
    moved = f"{target.version} is recorded as the current version"
    if moment.contract.rollback.apply is None:
        # Recording a version brings it nowhere: done is what the product's own command does.
        over = StepState.DONE if moment.status.by_first_rules else StepState.SKIPPED
        told = f"{moved}; rollout has not applied it: the contract has no rollback.apply"
        return _record(moment, _ended(moment, step, over, told), incident=incident, channel=channel)
    asked = work.ask(
        Work.APPLY_TARGET,
        incident,
        moment.rollout,
        moment.now,
        step=RollbackStep.APPLY_METADATA,
        target=target,
    )
    begun = _begun(moment, step, StepState.RUNNING, f"{moved}; the product's own command is asked for")
    requests = work.replaced(moment.status.requests, request, asked)
    return _record(moment, begun, incident=incident, channel=channel, requests=requests)


_WITHOUT = {
    Work.CAPTURE_EVIDENCE: "nothing was captured",
    Work.APPLY_TARGET: "the target is not applied",
}


def _answered(moment: Moment, step: IncidentStep, kind: Work) -> Step | None:
    """Ends the step once its work is done; after a few failures, or a long silence, goes on without it."""
    request = moment.request(kind)
    if request is None:
        return _lost(moment, step, kind)
    result, without = request.result, _WITHOUT[request.work]
    if result is None:
        if seconds_between(request.requested_at, moment.now) <= moment.contract.sampling.max_gap:
            return None
        since = format_instant(request.requested_at)
        why = f"not known to be done: the product side has not answered since {since}"
        return _record(moment, _ended(moment, step, StepState.FAILED, why))
    if result.ok:
        done = _ended(moment, step, StepState.DONE, _told(moment, request, result.detail))
        return _record(moment, done, answered=request)
    why = f"{without}: attempt {request.attempt}: {result.detail}"
    if not may_try_again(request):
        return _record(moment, _ended(moment, step, StepState.FAILED, why))
    asked = again(request, moment.now)
    tried = _begun(moment, step, StepState.RUNNING, f"{why}; asked for again", asked.attempt)
    return _record(moment, tried, requests=work.replaced(moment.status.requests, request, asked))


def _lost(moment: Moment, step: IncidentStep, kind: Work) -> Step:
    """Returns the step with its work asked for anew.

    The incident is older than the status, whose request was answered and removed: a record that nobody could
    read was put back, or an older version stood in for it.
    """
    target = moment.incident.target if kind is Work.APPLY_TARGET else None
    asked = work.ask(kind, moment.incident, moment.rollout, moment.now, step=step.step, target=target)
    begun = _begun(moment, step, StepState.RUNNING, "its request is gone; asked for again")
    return _record(moment, begun, requests=(*moment.status.requests, asked))


def _told(moment: Moment, request: Request, detail: str) -> str:
    if request.work is Work.APPLY_TARGET:
        return f"{request.target} is recorded as the current version; the product's own command: {detail}"
    return detail


def _late(moment: Moment) -> Step | None:
    """Returns a step that the rollback went on without, and whose answer has come after all."""
    for kind, name in (
        (Work.CAPTURE_EVIDENCE, RollbackStep.CAPTURE_EVIDENCE),
        (Work.APPLY_TARGET, RollbackStep.APPLY_METADATA),
    ):
        step, request = moment.incident.step(name), moment.request(kind)
        if step.state is StepState.FAILED and request and request.result and request.result.ok:
            told = _told(moment, request, f"late: {request.result.detail}")
            return _record(moment, _ended(moment, step, StepState.DONE, told), answered=request)
    return None


def _asked_again(moment: Moment) -> tuple[Request, ...]:
    """Returns the requests; lanes and a percent that failed are asked for again, and no step waits for
    them. So is a percent that the contract has moved to another place.
    """
    requests = moment.status.requests
    if moment.status.by_first_rules:
        return work.ask_again(requests, moment.now, (Work.KNOWN_GOOD_LANE,))
    requests = following(moment.contract, moment.status.legal, requests, moment.now)
    return work.ask_again(requests, moment.now)


_ASKED_AGAIN = {Work.KNOWN_GOOD_LANE: "known-good lane", Work.APPLY: "percent"}


def _asked(moment: Moment, requests: tuple[Request, ...]) -> Step:
    new = [request.work for request in requests if request not in moment.status.requests]
    what = " and ".join(dict.fromkeys(_ASKED_AGAIN[work] for work in new))
    told = f"{what}: asked for again" if new else "percent: no longer asked for, the contract has no apply"
    return Step(Event.ROLLBACK_STEP, StateChange(status=_status(moment, requests)), told)


# --- 3: where to -----------------------------------------------------------------------------------------


def _inspect(moment: Moment, step: IncidentStep) -> Step | None:
    target = moment.incident.target
    if target is None and reverts_only(moment.contract, moment.rollout) and not moment.status.by_first_rules:
        return _record(moment, _ended(moment, step, StepState.SKIPPED, REVERTS_ONLY))
    why = why_unusable(target, moment.incident.release, moment.state.quarantine)
    if not why and target is not None:
        return _record(moment, _ended(moment, step, StepState.DONE, f"{target.version} on {target.channel}"))
    asks = f"{why}; a person has to name one: {ASKED_OF_PERSON}"
    if moment.status.by_first_rules:
        return _changed(moment, _begun(moment, step, StepState.BLOCKED, asks))
    # The revert needs no version to go back to, so it does not wait for one.
    return _record(moment, _ended(moment, step, StepState.FAILED, asks))


# --- 5: the revert ---------------------------------------------------------------------------------------


def _revert(moment: Moment, step: IncidentStep) -> Step | None:
    fact, incident = moment.facts.revert, moment.incident
    revert = revert_step.revert_of(incident)
    if revert.declared is not None:
        return _landed(moment, step, revert.declared, revert_step.how_declared(revert.declared))
    if fact is None:
        return None
    if fact.landed is not None:
        return _landed(moment, step, fact.landed, revert_step.how_it_landed(fact))
    changed = _stands(moment, step, fact, revert)
    if fact.commits:
        revert = revert.model_copy(update={"commits": fact.commits})
    return _changed(moment, changed, incident=incident.model_copy(update={"revert": revert}))


def _stands(moment: Moment, step: IncidentStep, fact: RevertFact, revert: Revert) -> IncidentStep:
    """Returns the step as long as the branch holds the release."""
    state, result = revert_step.standing(fact, revert, moment.contract.rollback)
    links = {"links": (revert.branch,)} if fact.proposal is not None else {}
    return _begun(moment, step, state, result).model_copy(update={**links, "finished_at": None})


def _landed(moment: Moment, step: IncidentStep, commit: str, how: str) -> Step:
    fact, revert = moment.facts.revert, revert_step.revert_of(moment.incident)
    changes = {"landed": commit, "noticed_at": moment.now, "taken_back": None}
    links = (*((revert.branch,) if fact is not None and fact.proposal else ()), commit)
    return _record(
        moment,
        _ended(moment, step, StepState.DONE, how).model_copy(update={"links": links}),
        incident=moment.incident.model_copy(update={"revert": revert.model_copy(update=changes)}),
    )


def _taken_back(moment: Moment, fact: RevertFact, commit: str) -> Step:
    """Repeats step 5: somebody has reverted the revert, and the product has the release again."""
    incident = moment.incident
    changes = {"landed": None, "noticed_at": None, "declared": None, "taken_back": commit}
    revert = revert_step.revert_of(incident).model_copy(update=changes)
    validation = IncidentStep(step=RollbackStep.REVALIDATE)
    incident = _with_step(incident.model_copy(update={"revert": revert}), validation)
    again = incident.step(RollbackStep.REVERT).model_copy(update={"links": ()})
    return _record(moment, _stands(moment, again, fact, revert), incident=incident)


# --- 6: validated anew -----------------------------------------------------------------------------------


def _revalidate(moment: Moment, step: IncidentStep) -> Step | None:
    contract, old = moment.contract, moment.request(Work.HARNESS)
    fact, revert = moment.facts.revert, revert_step.revert_of(moment.incident)
    if fact is not None and fact.taken_back is not None and revert.declared is None:
        return _taken_back(moment, fact, fact.taken_back)
    leaves = validation.judge(moment.state, moment.status, moment.facts, moment.incident)
    state, result = validation.in_words(leaves, moment.facts)
    if state is StepState.SKIPPED and moment.status.by_first_rules:
        state = StepState.DONE
    if state.is_over:
        return _finish(moment, _ended(moment, step, state, result))
    run = _harness(moment, old) if validation.wants_harness(contract, leaves) else old
    changed = _begun(moment, step, state, result, run.attempt if run else 1)
    requests = work.replaced(moment.status.requests, old, run) if run and run is not old else None
    return _changed(moment, changed, requests=requests)


def _harness(moment: Moment, old: Request | None) -> Request:
    """Returns the run that is needed: the first, or another once an observation has seen the last one's
    end.
    """
    if old is None:
        step = RollbackStep.REVALIDATE
        return work.ask(Work.HARNESS, moment.incident, moment.rollout, moment.now, step=step)
    seen = moment.status.observation
    was_seen = old.result is not None and seen is not None and seen.started_at >= old.result.finished_at
    return again(old, moment.now) if was_seen or is_dated_ahead(old, moment.now) else old


def _finish(moment: Moment, step: IncidentStep) -> Step | None:
    """Returns the commit that ends the rollback: rolled back, and the release quarantined.

    It waits while quarantine.yaml cannot be read: writing it anew could lose what a person put there.
    """
    if moment.state.is_broken(QUARANTINE):
        return None
    release = moment.rollout.release
    assert release is not None
    by = moment.incident.started_by
    ended = IncidentEnd(how="rolled_back", at=moment.now, by=by)
    incident = _with_step(moment.incident.model_copy(update={"ended": ended}), step)
    rollout = moment.rollout.model_copy(update={"outcome": Outcome.ROLLED_BACK})
    status = _status(moment).model_copy(update={"legal": rollout})
    revert = moment.incident.revert
    bad = quarantine.put(
        moment.state.quarantine,
        moment.state.train,
        release,
        moment.incident.id,
        moment.now,
        reverted=revert.landed if revert is not None and not moment.status.by_first_rules else None,
    )
    change = StateChange(
        rollout=rollout,
        status=status,
        incident=incident,
        quarantine=bad,
        channel=completed.forget(moment.state.channel, release),
    )
    return Step(Event.ROLLED_BACK, change, step.result)


_STEPS: dict[RollbackStep, Callable[[Moment, IncidentStep], Step | None]] = {
    RollbackStep.CAPTURE_EVIDENCE: _capture,
    RollbackStep.INSPECT_TARGET: _inspect,
    RollbackStep.APPLY_METADATA: _apply,
    RollbackStep.REVERT: _revert,
    RollbackStep.REVALIDATE: _revalidate,
}
"""All but the freeze, which the commit that opens an incident has done."""


# --- one commit ------------------------------------------------------------------------------------------


def _begun(
    moment: Moment, step: IncidentStep, state: StepState, result: str, attempts: int = 1
) -> IncidentStep:
    return step.model_copy(
        update={
            "state": state,
            "attempts": max(step.attempts, attempts),
            "started_at": step.started_at or moment.now,
            "result": result[:500],
        }
    )


def _ended(moment: Moment, step: IncidentStep, state: StepState, result: str) -> IncidentStep:
    return _begun(moment, step, state, result).model_copy(update={"finished_at": moment.now})


def _changed(
    moment: Moment,
    step: IncidentStep,
    *,
    incident: Incident | None = None,
    requests: tuple[Request, ...] | None = None,
) -> Step | None:
    """Returns the commit that records it; None when nothing about the step is new."""
    if step == moment.incident.step(step.step) and requests in (None, moment.status.requests):
        return None
    return _record(moment, step, incident=incident, requests=requests)


def _record(
    moment: Moment,
    step: IncidentStep,
    *,
    incident: Incident | None = None,
    requests: tuple[Request, ...] | None = None,
    answered: Request | None = None,
    channel: Channel | None = None,
) -> Step:
    incident = _with_step(incident or moment.incident, step)
    if answered is not None and answered.result is not None:
        # What was captured is kept in the incident; status stays small.
        if answered.work is Work.CAPTURE_EVIDENCE:
            incident = incident.model_copy(update={"evidence": answered.result.captured})
        requests = tuple(each for each in moment.status.requests if each is not answered)
    change = StateChange(status=_status(moment, requests), incident=incident, channel=channel)
    state = "" if step.state is StepState.RUNNING else f" {step.state}"
    told = f"{step.step.label}{state}: {step.result}"
    return Step(Event.ROLLBACK_STEP, change, told[:500])


def _status(moment: Moment, requests: tuple[Request, ...] | None = None) -> Status:
    return moment.status.model_copy(
        update={
            "decided_at": moment.now,
            "facts": moment.facts,
            "requests": moment.status.requests if requests is None else requests,
        }
    )


def _with_step(incident: Incident, step: IncidentStep) -> Incident:
    steps = tuple(step if each.step is step.step else each for each in incident.steps)
    return incident.model_copy(update={"steps": steps})
