"""Whether evidence is about the release: which checkout of the product it was read in."""

from __future__ import annotations

from rollout.core.contract import Contract
from rollout.core.observation import HarnessReport, Observation, Sample
from rollout.core.state import Status

_SHOWN = 8
"""Digits of a commit."""


def of_release(sample: Sample, name: str, observation: Observation, contract: Contract) -> Sample:
    """Returns the sample, or an unknown one where its checkout says nothing about the release."""
    surface = contract.surfaces.get(name)
    if surface is not None and surface.revision == "any":
        return sample
    why = _why_foreign(sample, observation)
    return Sample(unknown=why, product_head=head_of(sample, observation)) if why else sample


def run_of_release(run: HarnessReport, observation: Observation, contract: Contract) -> HarnessReport:
    """Returns the same for the report of a harness run."""
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
    """Returns the checkouts that it was read in -> whether they are further on than the release."""
    found: dict[str, bool] = {}
    for sample in observation.samples.values():
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
