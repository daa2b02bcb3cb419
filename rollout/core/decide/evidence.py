"""Evidence folded into a status: what an observation adds, results answer, and facts alone decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from rollout.core.decide import counters, streaks, succession, tallies, triggers
from rollout.core.decide.assess import assess
from rollout.core.decide.readings import began, samples_of
from rollout.core.decide.requests import answer, applied_percent
from rollout.core.decide.step import Step
from rollout.core.decide.view import view_of_phase
from rollout.core.files import STATUS
from rollout.core.observation import Evidence, Observation, Results, Sample
from rollout.core.rollback import opening
from rollout.core.state import (
    Event,
    Facts,
    Freeze,
    Request,
    RevertFact,
    StateChange,
    Status,
    Tally,
    TrainState,
    TriggerFinding,
    Verdict,
)


def fold_results(
    state: TrainState, status: Status, results: Results, facts: Facts, now: datetime
) -> Step | None:
    """Returns the step that records answers to requests; None where they answer none."""
    answered = answer(status.requests, results.results, now)
    if not succession.is_of(status, results) or answered == status.requests:
        return None
    status = assess(state, status.model_copy(update={"requests": answered}), facts, now)
    # A failed request is asked for again by the next step, so that this one records how it failed.
    status = status.model_copy(update={"requests": answered})
    return Step(Event.RESULTS, StateChange(status=status), _of_flag_file(answered, results), consumed=True)


def _of_flag_file(requests: tuple[Request, ...], results: Results) -> str:
    """Returns what was read back of a flag file, or why nothing was; empty for other results."""
    percents = {request.id: request.canary_percent for request in requests if request.flag_file}
    for result in results.results:
        if result.request in percents:
            how = "applied" if result.ok else "not applied"
            return f"{percents[result.request]} % {how}: {result.detail}"[:500]
    return ""


def fold_late_results(status: Status, evidence: Evidence | None, now: datetime) -> Step | None:
    """Folds results that come after the rollout's end, of what was requested when it froze, such as 0 %."""
    if not isinstance(evidence, Results) or not succession.is_of(status, evidence):
        return None
    answered = answer(status.requests, evidence.results, now)
    if answered == status.requests:
        return None
    kept = status.model_copy(update={"requests": answered, "decided_at": now})
    return Step(Event.RESULTS, StateChange(status=kept), _of_flag_file(answered, evidence), consumed=True)


def fold_observation(
    state: TrainState, status: Status, observation: Observation, facts: Facts, now: datetime
) -> Step | None:
    """Returns the step that records an observation; None where it adds nothing."""
    if succession.why_ignored(status, state.contract, observation, now):
        return None
    observed = observe(state, status, observation, facts, now)
    told = succession.why_replaced(status, now)
    return record(state, Event.OBSERVE, observed, now, consumed=True, detail=told)


def observe(
    state: TrainState, status: Status, observation: Observation, facts: Facts, now: datetime
) -> Status:
    """Returns the status with one more observation folded in."""
    status, observation = fold_readings(state, status, observation, now)
    if not _belongs(state, status, observation):
        return _observe_late(state, status, observation, facts, now)
    at = observation.started_at
    entered = status.model_copy(update={"entered_at": status.entered_at or at})
    return assess(state, entered, facts, now, earn_at=at)


def fold_readings(
    state: TrainState, status: Status, observation: Observation, now: datetime
) -> tuple[Status, Observation]:
    """Returns the status with what the observation reads, and the observation as it is recorded; nothing is
    judged.
    """
    status, observation = succession.on_arrival(status, observation, now)
    contract, samples = state.contract, samples_of(state, status, observation)
    counted = _counted(state, status, observation, samples)
    samples = tallies.enough(samples, counted, contract)
    tracks = counters.fold(status.counters, samples, contract)
    of_phase = counted if observation.phase == status.phase else {}
    folded = streaks.fold(status.streaks, samples, contract, observation.phase, of_phase)
    before = None if status.by_first_rules else succession.before(status, tracks, folded, counted)
    changes: dict[str, object] = {
        "observation": observation,
        "before": before,
        "cursors": {**status.cursors, **{s: x.cursor for s, x in observation.samples.items() if x.cursor}},
        "counters": tracks,
        "streaks": folded,
        "tallies": counted,
    }
    return status.model_copy(update=changes), observation


def _counted(
    state: TrainState, status: Status, observation: Observation, samples: Mapping[str, Sample]
) -> dict[str, dict[str, Tally]]:
    """Returns what the phase has counted; what is of another phase or contract adds nothing."""
    if not _belongs(state, status, observation):
        return status.tallies
    since = began(state, status, status.phase)
    return tallies.fold(status.tallies, samples, state.contract, since, observation.finished_at)


def _observe_late(
    state: TrainState, status: Status, observation: Observation, facts: Facts, now: datetime
) -> Status:
    """Folds evidence that is not of the phase: it can still fire a trigger, and is a baseline until entry."""
    view = view_of_phase(state, status, facts, observation.phase, observation)
    found = triggers.judge(view, status.triggers, observation.started_at)
    fired = tuple(finding for finding in found if finding.fired)
    status = status.model_copy(update={"triggers": triggers.without_quiet(status.triggers, found)})
    if status.entered_at is None:
        status = status.model_copy(update={"counters": counters.new_baseline(status.counters)})
    return assess(state, status, facts, now, also_fired=fired)


def _belongs(state: TrainState, status: Status, observation: Observation) -> bool:
    if observation.phase != status.phase or not status.judges_like(observation):
        return False
    percent = applied_percent(state.contract, state.rollout, status.requests)
    return percent.is_done is None or (percent.since is not None and observation.started_at >= percent.since)


def fold_facts(state: TrainState, status: Status, facts: Facts, now: datetime) -> Step | None:
    """Returns the step that records what facts and time decide; None without news."""
    again = assess(state, status, lasting(status.facts, facts), now)
    stops = again.decision.verdict is Verdict.ROLLBACK or triggers.freezing(again, state.contract) is not None
    is_news = stops or state.is_broken(STATUS)
    if not is_news and only_older(again, status):
        return None
    return record(state, Event.DECIDE, again, now, consumed=False)


def lasting(known: Facts, asked: Facts) -> Facts:
    """Returns the facts without what changes by itself, so that a run without news commits nothing."""
    # When a pull request was merged matters to the step that it made, and to nothing after.
    return asked.model_copy(update={"merged_at": known.merged_at, "revert": _same_revert(known, asked)})


def _same_revert(known: Facts, asked: Facts) -> RevertFact | None:
    """Returns the fact that is known when only the branch has moved on: state commits may do that too."""
    old, new = known.revert, asked.revert
    if old is None or new is None or new.model_copy(update={"tip": old.tip}) != old:
        return new
    return old


def only_older(again: Status, status: Status) -> bool:
    """Returns whether the status judged again says what the recorded one says."""
    # A decision that was merely made again is no change: an idle train commits nothing.
    decision = again.decision.model_copy(update={"at": status.decision.at})
    return again.model_copy(update={"decided_at": status.decided_at, "decision": decision}) == status


def record(
    state: TrainState, event: Event, status: Status, now: datetime, *, consumed: bool, detail: str = ""
) -> Step:
    """Returns the step with that status.

    The one that opens an incident where it says rollback, the one that freezes where a trigger does no more.
    """
    if status.decision.verdict is not Verdict.ROLLBACK:
        finding = triggers.freezing(status, state.contract)
        if finding is not None:
            return _frozen(state, status, finding, now, consumed=consumed)
        return Step(event, StateChange(status=status), detail, consumed)
    contract = state.contract
    fired = tuple(each for each in status.triggers if each.fired and contract.rolls_back(each.trigger))
    incident = opening.open_incident(state.contract, state.rollout, fired, status.gates, now)
    change = opening.opened(replace(state, status=status), incident, now)
    return Step(Event.ROLLBACK, change, consumed=consumed)


def _frozen(
    state: TrainState, status: Status, finding: TriggerFinding, now: datetime, *, consumed: bool
) -> Step:
    """Returns the step by which a trigger freezes the train; a person decides what comes then."""
    why = finding.in_words[:500]
    rollout = status.legal.model_copy(update={"frozen": Freeze(reason=why, at=now)})
    fired = tuple(each for each in status.triggers if each.fired)
    kept = status.model_copy(update={"legal": rollout})
    judged = assess(replace(state, rollout=rollout), kept, status.facts, now, also_fired=fired)
    return Step(Event.FREEZE, StateChange(rollout=rollout, status=judged), why, consumed)
