"""From one view of a rollout to gates, triggers and a decision with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from rollout.core.contract import APPLIED_GATE, SOAK_GATE, Contract, Gate, Phase, SignoffGate
from rollout.core.decide import gates, soak, triggers
from rollout.core.decide.group_unknown import told_once
from rollout.core.decide.requests import applied_at, why_not_applied
from rollout.core.decide.revision import run_of_release
from rollout.core.decide.succession import dated_ahead
from rollout.core.decide.view import Leaf, View, fresh_run, fresh_samples, settled_samples
from rollout.core.files import CONTRACT
from rollout.core.observation import Observation, Sample, is_ahead
from rollout.core.state import (
    CounterTrack,
    Decision,
    Facts,
    Freeze,
    GateFinding,
    Quarantine,
    Request,
    Result,
    Rollout,
    Soak,
    Streak,
    TriggerFinding,
    TriggerState,
    Verdict,
)
from rollout.core.values import format_duration, seconds_between

_BLOCKING = (Result.UNSATISFIED, Result.UNKNOWN)


def look(
    contract: Contract,
    rollout: Rollout,
    phase: Phase,
    observation: Observation | None,
    *,
    counters: Mapping[str, Mapping[str, CounterTrack]],
    streaks: Mapping[str, Mapping[str, Streak]],
    requests: tuple[Request, ...],
    soak: Soak,
    facts: Facts,
    unsigned: Mapping[str, tuple[str, ...]],
    quarantine: Quarantine | None = None,
    since: datetime | None = None,
    by_first_rules: bool = False,
    of_the_revert: bool = False,
) -> View:
    """Put together what gates and triggers look at; `observation` only if it is of this phase.

    `since`: when the phase was entered; what was read before it is unknown. `of_the_revert`: the harness run
    is of the product after a rollback, as the caller has judged; otherwise it has to be of the release.
    """
    samples: Mapping[str, Sample] = {}
    run = None
    if observation is not None:
        samples = fresh_samples(observation, contract, since, by_first_rules=by_first_rules)
        run = fresh_run(observation)
        if run is not None and not by_first_rules and not of_the_revert:
            run = run_of_release(run, observation, contract)
    return View(
        contract=contract,
        phase=phase,
        rollout=rollout,
        samples=samples,
        settled=settled_samples(samples, contract, phase, since),
        by_first_rules=by_first_rules,
        harness=run,
        counters=counters,
        streaks=streaks,
        facts=facts,
        unsigned=unsigned,
        quarantine=quarantine,
        soak=soak,
        applied=applied_at(contract, rollout, requests)[0],
        not_applied=why_not_applied(rollout, requests),
    )


def judge_triggers(
    view: View, phase: str, before: tuple[TriggerFinding, ...], at: datetime
) -> tuple[TriggerFinding, ...]:
    """Each trigger's findings in that phase; `since` is that of `before` where the state is the same."""
    known = {(finding.trigger, finding.surface): finding for finding in before}
    found: list[TriggerFinding] = []
    for trigger in view.contract.triggers:
        if not view.contract.watches(trigger, phase):
            rows = [triggers.TriggerReading(TriggerState.NOT_WATCHING, None, "")]
        else:
            rows = triggers.evaluate(trigger, view)
        wanted = triggers.wanted(trigger)
        for state, surface, seen in rows:
            old = known.get((trigger.name, surface))
            if old is not None and (old.state, old.seen, old.wanted) == (state, seen, wanted):
                found.append(old)
                continue
            since = old.since if old is not None and old.state is state else at
            found.append(
                TriggerFinding(
                    trigger=trigger.name,
                    state=state,
                    surface=surface,
                    seen=seen[:500],
                    wanted=wanted[:500],
                    since=since,
                )
            )
    return tuple(found)


def with_triggers(view: View, found: tuple[TriggerFinding, ...]) -> View:
    """The view with what `no_trigger` gates ask about."""
    return replace(
        view,
        fired=tuple(finding for finding in found if finding.fired),
        unsure=tuple(finding for finding in found if finding.state is TriggerState.UNKNOWN),
    )


def judge_gates(view: View) -> list[tuple[Gate, list[Leaf]]]:
    """Every gate of the view's phase with its leaves, in the contract's order."""
    return [
        (gate, _fail_closed(list(gates.evaluate(gate, view)))) for gate in view.contract.gates_of(view.phase)
    ]


def _fail_closed(leaves: list[Leaf]) -> list[Leaf]:
    # A gate that no surface can answer would pass by silence: a misspelt field must block instead.
    # Only what is not asked of surfaces can say by itself that it does not apply.
    if any(leaf.result is not Result.NOT_APPLICABLE or leaf.surface is None for leaf in leaves):
        return leaves
    wanted = leaves[0].wanted if leaves else ""
    return [Leaf(Result.UNKNOWN, None, "no surface reports it", wanted)]


def health_leaves(judged: Iterable[tuple[Gate, list[Leaf]]], view: View) -> list[Leaf]:
    """The leaves that soak depends on."""
    return [leaf for gate, leaves in judged if _earns_soak(gate, view) for leaf in leaves]


def _earns_soak(gate: Gate, view: View) -> bool:
    if view.by_first_rules:
        return gates.reads_health(gate)
    return gates.earns_soak(gate, view.contract, view.phase)


def findings(
    judged: Iterable[tuple[Gate, list[Leaf]]], view: View, before: tuple[GateFinding, ...], at: datetime
) -> tuple[GateFinding, ...]:
    """All leaves as findings, the gates that every phase has last; `since` as in `judge_triggers`."""
    known = {(finding.gate, finding.surface): finding for finding in before}
    found: list[GateFinding] = []
    for gate, leaves in judged:
        title = gate.title
        for leaf in leaves:
            found.append(_finding(title, leaf, known.get((title, leaf.surface)), at))
    for title, leaf in _standing_gates(view):
        found.append(_finding(title, leaf, known.get((title, None)), at))
    return tuple(found)


def _standing_gates(view: View) -> Iterator[tuple[str, Leaf]]:
    if view.applied is not None:
        percent = f"{view.rollout.canary_percent} % applied"
        result = Result.SATISFIED if view.applied else Result.UNKNOWN
        yield APPLIED_GATE, Leaf(result, None, percent if view.applied else view.not_applied, percent)
    yield SOAK_GATE, soak.judge(view)


def _finding(title: str, leaf: Leaf, old: GateFinding | None, at: datetime) -> GateFinding:
    result, surface, seen, wanted = leaf
    if old is not None and old.result is result:
        # Reusing the old record keeps a steady reconcile cheap: nothing is built anew.
        if old.seen == seen and old.wanted == wanted:
            return old
        at = old.since
    return GateFinding(
        gate=title, result=result, surface=surface, seen=seen[:500], wanted=wanted[:500], since=at
    )


def decide(
    contract: Contract,
    rollout: Rollout,
    view: View,
    found: tuple[GateFinding, ...],
    observed_at: datetime | None,
    now: datetime,
) -> Decision:
    """The decision for these findings. `observed_at` is the time of the phase's last observation."""
    if view.fired:
        reasons = tuple(f"{_where(finding)}: {finding.seen}"[:500] for finding in view.fired)
        return Decision(verdict=Verdict.ROLLBACK, at=now, reasons=reasons)
    blocked = [finding for finding in found if finding.result in _BLOCKING]
    reasons = tuple(_hold_reasons(contract, rollout, view, blocked, observed_at, now))
    if reasons:
        earliest = _earliest(view, observed_at, now)
        return Decision(verdict=Verdict.HOLD, at=now, reasons=reasons, earliest=earliest)
    after = contract.next_phase(view.phase.name)
    if after is None:
        return Decision(verdict=Verdict.COMPLETE, at=now, reasons=("every gate holds and the soak is full",))
    return Decision(
        verdict=Verdict.PROMOTE, at=now, to=after.name, reasons=("every gate holds and the soak is full",)
    )


def hold_frozen(frozen: Freeze) -> str:
    """What holds promotion while a train is frozen."""
    return f"frozen: {frozen.reason}"[:500]


def hold_ahead(why: str) -> str:
    """What holds promotion while the last observation lies in the future, as `why` says."""
    return f"{why}: set that clock, collect again"


def why_held(name: str) -> str:
    """What holds promotion while a file of state, or several, cannot be used."""
    if name == CONTRACT:
        return f"{name} cannot be used; the one before it decides, and nothing is promoted"
    return f"{name} cannot be read; its last readable version decides, and nothing is promoted"


def without_promotion(decision: Decision, why: str) -> Decision:
    """The decision while a file of state cannot be used: triggers fire, and nothing goes further."""
    changes: dict[str, object] = {"reasons": (why, *decision.reasons)}
    if decision.verdict in (Verdict.PROMOTE, Verdict.COMPLETE):
        changes = {"verdict": Verdict.HOLD, "to": None, "reasons": (why,)}
    return decision.model_copy(update={**changes, "earliest": None})


def _where(finding: TriggerFinding) -> str:
    return f"{finding.trigger} ({finding.surface})" if finding.surface else finding.trigger


def _hold_reasons(
    contract: Contract,
    rollout: Rollout,
    view: View,
    blocked: list[GateFinding],
    observed_at: datetime | None,
    now: datetime,
) -> Iterator[str]:
    if rollout.frozen is not None:
        yield hold_frozen(rollout.frozen)
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
    urgent = [finding for finding in blocked if finding.gate not in patient]
    yield from _gate_reasons(urgent, Result.UNSATISFIED)
    # Without an observation every reading of health is unknown, and one reason has said so.
    told = urgent if observed_at is not None else [f for f in urgent if f.gate == APPLIED_GATE]
    yield from _gate_reasons(told, Result.UNKNOWN)
    yield from (f"soak: {finding.seen}" for finding in blocked if finding.gate == SOAK_GATE)
    for result in _BLOCKING:
        yield from _gate_reasons([f for f in blocked if f.gate in patient - {SOAK_GATE}], result)


def _gate_reasons(blocked: list[GateFinding], result: Result) -> Iterator[str]:
    for finding, at in told_once(finding for finding in blocked if finding.result is result):
        if len(at) > 1:
            yield f"{finding.surface}: {finding.seen} ({len(at)} gates)"[:500]
        else:
            where = f" ({finding.surface})" if finding.surface else ""
            yield f"{finding.gate}{where}: {finding.seen}, wanted {finding.wanted}"[:500]


def _earliest(view: View, observed_at: datetime | None, now: datetime) -> datetime | None:
    wanted = view.phase.soak
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
