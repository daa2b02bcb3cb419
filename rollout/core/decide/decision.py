"""The decision for one view of a rollout and its findings, with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rollout.core.contract import APPLIED_GATE, SOAK_GATE, SignoffGate
from rollout.core.decide.group_unknown import told_once
from rollout.core.decide.succession import dated_ahead
from rollout.core.decide.view import View
from rollout.core.files import CONTRACT
from rollout.core.observation import is_ahead
from rollout.core.state import (
    Decision,
    Freeze,
    GateFinding,
    Result,
    Verdict,
)
from rollout.core.values import format_duration, seconds_between

_BLOCKING = (Result.UNSATISFIED, Result.UNKNOWN)


def decide(view: View, found: tuple[GateFinding, ...], now: datetime) -> Decision:
    """Returns the decision for these findings."""
    stops = [finding for finding in view.fired if view.contract.rolls_back(finding.trigger)]
    if stops:
        reasons = tuple(finding.in_words[:500] for finding in stops)
        return Decision(verdict=Verdict.ROLLBACK, at=now, reasons=reasons)
    blocked = [finding for finding in found if finding.result in _BLOCKING]
    reasons = tuple(_hold_reasons(view, blocked, now))
    if reasons:
        earliest = _earliest(view, now)
        return Decision(verdict=Verdict.HOLD, at=now, reasons=reasons, earliest=earliest)
    after = view.contract.next_phase(view.phase.name)
    if after is None:
        return Decision(verdict=Verdict.COMPLETE, at=now, reasons=("every gate holds and the soak is full",))
    return Decision(
        verdict=Verdict.PROMOTE, at=now, to=after.name, reasons=("every gate holds and the soak is full",)
    )


def hold_frozen(frozen: Freeze) -> str:
    """Returns what holds promotion while a train is frozen."""
    return f"frozen: {frozen.reason}"[:500]


def hold_ahead(why: str) -> str:
    """Returns what holds promotion while the last observation lies in the future, as `why` says."""
    return f"{why}: set that clock, collect again"


def why_held(name: str) -> str:
    """Returns what holds promotion while a file of state, or several, cannot be used."""
    if name == CONTRACT:
        return f"{name} cannot be used; the one before it decides, and nothing is promoted"
    return f"{name} cannot be read; its last readable version decides, and nothing is promoted"


def without_promotion(decision: Decision, why: str) -> Decision:
    """Returns the decision while a file of state cannot be used: triggers fire, and nothing is promoted."""
    changes: dict[str, object] = {"reasons": (why, *decision.reasons)}
    if decision.verdict in (Verdict.PROMOTE, Verdict.COMPLETE):
        changes = {"verdict": Verdict.HOLD, "to": None, "reasons": (why,)}
    return decision.model_copy(update={**changes, "earliest": None})


def _hold_reasons(view: View, blocked: list[GateFinding], now: datetime) -> Iterator[str]:
    contract, frozen, observed_at = view.contract, view.rollout.frozen, view.observed_at
    if frozen is not None:
        yield hold_frozen(frozen)
    for finding in view.fired:
        if frozen is None or frozen.reason != finding.in_words[:500]:
            yield finding.in_words[:500]
    limit = contract.max_gap(view.phase)
    if observed_at is None:
        yield f"no observation of {view.phase.name} yet"
    elif is_ahead(observed_at, now) and not view.by_first_rules:
        yield hold_ahead(dated_ahead(observed_at))
    elif seconds_between(observed_at, now) > limit:
        yield f"the last observation is older than {format_duration(limit)}: collect again"
    # What is wrong comes first, then what is not known, then what only takes time or a signature.
    patient = {
        SOAK_GATE,
        *(gate.title for gate in contract.gates_of(view.phase) if isinstance(gate, SignoffGate)),
    }
    urgent = [each for each in blocked if each.gate not in patient and not each.more_samples]
    yield from _gate_reasons(urgent, Result.UNSATISFIED)
    # Without an observation every reading of health is unknown, and one reason has said so.
    told = urgent if observed_at is not None else [f for f in urgent if f.gate == APPLIED_GATE]
    yield from _gate_reasons(told, Result.UNKNOWN)
    yield from (f"soak: {finding.seen}" for finding in blocked if finding.gate == SOAK_GATE)
    yield from _gate_reasons([each for each in blocked if each.more_samples], Result.UNKNOWN)
    for result in _BLOCKING:
        yield from _gate_reasons([f for f in blocked if f.gate in patient - {SOAK_GATE}], result)


def _gate_reasons(blocked: list[GateFinding], result: Result) -> Iterator[str]:
    for finding, at in told_once(finding for finding in blocked if finding.result is result):
        if len(at) > 1:
            yield f"{finding.surface}: {finding.seen} ({len(at)} gates)"[:500]
        else:
            where = f" ({finding.surface})" if finding.surface else ""
            yield f"{finding.gate}{where}: {finding.seen}, wanted {finding.wanted}"[:500]


def _earliest(view: View, now: datetime) -> datetime | None:
    wanted, observed_at = view.phase.soak, view.observed_at
    if not isinstance(wanted, int) or observed_at is None or view.rollout.frozen is not None:
        return None
    if is_ahead(observed_at, now):
        return None
    left = wanted - view.soak.earned_seconds
    if left <= 0:
        return None
    ends = [
        surface.held_at + timedelta(seconds=wanted - surface.earned_seconds)
        for surface in view.soak.surfaces.values()
    ]
    return max(ends, default=observed_at + timedelta(seconds=left))
