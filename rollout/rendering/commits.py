"""What a state commit says: a subject, a body for people, and trailers that `history` reads back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, assert_never

from rollout.core.contract import Contract
from rollout.core.state import (
    CommitMessage,
    Event,
    Incident,
    Outcome,
    Result,
    Rollout,
    Status,
    StepState,
    TriggerFinding,
    Verdict,
)
from rollout.rendering.by_hand import reached
from rollout.rendering.gates import GateRow, Silence, alike, listed, progress, release_name, word
from rollout.rendering.inert import TITLE_LIMIT, plain, title
from rollout.rendering.ranges import commit_lines

SUBJECT_LIMIT = 72
SHOWN_FINDINGS = 20

_STATUS_ONLY = frozenset(
    {Event.OBSERVE, Event.RESULTS, Event.DECIDE, Event.WAIT, Event.ENTER, Event.CONTRACT}
)
"""Events that change nothing but what was observed: nobody deploys on them."""

_STEP_STATES = (
    StepState.DONE,
    StepState.SKIPPED,
    StepState.FAILED,
    StepState.RUNNING,
    StepState.BLOCKED,
    StepState.PENDING,
)

_WITHOUT_VERDICT = frozenset(
    {
        Event.START,
        Event.APPLY,
        Event.ENTER,
        Event.ROLLBACK_STEP,
        Event.JOIN,
        Event.CANCEL,
        Event.ROLLED_BACK,
        Event.REOPEN,
        Event.WITHDRAW,
        Event.QUARANTINE,
        Event.LIFT,
    }
)
"""Events after which there is no verdict yet, or none any more that matters."""

_DETAILS = {
    Event.UNDO_STEP: "Why",
    Event.ILLEGAL_STEP: "Why",
    Event.FREEZE: "Why",
    Event.UNFREEZE: "Why",
    Event.ROLLBACK: "Why",
    Event.JOIN: "Why",
    Event.CANCEL: "Why",
    Event.REOPEN: "Why",
    Event.WITHDRAW: "Why",
    Event.SIGNOFF: "Signed",
}
"""What a body calls the detail; `What` for other events."""


def message(
    event: Event,
    *,
    contract: Contract,
    rollout: Rollout,
    status: Status | None = None,
    detail: str = "",
    incident: Incident | None = None,
) -> CommitMessage:
    """Returns the message of the commit that records `event`.

    `rollout` is the desired state as the commit leaves it, `status` the observed one (for `promote` the one
    that recorded the decision). `detail` is a person's reason, or what was signed, switched or done.
    """
    if status is not None and status.merged_step is not None and event is not Event.WAIT:
        rollout = status.entered(rollout)  # what happens while a step waits happens in the phase it leaves
    subject = _whole_subject(event, contract, rollout, status, detail, incident)
    body = list(_body(event, rollout, status, detail, incident))
    trailers = {
        "Rollout-Train": rollout.train,
        "Rollout-Release": _release(rollout),
        "Rollout-Phase": rollout.phase or "",
        "Rollout-Event": event.value,
    }
    return CommitMessage(
        subject=plain(subject, SUBJECT_LIMIT),
        body="\n".join(body).strip(),
        trailers=tuple((key, plain(value)) for key, value in trailers.items() if value),
        quiet=event in _STATUS_ONLY,
    )


def promotion_title(contract: Contract, rollout: Rollout, status: Status | None) -> str:
    """Returns the title of the pull request that promotes to `rollout`: train, version and step.

    Where that is too long it leaves out the phase before, and then shortens names.
    """
    whole = _whole_subject(Event.PROMOTE, contract, rollout, status)
    return title(
        whole if len(whole) <= TITLE_LIMIT else _whole_subject(Event.PROMOTE, contract, rollout, None)
    )


def _release(rollout: Rollout) -> str:
    return release_name(rollout.release.version) if rollout.release else ""


# --- subjects --------------------------------------------------------------------------------------------


def _whole_subject(
    event: Event,
    contract: Contract,
    rollout: Rollout,
    status: Status | None,
    detail: str = "",
    incident: Incident | None = None,
) -> str:
    head = f"rollout({rollout.train}): "
    return head + _subject(event, contract, rollout, status, detail, incident)


def _subject(
    event: Event,
    contract: Contract,
    rollout: Rollout,
    status: Status | None,
    detail: str,
    incident: Incident | None,
) -> str:
    release, phase = _release(rollout), rollout.phase or ""
    match event:
        case Event.INIT:
            return _and("set up", detail)
        case Event.START:
            return f"start {release} {phase}"
        case Event.OBSERVE | Event.DECIDE:
            return _and(f"{event} {release} {phase}", _standing(contract, status))
        case Event.RESULTS:
            return _and(f"results {release} {phase}", detail or _standing(contract, status))
        case Event.APPLY | Event.ENTER | Event.PROMOTE | Event.WAIT | Event.UNDO_STEP | Event.ILLEGAL_STEP:
            return _step_subject(event, rollout, status, detail)
        case Event.CONTRACT:
            return _and(f"contract change {release} {phase}", detail)
        case Event.FREEZE:
            return _and(f"freeze {release} {phase}", detail or _freeze_reason(rollout))
        case Event.UNFREEZE | Event.WITHDRAW:
            return _and(f"{event} {release} {phase}", detail)
        case (
            Event.ROLLBACK
            | Event.ROLLBACK_STEP
            | Event.JOIN
            | Event.CANCEL
            | Event.ROLLED_BACK
            | Event.REOPEN
            | Event.QUARANTINE
            | Event.LIFT
            | Event.REHEARSE
        ):
            return _rollback_subject(event, release, phase, detail, incident)
        case Event.COMPLETE:
            return f"complete {release}"
        case Event.SIGNOFF:
            return f"sign-off of {release}: {detail}"
        case Event.CHANNEL:
            return _and("channel", detail)
        case Event.CHANNEL_IMPORT:
            return "channel: import the product's own metadata"
        case _:
            assert_never(event)


def _step_subject(event: _StepEvent, rollout: Rollout, status: Status | None, detail: str) -> str:
    release, phase = _release(rollout), rollout.phase or ""
    match event:
        case Event.APPLY:
            return f"apply {rollout.canary_percent} %"
        case Event.ENTER:
            return f"enter {release} {phase} ({rollout.canary_percent} %)"
        case Event.PROMOTE:
            return f"promote {release} {status.phase + ' ' if status else ''}-> {phase}"
        case Event.WAIT:
            return f"{release} {phase} is merged, waits for {_awaited(status)}"
        case Event.UNDO_STEP:
            return _and(f"undo step {release}, back to {phase}", detail)
        case Event.ILLEGAL_STEP:
            return _and(_undone(rollout, release, phase), detail)
        case _:
            assert_never(event)


def _awaited(status: Status | None) -> str:
    return status.merged_step.waits_for if status is not None and status.merged_step is not None else ""


def _undone(rollout: Rollout, release: str, phase: str) -> str:
    if rollout.outcome is Outcome.IN_PROGRESS:
        return f"undo illegal step {release}, back to {phase}"
    return "undo a change of rollout.yaml"


_StepEvent = Literal[Event.APPLY, Event.ENTER, Event.PROMOTE, Event.WAIT, Event.UNDO_STEP, Event.ILLEGAL_STEP]
_RollbackEvent = Literal[
    Event.ROLLBACK,
    Event.ROLLBACK_STEP,
    Event.JOIN,
    Event.CANCEL,
    Event.ROLLED_BACK,
    Event.REOPEN,
    Event.QUARANTINE,
    Event.LIFT,
    Event.REHEARSE,
]


def _rollback_subject(
    event: _RollbackEvent, release: str, phase: str, detail: str, incident: Incident | None
) -> str:
    match event:
        case Event.ROLLBACK:
            return _and(
                f"roll back {release} from {incident.phase if incident else phase}", _cause(incident, detail)
            )
        case Event.ROLLBACK_STEP:
            return _and(f"roll back {release}", detail)
        case Event.JOIN:
            return _and(f"roll back {release}, joined", detail)
        case Event.CANCEL:
            return _and(f"cancel the rollback of {release}", detail)
        case Event.ROLLED_BACK:
            target = reached(incident) if incident else None
            return f"rolled back {release}{f' to {release_name(target.version)}' if target else ''}"
        case Event.REOPEN:
            return _and(f"reopen after {release}", detail)
        case Event.QUARANTINE:
            return _and("quarantine", detail)
        case Event.LIFT:
            return _and("lift quarantine", detail)
        case Event.REHEARSE:
            return _and(f"rehearse the rollback of {release}", detail)
        case _:
            assert_never(event)


def _and(said: str, more: str) -> str:
    return f"{said}: {more}" if more else said


def _standing(contract: Contract, status: Status | None) -> str:
    """Returns `hold, soak 10m of 30m`, `promote to canary-2`."""
    if status is None:
        return ""
    if status.legal.outcome is Outcome.ROLLING_BACK:
        return "rolling back"
    decision = status.decision
    match decision.verdict:
        case Verdict.HOLD:
            soak = progress(contract.phase(status.phase), status)
            return "hold" if soak.full else f"hold, soak {soak.share}"
        case Verdict.PROMOTE:
            return f"promote to {decision.to}"
        case Verdict.ROLLBACK | Verdict.COMPLETE:
            return decision.verdict.value
        case _:
            assert_never(decision.verdict)


def _freeze_reason(rollout: Rollout) -> str:
    return rollout.frozen.reason if rollout.frozen else ""


def _cause(incident: Incident | None, detail: str) -> str:
    if incident is None or not incident.triggers:
        return detail
    return ", ".join(_fired(finding) for finding in incident.triggers)


def _fired(finding: TriggerFinding) -> str:
    return f"{finding.trigger} ({finding.surface})" if finding.surface else finding.trigger


# --- bodies ----------------------------------------------------------------------------------------------


def _body(
    event: Event, rollout: Rollout, status: Status | None, detail: str, incident: Incident | None
) -> Iterator[str]:
    if detail:
        yield f"{_DETAILS.get(event, 'What')}: {plain(detail, 500)}"
    if event is Event.START:
        yield from _started(rollout, status)
    if incident is not None:
        yield from _what_happened(incident)
    elif rollout.frozen is not None and rollout.frozen.reason != detail:
        yield f"Frozen: {plain(rollout.frozen.reason, 500)}"
    goes_on = rollout.outcome is Outcome.ROLLING_BACK and event is not Event.ROLLBACK
    if status is not None and event not in _WITHOUT_VERDICT and not goes_on:
        yield from _verdict(status)


def _started(rollout: Rollout, status: Status | None) -> Iterator[str]:
    release, target = rollout.release, rollout.rollback_target
    if release is not None:
        yield f"Commit: {release.commit}"
        if release.base is not None:
            yield f"Base: {release.base}"
    yield f"Rolls back to: {plain(release_name(target.version)) if target else 'no version is known'}"
    if release is not None and release.first is not None:
        yield f"First release: {plain(release.first, 500)}"
    yield from commit_lines(status)


def _what_happened(incident: Incident) -> Iterator[str]:
    yield f"Incident: {incident.id} in {incident.phase} at {incident.canary_percent} %"
    yield f"Started by: {plain(incident.started_by)}"
    if incident.reason:
        yield f"Reason: {plain(incident.reason, 500)}"
    for finding in incident.triggers:
        yield f"- {_fired(finding)}: {plain(finding.seen)} ({plain(finding.wanted)})"
    for state in _STEP_STATES:
        steps = [step.step.label for step in incident.steps if step.state is state]
        if steps:
            yield f"Steps {state}: {', '.join(steps)}"


def _verdict(status: Status) -> Iterator[str]:
    yield f"Verdict: {status.decision.verdict}"
    yield from (f"- {plain(reason, 500)}" for reason in status.decision.reasons)
    blocked = [text for each in listed(status.gates) for text in _blocked(each)]
    if blocked:
        yield ""
        yield "Gates that do not hold:"
    yield from (f"- {text}" for text in blocked[:SHOWN_FINDINGS])
    if len(blocked) > SHOWN_FINDINGS:
        yield f"- and {len(blocked) - SHOWN_FINDINGS} more"


def _blocked(each: GateRow | Silence) -> Iterator[str]:
    if isinstance(each, Silence):
        yield f"{', '.join(each.gates)} ({each.surfaces}): {word(Result.UNKNOWN)}, {plain(each.seen)}"
        return
    for surfaces, finding in alike(each.open):
        where = f" ({surfaces})" if surfaces else ""
        said = f"{word(finding.result)}, {plain(finding.seen)} (wanted {plain(finding.wanted)})"
        yield f"{each.gate}{where}: {said}"
