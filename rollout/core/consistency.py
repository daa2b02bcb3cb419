"""Where the files of a train contradict each other, as no run of the tool leaves them."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.files import CHANNEL, CONTRACT, INCIDENTS, QUARANTINE, REHEARSAL, ROLLOUT, SIGNOFF, STATUS
from rollout.core.state import UNDER_WAY, Incident, Outcome, Rollout, Status, TrainState

Contradiction = tuple[str, str, str]
"""File below the train's folder, field (empty for the whole file), message."""

_NEED_STATUS = (*UNDER_WAY, Outcome.COMPLETE)
"""What completed last can still be rolled back."""
_ROLLS_BACK = (Outcome.ROLLING_BACK, Outcome.ROLLED_BACK)
_BEFORE_ROLLBACK = (Outcome.IN_PROGRESS, Outcome.COMPLETE)


def contradictions(state: TrainState) -> Iterator[Contradiction]:
    yield from _wrong_names(state)
    yield from _rollout_contradictions(state)
    yield from _status_contradictions(state)


def why_behind(rollout: Rollout, status: Status | None, incident: Incident | None) -> str:
    """Returns how status.yaml is older than the rollback that desired state and its incident record.

    As `field: message`, empty when it is not. No edit undoes a rollback, so an older status must not either.
    """
    if status is None or incident is None or rollout.outcome not in _ROLLS_BACK:
        return ""
    if incident.ended is not None and incident.ended.how == "cancelled":
        return ""
    is_of = (incident.release, incident.commit) == (status.release, status.commit)
    is_older = status.legal.outcome in _BEFORE_ROLLBACK and status.decided_at <= incident.started_at
    if not is_of or not is_older:
        return ""
    return f"legal.outcome: is {status.legal.outcome}, older than incident {incident.id}, which rolls it back"


def _wrong_names(state: TrainState) -> Iterator[Contradiction]:
    files = {
        CONTRACT: state.contract,
        ROLLOUT: state.rollout,
        STATUS: state.status,
        CHANNEL: state.channel,
        SIGNOFF: state.signoff,
        QUARANTINE: state.quarantine,
        REHEARSAL: state.rehearsal,
    }
    for name, content in files.items():
        if content is not None and content.train != state.train:
            yield name, "train", f"is {content.train} in the folder of {state.train}"
    named = state.rollout.frozen.incident if state.rollout.frozen else None
    incident = state.incident
    if named and incident is None:
        yield f"{INCIDENTS}/{named}.yaml", "", f"is missing, and {ROLLOUT} names it"
    if incident and incident.train != state.train:
        yield f"{INCIDENTS}/{named}.yaml", "train", f"is {incident.train} in the folder of {state.train}"
    if incident and incident.id != named:
        yield f"{INCIDENTS}/{named}.yaml", "id", f"is {incident.id}"


def _rollout_contradictions(state: TrainState) -> Iterator[Contradiction]:
    rollout = state.rollout
    if rollout.outcome is Outcome.IN_PROGRESS:
        if rollout.release is None:
            yield ROLLOUT, "release", "is missing from a rollout in progress"
        if rollout.phase is None:
            yield ROLLOUT, "phase", "is missing from a rollout in progress"
    if rollout.outcome in _NEED_STATUS and state.status is None:
        yield STATUS, "", f"is missing, and {ROLLOUT} is {rollout.outcome}"
    if state.status is None:
        # Beside a status it is an edit, which is judged and undone; `status.legal` is checked below.
        yield from _unknown_phase(state, ROLLOUT, "phase", rollout.phase)


def _status_contradictions(state: TrainState) -> Iterator[Contradiction]:
    status, release = state.status, state.rollout.release
    if status is None:
        return
    # What is undone is written back from `legal`.
    legal = status.legal
    if legal.train != state.train:
        yield STATUS, "legal.train", f"is {legal.train} in the folder of {state.train}"
    is_of = (status.release, status.commit)
    is_edited = release is not None and (release.version, release.commit) != is_of
    if legal.release and not is_edited and (legal.release.version, legal.release.commit) != is_of:
        yield STATUS, "legal.release", f"is {legal.release.version}, and the status is of {status.release}"
    if release and status.release != release.version:
        yield STATUS, "release", f"is {status.release}, and {ROLLOUT} has {release.version}"
    if release and status.commit != release.commit:
        yield STATUS, "commit", f"is {status.commit[:12]}, and {ROLLOUT} has {release.commit[:12]}"
    yield from _unknown_phase(state, STATUS, "legal.phase", status.legal.phase)


def _unknown_phase(state: TrainState, file: str, field: str, phase: str | None) -> Iterator[Contradiction]:
    if state.rollout.outcome not in UNDER_WAY:
        return  # what has ended names phases of its time
    known = [each.name for each in state.contract.phases]
    if phase is not None and phase not in known:
        yield file, field, f"{phase} is not in the contract, which has {', '.join(known)}"
