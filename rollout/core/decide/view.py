"""What gates and triggers look at: one moment of a rollout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from rollout.core import signoff
from rollout.core.contract import Contract, Phase
from rollout.core.decide.readings import began, fresh_samples, run_read, settled_samples
from rollout.core.decide.requests import applied_percent
from rollout.core.decide.tallies import enough
from rollout.core.observation import HarnessReport, Observation, Sample
from rollout.core.state import (
    CounterTrack,
    Facts,
    Quarantine,
    Result,
    Rollout,
    Soak,
    Status,
    Streak,
    Tally,
    TrainState,
    TriggerFinding,
)


class Leaf(NamedTuple):
    """One surface's answer to a gate, before it is known since when it holds."""

    result: Result
    surface: str | None
    seen: str
    wanted: str
    more_samples: bool = False
    """Whether it is unknown only until more samples have come: promotion waits, and soak goes on."""


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
    observed_at: datetime | None
    """When that observation ended."""
    harness: HarnessReport | None
    counters: Mapping[str, Mapping[str, CounterTrack]]
    streaks: Mapping[str, Mapping[str, Streak]]
    tallies: Mapping[str, Mapping[str, Tally]]
    facts: Facts
    unsigned: Mapping[str, tuple[str, ...]]
    """`before` -> ids of the sign-off items still missing."""
    quarantine: Quarantine | None
    soak: Soak
    applied: bool | None
    """Whether the product runs at the phase's percent; None when the contract has no `apply`."""
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
    percent = applied_percent(contract, rollout, status.requests)
    tallies = status.tallies if phase == status.phase else {}
    samples: Mapping[str, Sample] = {}
    run = None
    if observation is not None:
        samples = fresh_samples(observation, contract, since, by_first_rules=by_first_rules)
        samples = enough(samples, tallies, contract)
        run = run_read(observation, contract, of_any=by_first_rules or of_the_revert)
    return View(
        contract=contract,
        phase=contract.phase(phase),
        rollout=rollout,
        samples=samples,
        settled=settled_samples(samples, contract, contract.phase(phase), since),
        by_first_rules=by_first_rules,
        observed_at=observation.finished_at if observation else None,
        harness=run,
        counters=status.counters,
        streaks=status.streaks,
        tallies=tallies,
        facts=facts,
        unsigned=signoff.unsigned(contract, state.signoff, rollout),
        quarantine=state.quarantine,
        soak=status.soak,
        applied=percent.is_done,
        not_applied=percent.why_not,
    )


def view_of_phase(
    state: TrainState, status: Status, facts: Facts, phase: str, observation: Observation | None
) -> View:
    """Returns what `view_of` does, of readings made since that phase began."""
    return view_of(state, status, facts, phase, observation, since=began(state, status, phase))


NOT_OBSERVED = Sample.model_construct(unknown="not observed yet")  # builds no validator at every start


def leaves(
    view: View, named: tuple[str, ...] | None, wanted: str, judge: Callable[[str, Sample], tuple[Result, str]]
) -> Iterator[Leaf]:
    """Asks `judge` about each named surface; one that could not be read answers unknown by itself."""
    for surface in view.contract.surfaces:
        if named is None or surface in named:
            yield leaf(view, surface, wanted, judge)


def leaf(view: View, surface: str, wanted: str, judge: Callable[[str, Sample], tuple[Result, str]]) -> Leaf:
    """Asks `judge` about one surface; one that could not be read answers unknown by itself."""
    sample = view.settled.get(surface, NOT_OBSERVED)
    if sample.unknown is not None:
        return Leaf(Result.UNKNOWN, surface, sample.unknown, wanted)
    result, seen = judge(surface, sample)
    return Leaf(result, surface, seen, wanted)


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
    """Writes what was measured as a person would, to six figures: 1.0 -> `1`, 0.25 -> `0.25`."""
    return str(int(value)) if value == int(value) else exactly(float(f"{value:g}"))


def figure(value: float, holds: Callable[[float], bool]) -> str:
    """Writes what was measured, exactly where rounding would put it on the other side of a bound."""
    text = number(value)
    return text if holds(float(text)) is holds(value) else exactly(value)


def exactly(value: float) -> str:
    """Writes a figure with as many digits as it was given: 0.00005 -> `0.00005`, 99.99999 -> `99.99999`."""
    return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"


def with_unit(text: str, unit: str) -> str:
    """Writes a figure with its unit: `0.2 seconds`."""
    return f"{text} {unit}" if unit else text


def percent(share: float) -> str:
    """Writes a limit in percent, as people write it: 0.01 -> `1 %`."""
    text = f"{100 * share:.12g}"
    return f"{exactly(float(text)) if 'e' in text else text} %"


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
