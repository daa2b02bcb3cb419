"""What gates and triggers look at: one moment of a rollout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from rollout.core import signoff
from rollout.core.contract import Contract, Phase, Surface
from rollout.core.decide.requests import applied_at, why_not_applied
from rollout.core.decide.revision import of_release, run_of_release
from rollout.core.observation import HarnessReport, Observation, Sample, is_ahead
from rollout.core.state import (
    CounterTrack,
    Facts,
    Quarantine,
    Result,
    Rollout,
    Soak,
    Status,
    Streak,
    TrainState,
    TriggerFinding,
)
from rollout.core.values import format_duration, format_instant


class Leaf(NamedTuple):
    """One surface's answer to a gate, before it is known since when it holds."""

    result: Result
    surface: str | None
    seen: str
    wanted: str


@dataclass(frozen=True, slots=True)
class View:
    """All that a gate or trigger may look at."""

    contract: Contract
    phase: Phase
    rollout: Rollout
    samples: Mapping[str, Sample]
    """The phase's last observation as triggers judge it, stale samples made unknown; empty without one."""
    settled: Mapping[str, Sample]
    """The same as gates judge it: readings of the phase's warm-up are unknown too."""
    harness: HarnessReport | None
    counters: Mapping[str, Mapping[str, CounterTrack]]
    streaks: Mapping[str, Mapping[str, Streak]]
    facts: Facts
    unsigned: Mapping[str, tuple[str, ...]]
    """`before` -> ids of the sign-off items still missing."""
    quarantine: Quarantine | None
    soak: Soak
    applied: bool | None
    """Whether the product runs at the phase's percent; None when the contract has no apply command."""
    not_applied: str
    """What is known of it when it does not."""
    by_first_rules: bool = False
    """Whether an old commit is recomputed, by the rules of its time."""
    fired: tuple[TriggerFinding, ...] = ()
    unsure: tuple[TriggerFinding, ...] = ()


def view_of(
    state: TrainState,
    status: Status,
    facts: Facts,
    phase: str,
    observation: Observation | None,
    *,
    since: datetime | None,
    of_the_revert: bool = False,
) -> View:
    """Returns what the status shows of that phase; `observation` only if it is of the phase.

    `since`: when the phase was entered; what was read before it is unknown. `of_the_revert`: the harness run
    is of the product after a rollback, as the caller has judged; otherwise it has to be of the release.
    """
    contract, rollout, by_first_rules = state.contract, state.rollout, status.by_first_rules
    samples: Mapping[str, Sample] = {}
    run = None
    if observation is not None:
        samples = fresh_samples(observation, contract, since, by_first_rules=by_first_rules)
        run = fresh_run(observation)
        if run is not None and not by_first_rules and not of_the_revert:
            run = run_of_release(run, observation, contract)
    return View(
        contract=contract,
        phase=contract.phase(phase),
        rollout=rollout,
        samples=samples,
        settled=settled_samples(samples, contract, contract.phase(phase), since),
        by_first_rules=by_first_rules,
        harness=run,
        counters=status.counters,
        streaks=status.streaks,
        facts=facts,
        unsigned=signoff.unsigned(contract, state.signoff, rollout),
        quarantine=state.quarantine,
        soak=status.soak,
        applied=applied_at(contract, rollout, status.requests)[0],
        not_applied=why_not_applied(rollout, status.requests),
    )


def began(state: TrainState, status: Status, phase: str) -> datetime | None:
    """Returns when a reading of that phase may be made at the earliest;
    None where schema 1 set no such bound.

    A phase begins with its entry, or when its percent was applied. Of one that was left only the start of
    the rollout is still known.
    """
    release = state.rollout.release
    if status.by_first_rules or release is None:
        return None
    if phase != status.phase or status.entry is None:
        return release.started_at
    _, applied = applied_at(state.contract, state.rollout, status.requests)
    return max(status.entry, applied) if applied else status.entry


NOT_OBSERVED = Sample.model_construct(unknown="not observed yet")  # builds no validator at every start


def leaves(
    view: View, named: tuple[str, ...] | None, wanted: str, judge: Callable[[str, Sample], tuple[Result, str]]
) -> Iterator[Leaf]:
    """Asks `judge` about each named surface; one that could not be read answers unknown by itself."""
    for surface in view.contract.surfaces:
        if named is not None and surface not in named:
            continue
        sample = view.settled.get(surface, NOT_OBSERVED)
        if sample.unknown is not None:
            yield Leaf(Result.UNKNOWN, surface, sample.unknown, wanted)
        else:
            result, seen = judge(surface, sample)
            yield Leaf(result, surface, seen, wanted)


def fresh_samples(
    observation: Observation, contract: Contract, since: datetime | None, *, by_first_rules: bool
) -> dict[str, Sample]:
    """Returns the observation's samples; one whose source is too old or from the future becomes unknown.

    So does one that was read in a checkout without the release, but by the first rules.

    `since`: what was read before it is unknown too; None for no such bound.

    Age is judged at the time of reading, so that a surface that hangs does not age the others, and never at
    the time of the decision, so that the answer is always the same.
    """
    oldest, surfaces = timedelta(seconds=contract.sampling.max_age), contract.surfaces
    awaited = {
        name: Sample(unknown=f"not observed yet, {_waits_for(surface)}")
        for name, surface in surfaces.items()
        if observation.runner is not None and name not in observation.samples
    }
    return awaited | {
        name: _fresh(
            sample if by_first_rules else of_release(sample, name, observation, contract),
            observation,
            surfaces.get(name),
            oldest,
            since,
        )
        for name, sample in observation.samples.items()
    }


def settled_samples(
    samples: Mapping[str, Sample], contract: Contract, phase: Phase, since: datetime | None
) -> Mapping[str, Sample]:
    """Returns the samples of a phase that was entered at `since`; those of its warm-up are unknown."""
    if since is None or phase.warm_up == 0:
        return samples
    until = since + timedelta(seconds=phase.warm_up)
    warming = Sample(unknown=f"warming up until {format_instant(until)}")
    return {
        name: warming if _has_pulse(contract, name) and _is_before(sample, until) else sample
        for name, sample in samples.items()
    }


def _has_pulse(contract: Contract, surface: str) -> bool:
    return surface not in contract.surfaces or contract.surfaces[surface].fresh == "pulse"


def _is_before(sample: Sample, moment: datetime) -> bool:
    return sample.unknown is None and sample.updated_at is not None and sample.updated_at < moment


def _fresh(
    sample: Sample,
    observation: Observation,
    surface: Surface | None,
    oldest: timedelta,
    since: datetime | None,
) -> Sample:
    if sample.unknown is not None:
        return sample
    updated = sample.updated_at
    if updated is None:
        return Sample(unknown="carries no time of its own")
    read_at = _read_at(sample, observation)
    if is_ahead(updated, read_at):
        return Sample(unknown=f"from the future: says {format_instant(updated)}")
    age = read_at - updated
    if age > oldest and (surface is None or surface.fresh == "pulse"):
        if sample.observed_at is not None:
            since_when = format_instant(sample.observed_at)
            return Sample(unknown=f"overdue: not read since {since_when}, {_waits_for(surface)}")
        old, most = format_duration(age.total_seconds()), format_duration(oldest.total_seconds())
        return Sample(unknown=f"stale: {old} old, at most {most}")
    if since is not None and updated < since:
        return Sample(unknown=f"no news in this phase: last reading {format_instant(updated)}")
    return sample


def _waits_for(surface: Surface | None) -> str:
    runner = surface.runner if surface is not None else None
    return f"waits for runner {runner}" if runner else "waits for its runner"


def _read_at(sample: Sample, observation: Observation) -> datetime:
    said = sample.read_at
    inside = said is not None and observation.started_at <= said <= observation.finished_at
    return said if said is not None and inside else observation.finished_at


def fresh_run(observation: Observation) -> HarnessReport | None:
    """Returns the observation's harness run; one that claims to be from the future becomes unknown.

    Which revision it was of is not judged: during a promotion it has to hold the release, after a rollback
    it must lack it.
    """
    run = observation.harness
    if run is None or run.started_at is None or not is_ahead(run.started_at, observation.finished_at):
        return run
    return HarnessReport(unknown=f"from the future: says {format_instant(run.started_at)}")


def release_values(view: View) -> dict[str, str]:
    """Returns what the placeholders in a gate's value stand for;
    phase and percent are those that are judged.
    """
    release = view.rollout.release
    assert release is not None
    if view.by_first_rules:
        return {}  # they were compared as they are written
    return {
        "version": release.version,
        "commit": release.commit,
        "phase": view.phase.name,
        "percent": str(view.phase.canary_percent),
    }


def number(value: float) -> str:
    """Writes figures as a person would: 1.0 -> `1`, 0.25 -> `0.25`."""
    return str(int(value)) if value == int(value) else f"{value:g}"


def counted_run(view: View) -> tuple[HarnessReport | None, str]:
    """Returns the harness run that counts: complete and started after the rollout; else None and why not."""
    report = view.harness
    if report is None:
        return None, "no report yet"
    if report.unknown is not None:
        return None, report.unknown
    release = view.rollout.release
    if report.started_at is None or release is None or report.started_at < release.started_at:
        return None, "the last run started before the rollout did"
    return report, ""
