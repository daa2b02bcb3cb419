"""Triggers: the conditions that start a rollback or freeze, judged on one view.

The runbook calls them its Rollback Trigger Matrix.

Unknown evidence never fires one; it makes the trigger unknown, which the gates then refuse to pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias, assert_never

from rollout.core.contract import (
    BurnRateTrigger,
    Contract,
    HealthRegressionTrigger,
    NewCounterTrigger,
    RatioTrigger,
    ThresholdTrigger,
    TimelineTrigger,
    Trigger,
    ValidationTrigger,
    matching,
)
from rollout.core.decide.counters import lookup
from rollout.core.decide.gates import ratio
from rollout.core.decide.gates.harness import PASSED
from rollout.core.decide.gates.harness import describe as describe_run
from rollout.core.decide.gates.timeline_clean import describe as describe_timeline
from rollout.core.decide.view import NOT_OBSERVED, View, counted_run, exactly, number, percent, with_unit
from rollout.core.measurements import why_not_measured
from rollout.core.observation import HEALTH_STATE, TIMELINE, Sample
from rollout.core.state import Result, Status, Tally, TriggerFinding, TriggerState

CI_FAILURES = ("failure", "timed_out")

NumericTrigger: TypeAlias = ThresholdTrigger | RatioTrigger | BurnRateTrigger
"""Those that read numbers of a surface, and may want several checks in a row."""


class TriggerReading(NamedTuple):
    """What one surface (or none in particular) shows a trigger."""

    state: TriggerState
    surface: str | None
    seen: str


QUIET = TriggerReading(TriggerState.QUIET, None, "")
NOT_WATCHING = TriggerReading(TriggerState.NOT_WATCHING, None, "")


def judge(view: View, before: tuple[TriggerFinding, ...], at: datetime) -> tuple[TriggerFinding, ...]:
    """Returns each trigger's findings in the phase; `since` is that of `before` where the state is the
    same.

    One that only freezes goes on firing where nobody can tell any more: only a reading makes it quiet.
    """
    last = {(finding.trigger, finding.surface): finding for finding in before}
    found: list[TriggerFinding] = []
    for trigger in view.contract.triggers:
        is_watching = view.contract.watches(trigger, view.phase.name)
        words = wanted(trigger, view.contract)
        firing = {} if trigger.rolls_back else _firing(trigger.name, before)
        for reading in evaluate(trigger, view, firing) if is_watching else [NOT_WATCHING]:
            found.append(
                _finding(trigger.name, reading, words, last.get((trigger.name, reading.surface)), at)
            )
    return tuple(found)


def _finding(
    trigger: str, reading: TriggerReading, words: str, last: TriggerFinding | None, at: datetime
) -> TriggerFinding:
    state, surface, seen = reading
    unfrozen_at = None
    if last is not None and last.state is state:
        if (last.seen, last.wanted) == (seen, words):
            return last
        at, unfrozen_at = last.since, last.unfrozen_at
    return TriggerFinding(
        trigger=trigger,
        state=state,
        surface=surface,
        seen=seen[:500],
        wanted=words[:500],
        since=at,
        unfrozen_at=unfrozen_at,
    )


def _firing(trigger: str, found: Iterable[TriggerFinding]) -> dict[str | None, TriggerReading]:
    """Returns what fires the trigger, by surface."""
    fired = (each for each in found if each.trigger == trigger and each.fired)
    return {each.surface: TriggerReading(each.state, each.surface, each.seen) for each in fired}


def without_quiet(
    before: tuple[TriggerFinding, ...], found: tuple[TriggerFinding, ...]
) -> tuple[TriggerFinding, ...]:
    """Returns the findings of `before` that `found`, of a later reading, does not show quiet."""
    quiet = {each.trigger for each in found if each.state is TriggerState.QUIET}
    return tuple(each for each in before if each.trigger not in quiet)


def freezing(status: Status, contract: Contract) -> TriggerFinding | None:
    """Returns the trigger that freezes the train and nothing more; None where none has to.

    One that a person unfroze while it fired waits until it fires anew.
    """
    if status.legal.frozen is not None:
        return None
    found = (each for each in status.triggers if each.fired and each.unfrozen_at is None)
    return next((each for each in found if not contract.rolls_back(each.trigger)), None)


def unfrozen(status: Status, contract: Contract, at: datetime) -> tuple[TriggerFinding, ...]:
    """Returns the findings once a person has unfrozen the train `at`, whatever fires."""
    return tuple(
        each.model_copy(update={"unfrozen_at": at})
        if each.fired and not contract.rolls_back(each.trigger)
        else each
        for each in status.triggers
    )


def evaluate(
    trigger: Trigger, view: View, firing: Mapping[str | None, TriggerReading]
) -> list[TriggerReading]:
    """Returns one row for each surface that fires it; else one that says why nobody can tell, or that it is
    quiet.

    `firing`: rows of surfaces that fire it until a reading shows otherwise.
    """
    asked = _ask(trigger, view)
    shown = [firing.get(row.surface, row) if row.state is TriggerState.UNKNOWN else row for row in asked]
    fired = [row for row in shown if row.state is TriggerState.FIRED]
    unknown = [row for row in shown if row.state is TriggerState.UNKNOWN]
    return fired or unknown[:1] or [QUIET]


def wanted(trigger: Trigger, contract: Contract) -> str:
    """Returns the threshold in words."""
    return f"{'fires' if trigger.rolls_back else 'freezes'} {_when(trigger, contract)}"


def _when(trigger: Trigger, contract: Contract) -> str:
    match trigger:
        case HealthRegressionTrigger():
            return f"at {trigger.checks} consecutive checks {' or '.join(trigger.states)}"
        case ThresholdTrigger():
            return f"at {_checks(trigger.checks)}{trigger.field} {_bound(trigger, contract)}"
        case RatioTrigger():
            return f"at {_checks(trigger.checks)}{trigger.field} > {ratio.bound(trigger)}"
        case BurnRateTrigger():
            from rollout.core.decide.gates import burn_rate  # few contracts have any

            return f"at {_checks(trigger.checks)}{burn_rate.fires_at(trigger)}"
        case NewCounterTrigger():
            return f"at any new {' or '.join(trigger.counters)}"
        case TimelineTrigger():
            return "at a step that is not ok or has an error code"
        case ValidationTrigger():
            return "when the validation run or CI fails"
        case _:
            assert_never(trigger)


def _checks(number: int) -> str:
    return f"{number} consecutive checks " if number > 1 else ""


def _bound(trigger: ThresholdTrigger, contract: Contract) -> str:
    is_share = any(
        contract.proportion(surface, trigger.field) for surface in contract.surfaces_of(trigger.surfaces)
    )
    written = percent if is_share else exactly
    if trigger.at_least is not None:
        return f">= {written(trigger.at_least)}"
    assert trigger.at_most is not None
    return f"<= {written(trigger.at_most)}"


def _ask(trigger: Trigger, view: View) -> Iterable[TriggerReading]:
    match trigger:
        case HealthRegressionTrigger():
            return _regression(trigger, view)
        case ThresholdTrigger() | RatioTrigger() | BurnRateTrigger():
            return _numbers(trigger, view)
        case NewCounterTrigger():
            return _new_counter(trigger, view)
        case TimelineTrigger():
            return _timeline(trigger, view)
        case ValidationTrigger():
            return _validation(trigger, view)
        case _:
            assert_never(trigger)


def _known(trigger: Trigger, view: View) -> Iterator[tuple[str, Sample]]:
    for surface in view.contract.surfaces_of(trigger.surfaces):
        yield surface, view.samples.get(surface, NOT_OBSERVED)


def _unknown(surface: str, why: str) -> TriggerReading:
    return TriggerReading(TriggerState.UNKNOWN, surface, why)


def _regression(trigger: HealthRegressionTrigger, view: View) -> Iterator[TriggerReading]:
    streaks = view.streaks.get(trigger.name, {})
    for surface, sample in _known(trigger, view):
        streak = streaks.get(surface)
        if streak is not None and streak.count >= trigger.checks:
            state = sample.health_state.value if sample.health_state else "unhealthy"
            checks = "1 check" if streak.count == 1 else f"{streak.count} checks"
            yield TriggerReading(TriggerState.FIRED, surface, f"{state}, {checks} in a row")
        elif sample.unknown is not None:
            yield _unknown(surface, sample.unknown)
        elif sample.health_state is None and HEALTH_STATE not in sample.not_applicable:
            yield _unknown(surface, "health_state not reported")


class Measured(NamedTuple):
    """What a sample's numbers are to a trigger."""

    is_bad: bool | None
    """None where they do not tell."""
    seen: str
    """What was seen, or why they do not tell; empty where the surface never reports it."""


def measured(
    trigger: NumericTrigger,
    surface: str,
    sample: Sample,
    tallies: Mapping[str, Mapping[str, Tally]],
    contract: Contract,
) -> Measured:
    """Returns what a sample that could be read is to the trigger, with what the phase has counted."""
    match trigger:
        case ThresholdTrigger():
            value = sample.fields.get(trigger.field)
            if value is None:
                return Measured(None, _why_no_value(trigger.field, sample))
            if contract.proportion(surface, trigger.field) is not None:
                return _counted(trigger, tallies.get(surface, {}).get(trigger.field))
            seen = with_unit(f"{trigger.field}={number(value)}", contract.unit(surface, trigger.field))
            return Measured(trigger.is_reached(value), seen)
        case RatioTrigger():
            result, seen = ratio.compare(trigger, sample)
            if result in (Result.SATISFIED, Result.UNSATISFIED):
                return Measured(result is Result.UNSATISFIED, f"{trigger.field} is {seen}")
            return Measured(None, seen if result is Result.UNKNOWN else "")
        case BurnRateTrigger():
            from rollout.core.decide.gates import burn_rate  # few contracts have any

            result, seen = burn_rate.judge(trigger, sample)
            return Measured(None if result is Result.UNKNOWN else result is Result.UNSATISFIED, seen)
        case _:
            assert_never(trigger)


def _why_no_value(field: str, sample: Sample) -> str:
    if field in sample.not_applicable:
        return ""
    return (
        f"{field} {'not reported' if field not in sample.measurements else why_not_measured(sample, field)}"
    )


def _counted(trigger: ThresholdTrigger, tally: Tally | None) -> Measured:
    if tally is None:
        return Measured(None, "")  # no whole window since the phase began: it holds nothing up
    from rollout.core.decide.gates import proportion  # only contracts with metrics have any

    result, seen = proportion.judge(tally, proportion.of_trigger(trigger), trigger.significance)
    return Measured(result is Result.UNSATISFIED, f"{trigger.field} {seen}")


def _subject(trigger: NumericTrigger) -> str:
    return trigger.total if isinstance(trigger, BurnRateTrigger) else trigger.field


def _numbers(trigger: NumericTrigger, view: View) -> Iterator[TriggerReading]:
    streaks = view.streaks.get(trigger.name, {})
    for surface, sample in _known(trigger, view):
        is_bad, seen = measured(trigger, surface, sample, view.tallies, view.contract)
        streak = streaks.get(surface)
        if streak is not None and streak.count >= trigger.checks:
            last = seen if is_bad is not None else _subject(trigger)
            yield TriggerReading(TriggerState.FIRED, surface, f"{last}, {streak.count} checks in a row")
        elif sample.unknown is not None:
            yield _unknown(surface, sample.unknown)
        elif trigger.checks == 1 and is_bad:
            yield TriggerReading(TriggerState.FIRED, surface, seen)
        elif is_bad is None and seen:
            yield _unknown(surface, seen)


def _new_counter(trigger: NewCounterTrigger, view: View) -> Iterator[TriggerReading]:
    for surface, sample in _known(trigger, view):
        if sample.unknown is not None:
            yield _unknown(surface, sample.unknown)
            continue
        for counter in trigger.counters:
            track, result, why = lookup(view, surface, sample, counter)
            if track is not None and track.new > 0:
                yield TriggerReading(
                    TriggerState.FIRED, surface, f"{counter} rose by {track.new} (total {track.last})"
                )
                break
            if track is None and result is Result.UNKNOWN:
                yield _unknown(surface, why)


def _timeline(trigger: TimelineTrigger, view: View) -> Iterator[TriggerReading]:
    for surface, sample in _known(trigger, view):
        if sample.unknown is not None:
            yield _unknown(surface, sample.unknown)
        elif sample.timeline is not None and sample.timeline.bad:
            yield TriggerReading(TriggerState.FIRED, surface, describe_timeline(sample.timeline))
        elif sample.timeline is None and TIMELINE not in sample.not_applicable:
            yield _unknown(surface, "timeline not reported")


def _validation(trigger: ValidationTrigger, view: View) -> Iterator[TriggerReading]:
    if trigger.harness:
        # The harness runs on demand: no run since the start is quiet here, and its gate asks for one.
        report, _ = counted_run(view)
        if report is not None and (report.status != PASSED or report.failed or report.passed < report.total):
            yield TriggerReading(TriggerState.FIRED, None, "harness " + describe_run(report))
        elif view.harness is not None and view.harness.unknown is not None:
            yield TriggerReading(TriggerState.UNKNOWN, None, "harness: " + view.harness.unknown)
    if trigger.checks is not None:
        reading = view.facts.reading
        if view.facts.checks is None:
            why = reading.in_words if reading else "the forge could not be asked"
            yield TriggerReading(TriggerState.UNKNOWN, None, f"CI: {why}")
            return
        if reading is not None:
            yield TriggerReading(TriggerState.UNKNOWN, None, f"CI: {reading.in_words}")
        conclusions = {check.name: check.conclusion for check in view.facts.checks}
        for name in matching(trigger.checks, conclusions):
            if conclusions[name] in CI_FAILURES:
                yield TriggerReading(TriggerState.FIRED, None, f"CI {name}: {conclusions[name]}")
