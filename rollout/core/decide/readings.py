"""What a reading says of the release: whether its checkout holds it, and whether it is new enough."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from rollout.core.contract import Contract, Phase, Surface
from rollout.core.decide.requests import applied_percent
from rollout.core.measurements import with_fields
from rollout.core.observation import HarnessReport, Observation, Sample, is_ahead
from rollout.core.state import Status, TrainState
from rollout.core.values import format_duration, format_instant

_SHOWN = 8
"""Digits of a commit."""


def of_release(sample: Sample, name: str, observation: Observation, contract: Contract) -> Sample:
    """Returns the sample, or an unknown one where its checkout says nothing about the release.

    One of metrics, which have no checkout, gets the fields that gates read.
    """
    surface = contract.surfaces.get(name)
    if surface is not None and surface.metrics is not None:
        return with_fields(sample, surface.metrics.queries)
    if surface is not None and surface.is_of_any_revision:
        return sample
    why = _why_foreign(sample, observation)
    return Sample(unknown=why, product_head=head_of(sample, observation)) if why else sample


def _run_of_release(run: HarnessReport, observation: Observation, contract: Contract) -> HarnessReport:
    """Returns the report, or an unknown one, as `of_release` does for a sample."""
    if contract.harness is not None and contract.harness.revision == "any":
        return run
    why = _why_foreign(run, observation)
    return HarnessReport(unknown=why) if why else run


def samples_of_release(status: Status, contract: Contract) -> dict[str, Sample]:
    """Returns what the last observation reads of each surface, as it counts for the release."""
    seen = status.observation
    if seen is None:
        return {}
    if status.by_first_rules:
        return seen.samples
    return {name: of_release(sample, name, seen, contract) for name, sample in seen.samples.items()}


def heads_read(observation: Observation) -> dict[str, bool]:
    """Returns the checkouts that it was read in -> whether they are further on than the release.

    Metrics are read in none: a server measures what runs.
    """
    found: dict[str, bool] = {}
    for sample in observation.samples.values():
        if sample.measurements:
            continue
        if head := head_of(sample, observation):
            found[head] = head != observation.commit and bool(sample.holds_release)
    return found


def head_of(evidence: Sample | HarnessReport, observation: Observation) -> str | None:
    """Returns the commit that was checked out; None where the checkout was none of git's."""
    return evidence.product_head or observation.product_head


def why_unclean(evidence: Sample | HarnessReport, observation: Observation) -> str:
    """Returns why its checkout is at no commit at all; empty when it is."""
    head = head_of(evidence, observation)
    if head is None:
        return "read in no git checkout, so nobody can tell of which revision it is"
    if evidence.modified is not None:
        return f"read in a checkout of {head[:_SHOWN]} that is changed: {evidence.modified}"[:500]
    return ""


def _why_foreign(evidence: Sample | HarnessReport, observation: Observation) -> str:
    """Returns why it says nothing about the release; empty when it does."""
    if evidence.unknown is not None:
        return ""
    if why := why_unclean(evidence, observation):
        return why
    head, release = head_of(evidence, observation), observation.commit
    assert head is not None
    if head == release or evidence.holds_release:
        return ""
    if evidence.holds_release is None:
        return (
            f"of {head[:_SHOWN]}, and the history there is too short to tell"
            f" whether it has the release, {release[:_SHOWN]}"
        )
    return f"of {head[:_SHOWN]}, which lacks the release, {release[:_SHOWN]}"


# --- new enough ------------------------------------------------------------------------------------------


def samples_of(state: TrainState, status: Status, observation: Observation) -> dict[str, Sample]:
    """Returns the observation's samples as they count in its phase."""
    since = began(state, status, observation.phase)
    return fresh_samples(observation, state.contract, since, by_first_rules=status.by_first_rules)


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
    since = applied_percent(state.contract, state.rollout, status.requests).since
    return max(status.entry, since) if since else status.entry


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


def run_read(observation: Observation, contract: Contract, *, of_any: bool) -> HarnessReport | None:
    """Returns the observation's harness run; one that claims to be from the future becomes unknown.

    So does one of a checkout without the release, but with `of_any`: after a rollback it must lack it.
    """
    run = observation.harness
    if run is None:
        return None
    if run.started_at is not None and is_ahead(run.started_at, observation.finished_at):
        run = HarnessReport(unknown=f"from the future: says {format_instant(run.started_at)}")
    return run if of_any else _run_of_release(run, observation, contract)
