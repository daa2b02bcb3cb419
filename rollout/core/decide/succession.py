"""Whether an observation that arrives adds something, and what it does to the last one.

Two observations of one instant with different contents: whatever they differ in is unknown, whichever came
first. A last observation that turns out to lie in the future: any later arrival takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from rollout.core.contract import Contract
from rollout.core.observation import (
    Evidence,
    Observation,
    began_at,
    is_ahead,
    of_one_instant,
    run_said,
    said,
    united,
)
from rollout.core.state import BeforeLast, CounterTrack, Soak, Status, Streak, Tally
from rollout.core.values import format_instant

V = TypeVar("V")


def is_of(status: Status, evidence: Evidence) -> bool:
    """Returns whether it is of the release that is under way."""
    return (evidence.release, evidence.commit) == (status.release, status.commit)


def why_ignored(status: Status, contract: Contract, observation: Observation, now: datetime) -> str:
    """Returns why an observation adds nothing (empty when it does).

    It is of another release or an earlier rollout, from the future, no newer than the last one, of a phase
    ahead or behind.
    """
    if not is_of(status, observation):
        return f"of {observation.release}, not of {status.release}"
    if _is_before(_started_at(status), status, observation, now):
        return "from before the rollout started"
    if status.observation is None and _is_before(status.entry, status, observation, now):
        return "from before the rollback began"
    why = _why_not_next(status, observation, now)
    if why:
        return why
    names = [phase.name for phase in contract.phases]
    is_waited_for = status.merged_step is not None and observation.phase == status.merged_step.phase
    is_ahead = observation.phase not in names or names.index(observation.phase) > names.index(status.phase)
    # A reading that a merged step waited for comes again after the step was undone: it contradicts nothing.
    if is_ahead and not is_waited_for:
        return f"of {observation.phase}, which has not been entered"
    if is_waited_for or _contradicts_last(status, observation):
        return ""
    if observation.phase != status.phase and status.entered_at is not None:
        return f"of {observation.phase}, and {status.phase} has been observed since"
    return ""


def _started_at(status: Status) -> datetime | None:
    return status.legal.release.started_at if status.legal.release else None


def _is_before(moment: datetime | None, status: Status, observation: Observation, now: datetime) -> bool:
    """Returns whether it began before `moment`; a time by a clock that ran ahead does not blind triggers."""
    if moment is None or observation.started_at >= moment:
        return False
    return status.by_first_rules or not is_ahead(moment, now)


def _why_not_next(status: Status, observation: Observation, now: datetime) -> str:
    """Returns why it cannot follow the last observation; empty when it can, or contradicts it."""
    if is_ahead(observation.started_at, now) and not status.by_first_rules:
        return f"from the future: it began at {format_instant(observation.started_at)}"
    if not observation.samples and observation.harness is None:
        return "without any reading"
    last = status.observation
    if last is None or observation.started_at > last.started_at or lies_ahead(status, now):
        return ""
    if _is_part(status, observation):
        has_news = _has_newer_run(last, observation) or any(
            _is_newer(last, observation, name) for name in observation.samples
        )
        return "" if has_news else "not newer than what was read of its surfaces"
    return "" if _contradicts_last(status, observation) else "not newer than the last observation"


def _is_part(status: Status, observation: Observation) -> bool:
    """Returns whether it is what one runner reads of the phase and contract of the last observation."""
    last = status.observation
    if last is None or observation.runner is None or status.by_first_rules:
        return False
    return (last.phase, last.contract_digest) == (
        _phase_of(status, observation),
        observation.contract_digest,
    )


def _phase_of(status: Status, observation: Observation) -> str:
    """Returns the phase to record it under: while a step waits, that is the phase that is left."""
    step = status.merged_step
    return status.phase if step is not None and observation.phase == step.phase else observation.phase


def _has_newer_run(last: Observation, observation: Observation) -> bool:
    """Returns whether it reports another harness run than the last one, and none that is older."""
    run = united(last, observation).harness
    return run is not None and (last.harness is None or run_said(run) != run_said(last.harness))


def _is_newer(last: Observation, observation: Observation, surface: str) -> bool:
    """Returns whether it reads that surface later than the last one did, or at the same time and
    differently.
    """
    before, after = began_at(last, surface), began_at(observation, surface)
    if before is None or after is None or before != after:
        return before is None or (after is not None and after > before)
    return said(united(last, observation).samples[surface]) != said(last.samples[surface])


def _contradicts_last(status: Status, observation: Observation) -> bool:
    """Returns whether it is of the same instant as the last one, and says something else."""
    last = status.observation
    if last is None or status.by_first_rules or observation.started_at != last.started_at:
        return False
    observation = observation.model_copy(update={"phase": _phase_of(status, observation)})
    return _content(of_one_instant(last, observation)) != _content(last)


def _content(observation: Observation) -> tuple[object, ...]:
    """Returns what is believed of it: a round, a tool's version and a later end alone are no other
    content.
    """
    return (
        {name: said(sample) for name, sample in observation.samples.items()},
        run_said(observation.harness) if observation.harness else None,
        observation.phase,
        observation.contract_digest,
    )


def lies_ahead(status: Status, now: datetime) -> bool:
    """Returns whether the last observation turns out to lie in the future."""
    last = status.observation
    return last is not None and is_ahead(last.started_at, now) and not status.by_first_rules


def why_ahead(status: Status, now: datetime) -> str:
    """Returns why the last observation promotes nothing although it is new; empty when it may."""
    last = status.observation
    if last is None or status.by_first_rules or not is_ahead(last.finished_at, now):
        return ""
    return dated_ahead(last.finished_at)


def dated_ahead(observed_at: datetime) -> str:
    return f"the last observation is of {format_instant(observed_at)}, by a clock that ran ahead"


def why_replaced(status: Status, now: datetime) -> str:
    """Returns what an arrival does to times that a clock ahead of this one has left;
    empty where there are none.
    """
    last = status.observation
    if last is not None and lies_ahead(status, now):
        what = f"replaces the observation of {format_instant(last.started_at)}, made"
    elif status.entry is not None and is_ahead(status.entry, now) and not status.by_first_rules:
        what = f"{status.phase} was entered at {format_instant(status.entry)}"
    else:
        return ""
    return f"{what} by a clock that ran ahead; soak starts again"


def on_arrival(status: Status, observation: Observation, now: datetime) -> tuple[Status, Observation]:
    """Returns the status that the observation is folded into, and what of it is folded."""
    if status.by_first_rules:
        return status, observation
    last = status.observation
    if is_ahead(status.entry, now) or lies_ahead(status, now):
        return _by_this_clock(status, observation, now), observation
    if last is not None and _is_part(status, observation):
        whole = united(last, observation)
        return (_before_last(status) if whole.started_at == last.started_at else status), whole
    if last is None or observation.started_at != last.started_at:
        return status, observation
    return _before_last(status), of_one_instant(last, observation)


def _by_this_clock(status: Status, observation: Observation, now: datetime) -> Status:
    """Returns the status without the times that a clock ahead of this one has left, and without what they
    earned.
    """
    began = observation.started_at
    return status.model_copy(
        update={
            "entry": began if is_ahead(status.entry, now) else status.entry,
            "entered_at": None if is_ahead(status.entered_at, now) else status.entered_at,
            "soak": Soak(),
            "tallies": {},
            "streaks": {
                trigger: {
                    surface: streak
                    for surface, streak in streaks.items()
                    if not is_ahead(streak.checked_at, now)
                }
                for trigger, streaks in status.streaks.items()
            },
        }
    )


# --- taking back the last observation --------------------------------------------------------------------


def before(
    status: Status,
    counters: Mapping[str, object],
    streaks: Mapping[str, object],
    tallies: Mapping[str, object],
) -> BeforeLast:
    """Returns what the next observation changes: what is given beside the status is as once it is folded."""
    return BeforeLast.model_construct(
        soak=status.soak,
        counters=_changed(status.counters, counters),
        streaks=_changed(status.streaks, streaks),
        tallies=_changed(status.tallies, tallies),
    )


def _changed(old: Mapping[str, dict[str, V]], new: Mapping[str, object]) -> dict[str, dict[str, V]]:
    """Returns what of `old` differs in `new`; an empty entry for what was not there."""
    return {name: old.get(name, {}) for name, value in new.items() if old.get(name) != value}


def _before_last(status: Status) -> Status:
    """Returns the status as it was before it folded the last observation, as far as that can be taken
    back.
    """
    kept = status.before
    if kept is None:
        return status
    counters: dict[str, dict[str, CounterTrack]] = _restored(status.counters, kept.counters)
    streaks: dict[str, dict[str, Streak]] = _restored(status.streaks, kept.streaks)
    tallies: dict[str, dict[str, Tally]] = _restored(status.tallies, kept.tallies)
    return status.model_copy(
        update={"soak": kept.soak, "counters": counters, "streaks": streaks, "tallies": tallies}
    )


def _restored(now: Mapping[str, dict[str, V]], old: Mapping[str, dict[str, V]]) -> dict[str, dict[str, V]]:
    return {name: values for name, values in {**now, **old}.items() if values}
