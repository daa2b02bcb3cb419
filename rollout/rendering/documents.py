"""What `--json` prints: plain data for `json.dumps`, with at least the keys that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rollout.core.contract import Contract, RunsSoak
from rollout.core.decide.pending import held_now
from rollout.core.decide.readings import samples_of_release
from rollout.core.forge import PullRequest
from rollout.core.observation import Sample
from rollout.core.state import GateFinding, Incident, Rollout, Status, TrainState, TriggerFinding
from rollout.core.values import format_instant
from rollout.ports import LoggedCommit
from rollout.rendering.advice import to_do, what_next
from rollout.rendering.gates import progress

Document = dict[str, object]


def evaluate_document(rollout: Rollout, status: Status | None) -> Document:
    """Returns the decision with everything it rests on; without a release there is none, and `decision` is
    null.
    """
    return {
        "train": rollout.train,
        "release": rollout.release.version if rollout.release else None,
        "phase": status.phase if status else rollout.phase,
        "outcome": rollout.outcome.value,
        "decision": status.decision.verdict.value if status else None,
        "to": status.decision.to if status else None,
        "merged_step": _merged_step(rollout, status),
        "reasons": list(status.decision.reasons) if status else [],
        "earliest": _instant(status.decision.earliest) if status else None,
        "gates": [_gate(finding) for finding in status.gates] if status else [],
        "triggers": [_trigger(finding) for finding in status.triggers] if status else [],
        "effects": [],
    }


def reconcile_document(
    rollout: Rollout, status: Status | None, effects: Sequence[Mapping[str, object]], *, dry_run: bool = False
) -> Document:
    """Returns the decision and what was done about it; each effect is `{kind, ...}`."""
    return evaluate_document(rollout, status) | {
        "effects": [dict(effect) for effect in effects],
        "dry_run": dry_run,
    }


def status_document(
    state: TrainState, *, now: datetime, pull_request: int | None, merge: str = ""
) -> Document:
    """Returns where the train stands, what happens next and what a person has to do.

    `phase` and `canary_percent` are what was entered. A step that is merged and not entered stands beside.
    """
    recorded, state = state, held_now(state, now)
    status = state.status
    rollout = status.entered(state.rollout) if status else state.rollout
    release, frozen, target = rollout.release, rollout.frozen, rollout.rollback_target
    return {
        "train": rollout.train,
        "release": {"version": release.version, "commit": release.commit} if release else None,
        "phase": rollout.phase,
        "canary_percent": rollout.canary_percent,
        "merged_step": _merged_step(state.rollout, status),
        "outcome": rollout.outcome.value,
        "frozen": frozen
        and {"reason": frozen.reason, "at": _instant(frozen.at), "incident": frozen.incident},
        "soak": _soak(state.contract, rollout, status),
        "surfaces": _surfaces(state.contract, status),
        "decision": status.decision.verdict.value if status else None,
        "reasons": list(status.decision.reasons) if status else [],
        "gates": [_gate(finding) for finding in status.gates] if status else [],
        "triggers": [_trigger(finding) for finding in status.triggers] if status else [],
        "rollback_target": target and {"version": target.version, "channel": target.channel.value},
        "pull_request": pull_request,
        "incident": _incident(state.incident) if state.incident else None,
        "next": what_next(recorded, now=now),
        "to_do": to_do(state, now=now, pull_request=pull_request, merge=merge),
    }


def history_document(commits: Iterable[LoggedCommit]) -> list[Document]:
    """Returns one entry a commit; `event` is null for one of a person that neither steps nor freezes."""
    return [
        {
            "commit": commit.commit,
            "at": _instant(commit.at),
            "event": commit.trailers.get("Rollout-Event"),
            "release": commit.trailers.get("Rollout-Release"),
            "phase": commit.trailers.get("Rollout-Phase"),
            "subject": commit.subject,
        }
        for commit in commits
    ]


def local_prs_document(pulls: Iterable[PullRequest]) -> list[Document]:
    """Returns the local forge's pull requests."""
    return [
        {
            "number": pull.number,
            "kind": pull.kind.value,
            "title": pull.title,
            "head": pull.head,
            "base": pull.base,
            "state": pull.state.value,
        }
        for pull in pulls
    ]


def verify_document(
    checked: int,
    problems: Iterable[tuple[str, str]],
    remarks: Iterable[tuple[str, str]] = (),
    cut: str | None = None,
) -> Document:
    """Returns how many state commits were recomputed, and those that do not follow from the one before.

    `remarks` need no action, and `cut` is the commit at which a shallow clone ends; each is left out where
    there is none.
    """
    told = [{"commit": commit, "problem": problem} for commit, problem in remarks]
    return {
        "commits": checked,
        "findings": [{"commit": commit, "problem": problem} for commit, problem in problems],
        **({"remarks": told} if told else {}),
        **({"cut": cut} if cut else {}),
    }


def _merged_step(rollout: Rollout, status: Status | None) -> Document | None:
    """Returns the merged step; its times and `waits_for` are null until reconcile has seen the merge."""
    if status is None or status.entered(rollout) == rollout:
        return None
    step = status.merged_step
    return {
        "phase": rollout.phase,
        "canary_percent": rollout.canary_percent,
        "merged_at": _instant(step.merged_at) if step else None,
        "waits_for": step.waits_for if step else None,
        "until": _instant(step.until) if step else None,
    }


def _incident(incident: Incident) -> Document:
    """Returns how far the rollback is; `ended` is null, `rolled_back` or `cancelled`."""
    return {
        "id": incident.id,
        "started_at": _instant(incident.started_at),
        "started_by": incident.started_by,
        "target": incident.target.version if incident.target else None,
        "ended": incident.ended.how if incident.ended else None,
        "joined": len(incident.joined),
        "steps": [
            {
                "step": step.step.value,
                "state": step.state.value,
                "attempts": step.attempts,
                "result": step.result,
                "links": list(step.links),
            }
            for step in incident.steps
        ],
    }


# --- pieces ----------------------------------------------------------------------------------------------


def _instant(moment: datetime | None) -> str | None:
    return format_instant(moment) if moment else None


def _gate(finding: GateFinding) -> Document:
    return {
        "gate": finding.gate,
        "result": finding.result.value,
        "surface": finding.surface,
        "seen": finding.seen,
        "wanted": finding.wanted,
        "since": _instant(finding.since),
    }


def _trigger(finding: TriggerFinding) -> Document:
    return {
        "trigger": finding.trigger,
        "fired": finding.fired,
        "surface": finding.surface,
        "state": finding.state.value,
        "seen": finding.seen,
        "wanted": finding.wanted,
    }


def _soak(contract: Contract, rollout: Rollout, status: Status | None) -> Document:
    """Returns seconds; a soak that is counted in runs has `required_runs` and `earned_runs` beside two
    zeros.
    """
    if rollout.phase is None:
        return {"required_seconds": 0, "earned_seconds": 0}
    phase = contract.phase(rollout.phase)
    soak = progress(phase, status)
    if isinstance(phase.soak, RunsSoak):
        return {
            "required_seconds": 0,
            "earned_seconds": 0,
            "required_runs": soak.required,
            "earned_runs": soak.earned,
        }
    return {"required_seconds": soak.required, "earned_seconds": soak.earned}


def _surfaces(contract: Contract, status: Status | None) -> Document:
    samples = samples_of_release(status, contract) if status else {}
    return {name: _surface(samples[name]) if name in samples else None for name in contract.surfaces}


def _surface(sample: Sample) -> Document:
    return {
        "health_state": sample.health_state.value if sample.health_state else None,
        "unknown": sample.unknown,
        "product_head": sample.product_head,
        "updated_at": _instant(sample.updated_at),
        "fields": dict(sample.fields),
        "labels": dict(sample.labels),
        "counters": sample.counters,
        "not_applicable": list(sample.not_applicable),
    }
