"""Contracts and states for tests, in the shape of the first train: a release in canary-2, at a fixed time.

Each builder gives a whole valid model; a test changes only what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rollout.core.contract import (
    Action,
    Contract,
    Phase,
    RollbackStep,
    RunsSoak,
)
from rollout.core.observation import HarnessReport, HealthState, Observation, Sample
from rollout.core.state import (
    ChannelName,
    CheckFact,
    Decision,
    Facts,
    Freeze,
    GateFinding,
    Incident,
    IncidentStep,
    MergedStep,
    Outcome,
    Release,
    ReleaseCommit,
    ReleaseRange,
    Result,
    RollbackTarget,
    Rollout,
    Signoff,
    Soak,
    Status,
    StepState,
    TrainState,
    TriggerFinding,
    TriggerState,
    Verdict,
)
from rollout.core.values import format_duration

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
STARTED = NOW - timedelta(hours=4)
ENTERED = NOW - timedelta(minutes=20)
COMMIT = "1" * 40
BASE = "2" * 40
STATE_COMMIT = "a" * 40
DIGEST = "d" * 64
INCIDENT = "20261123t140000z-v0.1.5"
SURFACES = ("voice", "browser-automation", "dashboard", "custom-command", "memory")

Edits = dict[tuple[str, str | None], tuple[Result, str]]
"""(gate, surface or None) -> what that one finding says instead of satisfied."""


def contract() -> Contract:
    """The first train's surfaces, phases, triggers and sign-off items, without its commands."""
    surface = {"adapter": "tau-status", "command": ["health"]}
    summary = {"adapter": "tau-browser-summary", "file": "summary.json"}
    phases: list[dict[str, Any]] = [
        {"name": "preflight", "canary_percent": 0, "soak": {"runs": 1}, "gates": _PREFLIGHT},
        {"name": "canary-1", "canary_percent": 5, "soak": "30m", "gates": _CANARY_1},
        {"name": "canary-2", "canary_percent": 25, "soak": "1h", "inherit": "canary-1", "gates": _CANARY_2},
        {"name": "canary-3", "canary_percent": 50, "soak": "2h", "inherit": "canary-2", "gates": _CANARY_3},
        {
            "name": "general-availability",
            "canary_percent": 100,
            "soak": "24h",
            "inherit": "canary-3",
            "gates": [{"kind": "signoff", "before": "complete"}],
        },
    ]
    return Contract.model_validate(
        {
            "schema": 1,
            "train": "tau",
            "surfaces": {**dict.fromkeys(SURFACES, surface), "browser-automation": summary},
            "harness": {"report": "report.json", "manifest": "manifest.json"},
            "phases": phases,
            "triggers": _TRIGGERS,
            "signoff": {"items": _ITEMS},
        }
    )


_PREFLIGHT = [
    {"kind": "harness", "total": 5, "passed": 5, "failed": 0},
    {"kind": "ci_checks", "checks": "Live smoke *", "at_least": 6},
    {"kind": "rollback_target"},
]
_CANARY_1 = [
    {"kind": "health_state", "is": "healthy"},
    {"kind": "threshold", "field": "failure_streak", "max": 0},
    {"kind": "threshold", "field": "queue_depth", "max": 1},
    {"kind": "no_new", "counter": "case_processing_failed"},
]
_CANARY_2 = [{"kind": "timeline_clean", "surfaces": ["browser-automation"]}, {"kind": "no_trigger"}]
_CANARY_3 = [
    {"kind": "flat", "counter": "retry_attempted"},
    {"kind": "signoff", "before": "general-availability"},
]
_TRIGGERS = [
    {
        "kind": "health_regression",
        "name": "health_regression",
        "states": ["degraded", "failing"],
        "checks": 2,
        "actions": ["freeze", "rollback"],
    },
    {
        "kind": "threshold",
        "name": "failure_streak",
        "field": "failure_streak",
        "at_least": 3,
        "actions": ["freeze", "rollback"],
    },
    {"kind": "validation_failure", "name": "validation", "actions": ["freeze", "rollback", "block_signoff"]},
]
_ITEMS = [
    {
        "id": "unified-harness",
        "section": "Preflight",
        "title": "Unified harness passed",
        "before": "general-availability",
        "proof": {"kind": "harness"},
    },
    {
        "id": "canary-2-soaked",
        "section": "Canary",
        "title": "25 % for 60 minutes with healthy thresholds",
        "before": "general-availability",
        "proof": {"kind": "phase_soaked", "of": "canary-2"},
    },
    {
        "id": "trigger-matrix-reviewed",
        "section": "Rollback readiness",
        "title": "Rollback trigger matrix reviewed",
        "before": "general-availability",
        "role": "reviewer",
    },
    {
        "id": "final-approval",
        "section": "General availability",
        "title": "Final approver agrees",
        "before": "complete",
        "role": "approver",
    },
]


def release() -> Release:
    return Release(version="v0.1.5", commit=COMMIT, base=BASE, started_at=STARTED)


def rollout(
    phase: str = "canary-2", *, outcome: Outcome = Outcome.IN_PROGRESS, frozen: Freeze | None = None
) -> Rollout:
    """v0.1.5 of tau in that phase, at its percent, rolling back to v0.1.4."""
    return Rollout(
        train="tau",
        release=release(),
        phase=phase,
        canary_percent=contract().phase(phase).canary_percent,
        frozen=frozen,
        outcome=outcome,
        rollback_target=RollbackTarget(
            version="v0.1.4", channel=ChannelName.STABLE, reference_unix_ms=1_795_860_000_000
        ),
    )


def idle() -> Rollout:
    """The train without a release."""
    return Rollout(train="tau")


def status(
    phase: str = "canary-2",
    *,
    decision: Decision | None = None,
    soak: Soak | None = None,
    changed: Edits | None = None,
    triggers: tuple[TriggerFinding, ...] | None = None,
    observation: Observation | None = None,
) -> Status:
    """Observed at NOW, entered 20 minutes before: by default on hold, 20 minutes soaked, gates holding."""
    soak = soak if soak is not None else Soak(earned_seconds=1207, held_at=NOW)
    return Status(
        train="tau",
        release="v0.1.5",
        commit=COMMIT,
        legal=rollout(phase),
        entered_at=ENTERED,
        decided_at=NOW,
        contract_digest=DIGEST,
        decision=decision or hold(),
        soak=soak,
        gates=findings(phase, soak, changed or {}),
        triggers=quiet() if triggers is None else triggers,
        facts=Facts(
            checks=tuple(CheckFact(name=f"Live smoke ({s})", conclusion="success") for s in SURFACES)
        ),
        observation=observation or observe(phase),
        release_range=release_range(),
    )


def waiting() -> Status:
    """canary-2, whose promotion was merged an hour after its decision and waits for a reading."""
    step = MergedStep(
        phase="canary-3",
        merged_at=NOW - timedelta(minutes=5),
        decided_at=NOW - timedelta(hours=1),
        until=NOW + timedelta(minutes=25),
        waits_for="a reading",
    )
    why = "canary-3 is merged and waits for a reading until 2026-11-23T14:25:00Z"
    held = status(decision=hold(why, earliest=None), soak=Soak(earned_seconds=3600))
    return held.model_copy(update={"merged_step": step})


def release_range(total: int = 3) -> ReleaseRange:
    """So many commits, of which two are listed."""
    listed = (
        ReleaseCommit(commit=COMMIT, subject="Retry a failed upload once", author="Ada Lovelace"),
        ReleaseCommit(commit="b" * 40, subject="Merge pull request #41 from ada/retries"),
    )
    return ReleaseRange(commits=listed[:total], total=total)


def hold(*reasons: str, earliest: datetime | None = NOW + timedelta(minutes=40)) -> Decision:
    reasons = reasons or ("soak: 20m7s of 1h",)
    return Decision(verdict=Verdict.HOLD, at=NOW, reasons=reasons, earliest=earliest)


def promote(to: str = "canary-3") -> Decision:
    return Decision(
        verdict=Verdict.PROMOTE, at=NOW, to=to, reasons=("every gate holds and the soak is full",)
    )


def rollback(*reasons: str) -> Decision:
    return Decision(verdict=Verdict.ROLLBACK, at=NOW, reasons=reasons)


def findings(phase: str, soak: Soak, changed: Edits) -> tuple[GateFinding, ...]:
    """Every gate of the phase satisfied at its surfaces, but for what `changed` says; the soak last."""
    policy = contract()
    found: list[GateFinding] = []
    for gate in policy.gates_of(policy.phase(phase)):
        surfaces: tuple[str | None, ...] = (None,)
        if gate.kind in ("health_state", "threshold", "no_new", "flat", "timeline_clean"):
            surfaces = policy.surfaces_of(getattr(gate, "surfaces", None))
        for surface in surfaces:
            result, seen = changed.get((gate.title, surface), (Result.SATISFIED, _SEEN.get(gate.title, "0")))
            found.append(_finding(gate.title, surface, result, seen))
    return (*found, _soak_finding(policy.phase(phase), soak))


def _finding(gate: str, surface: str | None, result: Result, seen: str) -> GateFinding:
    return GateFinding(
        gate=gate, result=result, surface=surface, seen=seen, wanted=_WANTED.get(gate, "0"), since=ENTERED
    )


def _soak_finding(phase: Phase, soak: Soak) -> GateFinding:
    if isinstance(phase.soak, RunsSoak):
        full, seen, wanted = soak.runs >= phase.soak.runs, f"{soak.runs} runs", f"{phase.soak.runs} runs"
    else:
        full = soak.earned_seconds >= phase.soak
        seen, wanted = format_duration(soak.earned_seconds), format_duration(phase.soak)
    result = Result.SATISFIED if full else Result.UNSATISFIED
    return GateFinding(gate="soak", result=result, seen=seen, wanted=wanted, since=NOW)


_SEEN = {
    "health_state": "healthy",
    "harness": "total=5 passed=5 failed=0",
    "ci_checks": "6 green",
    "rollback_target": "v0.1.4 on stable",
    "timeline_clean": "12 steps, all ok",
    "no_trigger": "none fired",
    "signoff.general-availability": "all signed",
    "signoff.complete": "all signed",
}
_WANTED = {
    "health_state": "healthy",
    "queue_depth": "<= 1",
    "harness": "total=5 passed=5 failed=0",
    "ci_checks": "at least 6 green, none else, of Live smoke *",
    "rollback_target": "a version to go back to",
    "timeline_clean": "every step ok",
    "no_trigger": "no trigger fires",
    "signoff.general-availability": "every item before general-availability signed",
    "signoff.complete": "every item before complete signed",
}


def quiet() -> tuple[TriggerFinding, ...]:
    """Every trigger of the contract, none fired."""
    return tuple(
        TriggerFinding(trigger=trigger.name, state=TriggerState.QUIET, since=STARTED)
        for trigger in contract().triggers
    )


def fired() -> TriggerFinding:
    """Memory has been degraded for two checks."""
    return TriggerFinding(
        trigger="health_regression",
        state=TriggerState.FIRED,
        surface="memory",
        seen="2 consecutive checks degraded",
        wanted="fires at 2 consecutive checks degraded or failing",
        since=NOW,
    )


def sample(**changed: Any) -> Sample:
    """A healthy surface, read four minutes before NOW."""
    return Sample(
        **{
            "updated_at": NOW - timedelta(minutes=4),
            "health_state": HealthState.HEALTHY,
            "fields": {"failure_streak": 0, "last_cycle_failed": 0, "queue_depth": 0},
            "counters": {},
            **changed,
        }
    )


def observe(
    phase: str = "canary-2", *, changed: Mapping[str, Sample] | None = None, at: datetime = NOW
) -> Observation:
    """All surfaces healthy but for what `changed` says, and a harness run that passed."""
    browser = sample(fields={}, not_applicable=("failure_streak", "queue_depth"))
    samples = {name: browser if name == "browser-automation" else sample() for name in SURFACES}
    return Observation(
        train="tau",
        release="v0.1.5",
        commit=COMMIT,
        phase=phase,
        contract_digest=DIGEST,
        round="r1",
        product_head=COMMIT,
        started_at=at - timedelta(seconds=30),
        finished_at=at,
        tool_version="0.1.0",
        samples={**samples, **(changed or {})},
        harness=HarnessReport(
            started_at=STARTED + timedelta(minutes=5),
            status="passed",
            total=5,
            passed=5,
            failed=0,
            surfaces=dict.fromkeys(SURFACES, "passed"),
        ),
    )


def incident() -> Incident:
    """What `fired` started in canary-2; only the freeze is done."""
    done = IncidentStep(
        step=RollbackStep.FREEZE,
        state=StepState.DONE,
        attempts=1,
        started_at=NOW,
        finished_at=NOW,
        result="promotion stopped",
    )
    return Incident(
        id=INCIDENT,
        train="tau",
        release="v0.1.5",
        commit=COMMIT,
        phase="canary-2",
        canary_percent=25,
        started_at=NOW,
        started_by="reconcile",
        triggers=(fired(),),
        actions=(Action.FREEZE, Action.ROLLBACK),
        steps=(done, *(IncidentStep(step=step) for step in list(RollbackStep)[1:])),
    )


def frozen_rollout() -> Rollout:
    """canary-2 as the incident left it: frozen, at no percent."""
    freeze = Freeze(
        reason="health_regression (memory): 2 consecutive checks degraded", at=NOW, incident=INCIDENT
    )
    stopped = rollout(outcome=Outcome.ROLLING_BACK, frozen=freeze)
    return stopped.model_copy(update={"canary_percent": 0})


def withdrawn_rollout(phase: str = "preflight") -> Rollout:
    freeze = Freeze(reason="withdrawn by ada: a wrong tag", at=NOW)
    return rollout(phase, outcome=Outcome.WITHDRAWN, frozen=freeze)


def train(
    rollout: Rollout,
    status: Status | None,
    *,
    signoff: Signoff | None = None,
    incident: Incident | None = None,
) -> TrainState:
    """The train as one commit holds it."""
    return TrainState(
        train="tau",
        head=STATE_COMMIT,
        contract=contract(),
        contract_digest=DIGEST,
        rollout=rollout,
        status=status,
        signoff=signoff,
        incident=incident,
    )
