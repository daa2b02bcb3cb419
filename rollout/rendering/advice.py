"""What happens next to a rollout, and what a person has to do about it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import assert_never

from rollout.core.contract import (
    AdvancingGate,
    Contract,
    NewCounterTrigger,
    NoNewGate,
    NoTriggerGate,
    Phase,
    SignoffGate,
    SignoffItem,
)
from rollout.core.decide.applying import may_rise
from rollout.core.decide.legality import A_READING
from rollout.core.decide.pending import held_now, is_settled
from rollout.core.decide.succession import why_ahead
from rollout.core.files import STATUS
from rollout.core.rollback.readiness import why_person_needed
from rollout.core.signoff import is_signed
from rollout.core.state import (
    Channel,
    Event,
    GateFinding,
    Outcome,
    Request,
    Result,
    Rollout,
    Status,
    TrainState,
    TriggerFinding,
    TriggerState,
    UnusableFile,
    Verdict,
)
from rollout.core.values import seconds_between
from rollout.rendering.by_hand import PERFORM, percent_in_git
from rollout.rendering.gates import clock_time, day_and_time, rows, short
from rollout.rendering.inert import line

TICK = "rollout tick"
_START = "rollout start VERSION"
_REOPEN = "once the cause is fixed: rollout reopen --reason WHY"
_WAITS = ("wait", "nothing;", "nothing:")
"""How a line begins that asks nobody for anything."""
DETAIL = 120
SHOWN = 5
"""Things of one sort that are named before the rest is only counted."""


def to_do(
    state: TrainState, *, now: datetime, pull_request: int | None, merge: str = "", mistakes: str = ""
) -> list[str]:
    """Returns what a person has to do, most urgent first; never empty: what is waited for, where nobody is
    needed.

    `pull_request` is the number of the open pull request that promotes or, in a rollback, reverts. `merge` is
    the command or the address by which it is merged; empty where the reader sees that already. `mistakes`
    says where a broken file's mistakes are told; empty: here.
    """
    rollout = _rollout(state, now, pull_request, merge)
    return [*_channel(state.channel), *_with_contract(state, rollout, mistakes)]


def needs_person(advice: str) -> bool:
    """Returns whether this line of `to_do` is more than something to wait for."""
    return not advice.startswith(_WAITS)


def _with_contract(state: TrainState, rest: list[str], mistakes: str) -> list[str]:
    """Adds the files to fix: first where they hold up the release, last where a rollback goes on."""
    if state.unusable is None and not state.broken:
        return rest
    broken = [("the contract", state.unusable)] if state.unusable else []
    broken += [(each.name, each) for each in state.broken]
    fixes = [f"fix {what}: {mistakes}" if mistakes else _fix(what, each) for what, each in broken]
    match state.rollout.outcome:
        case Outcome.IDLE | Outcome.COMPLETE | Outcome.WITHDRAWN:
            return fixes
        case Outcome.IN_PROGRESS:
            return [*fixes, *rest]
        case Outcome.ROLLING_BACK | Outcome.ROLLED_BACK:
            return [*rest, *fixes]
        case _:
            assert_never(state.rollout.outcome)


def _fix(what: str, unusable: UnusableFile) -> str:
    return f"fix {what}: {line(unusable.problem.splitlines()[0], 300)}; {line(unusable.hint, 300)}"


def _channel(channel: Channel | None) -> Iterator[str]:
    """Yields a version that is recorded and did not get to where it runs."""
    request = channel.request if channel else None
    if request is not None and request.result is not None and not request.result.ok:
        failed = (
            f"{line(request.version)} was not brought to where it runs: {line(request.result.detail, 120)}"
        )
        yield f"{failed}; fix that, then: rollout channel apply"


def _rollout(state: TrainState, now: datetime, pull_request: int | None, merge: str) -> list[str]:
    rollout = state.rollout
    match rollout.outcome:
        case Outcome.IDLE:
            return [f"nothing; to start a release: {_START}"]
        case Outcome.COMPLETE:
            return [f"nothing; the next release: {_START}"]
        case Outcome.WITHDRAWN:
            return [f"nothing; the same version or another: {_START}"]
        case Outcome.ROLLED_BACK | Outcome.ROLLING_BACK:
            from rollout.rendering.rollback import next_steps  # of no use to a release that is well

            found = next_steps(state, f"pull request #{pull_request}" if pull_request else "", merge)
            is_over = rollout.outcome is Outcome.ROLLED_BACK
            return [*found, _REOPEN] if is_over else found
        case Outcome.IN_PROGRESS:
            return list(_in_progress(state, now, pull_request, merge))
        case _:
            assert_never(rollout.outcome)


def next_command(outcome: Outcome) -> str:
    """Returns the hint for a person whose command the train refuses as it stands: a command that it does
    not.
    """
    match outcome:
        case Outcome.IDLE | Outcome.COMPLETE | Outcome.WITHDRAWN:
            return f"start a release: {_START}"
        case Outcome.ROLLED_BACK:
            return _REOPEN
        case Outcome.IN_PROGRESS:
            return "see what the release waits for: rollout status"
        case Outcome.ROLLING_BACK:
            return "see what the rollback waits for: rollout status"
        case _:
            assert_never(outcome)


def before_the_next(rollout: Rollout) -> str:
    """Returns the hint for a person who wants to start a release while another one is in its place."""
    if rollout.outcome is not Outcome.IN_PROGRESS:
        return next_command(rollout.outcome)
    command = "rollback" if rollout.canary_percent else "withdraw"
    return (
        "one release at a time; see what this one waits for: rollout status;"
        f" to end it: rollout {command} --reason WHY"
    )


def after_undoing(state: TrainState, why: str, *, now: datetime) -> tuple[str, str]:
    """Returns the message and the hint after `reconcile` undid a change of rollout.yaml;
    `state` is what it left.
    """
    rollout = state.rollout
    if rollout.outcome is Outcome.IN_PROGRESS and rollout.frozen is not None:
        return (
            f"illegal step undone, {state.train} is frozen in {rollout.phase}: {why}",
            "when it is understood: rollout unfreeze --reason WHY",
        )
    return f"{state.train}: change of rollout.yaml undone: {why}", _rollout(state, now, None, "")[0]


def what_next(state: TrainState, *, now: datetime) -> str:
    """Returns what the tool does by itself, and when; `state` as it is recorded, not as `held_now` shows
    it.
    """
    rollout, status = state.rollout, state.status
    if rollout.outcome is Outcome.ROLLING_BACK:
        from rollout.rendering import rollback

        return rollback.what_next(state)
    if rollout.outcome is Outcome.ROLLED_BACK:
        return "nothing is promoted until the train is reopened"
    if rollout.outcome is not Outcome.IN_PROGRESS or rollout.phase is None:
        return "nothing is promoted until a release is started"
    held = _held(state)
    if status is not None and status.phase != rollout.phase:
        return _what_becomes_of_the_step(state, status, held)
    if held:
        return f"nothing is promoted {held}"
    if not is_settled(state) or state.is_broken(STATUS):
        return _what_becomes_of_the_edit(state, status)
    to = state.contract.next_phase(rollout.phase)
    if to is None:
        return "the rollout completes when every gate holds and the soak is full"
    where = f"{to.name} at {to.canary_percent} %"
    seen = held_now(state, now).status
    if seen is not None and seen.decision.verdict is Verdict.PROMOTE:
        return f"after the merge the next reconcile enters {where}"
    return f"a pull request to {where} opens when every gate holds and the soak is full"


def _held(state: TrainState) -> str:
    """Returns how long nothing goes further, whatever is observed; empty when nothing is in the way."""
    if state.rollout.frozen is not None:
        return "while it is frozen"
    if state.unusable is not None:
        return "until the contract can be used again"
    return f"until {', '.join(state.unreadable)} can be read again" if state.unreadable else ""


def _what_becomes_of_the_step(state: TrainState, status: Status, held: str) -> str:
    rollout, step = state.rollout, status.merged_step
    where = f"{rollout.phase} at {rollout.canary_percent} %"
    if rollout.frozen is not None:
        # Whether the freeze came after the merge, which makes the step a legal one, only the forge tells.
        return f"the next reconcile judges the merge of {where}; nothing more is promoted {held}"
    if undone := _undone(state, status):
        return f"the next reconcile undoes the merge and freezes: {line(undone, DETAIL)}"
    if held:
        return f"{where} is not entered {held}"
    if step is None:
        return f"the next reconcile judges the merge and enters {where}"
    until = day_and_time(step.until)
    return (
        f"reconcile enters {where} once every gate of {status.phase} holds;"
        f" after {until} it goes back to {status.phase} and proposes the step again"
    )


def _what_becomes_of_the_edit(state: TrainState, status: Status | None) -> str:
    if status is not None and (undone := _undone(state, status)):
        return f"the next reconcile undoes the change by hand and freezes: {line(undone, DETAIL)}"
    return "the next reconcile judges again what was changed by hand"


def _undone(state: TrainState, status: Status) -> str:
    """Returns why the next reconcile undoes an edit or a merge, by the train's files alone;
    empty if it does not.
    """
    from rollout.core.decide.advance import advance  # of no use to a train that stands where it was put

    step = advance(state, None, status.facts, status.decided_at)
    return step.detail if step is not None and step.event is Event.ILLEGAL_STEP else ""


# --- in progress -----------------------------------------------------------------------------------------


def _in_progress(state: TrainState, now: datetime, pull_request: int | None, merge: str) -> Iterator[str]:
    rollout, status = state.rollout, state.status
    is_frozen = rollout.frozen is not None
    if is_frozen:
        yield "frozen; when it is safe to go on: rollout unfreeze --reason WHY"
    if status is None:
        if not is_frozen:
            yield f"waiting for the first observation of {rollout.phase}; to make it now: {TICK}"
        return
    if status.phase != rollout.phase:
        if not is_frozen:
            yield _not_entered(rollout, status, now)
        return
    found = [
        *_silence(state.contract, status, now),
        *(_percents(status, pull_request, merge) if not is_frozen and may_rise(state) else []),
        *_requests(status),
        *([] if is_frozen else _merge(status, pull_request, merge)),
        *_signatures(state.contract, state, rollout),
        *_repairs(state.contract, status),
    ]
    yield from found or ([] if is_frozen else [_wait(state.contract, status, now)])
    why = why_person_needed(state)
    if why:
        yield f"a rollback would need a person: {line(why, 300)}"


def _not_entered(rollout: Rollout, status: Status, now: datetime) -> str:
    step = status.merged_step
    if step is None:
        return f"enter {rollout.phase}, which is merged: rollout reconcile"
    awaited = f"{line(step.waits_for, DETAIL)} until {clock_time(step.until, now)}"
    command = TICK if step.waits_for.startswith(A_READING) else "rollout reconcile"
    return f"wait for {awaited}, to enter {step.phase}, which is merged; to do that now: {command}"


def _silence(contract: Contract, status: Status, now: datetime) -> Iterator[str]:
    phase = contract.phase(status.phase)
    seen = status.observation
    if seen is None or status.entered_at is None:
        yield f"waiting for the first observation of {phase.name}; to make it now: {TICK}"
        return
    if why := why_ahead(status, now):
        yield f"{why}: set that clock, then: {TICK}"
    silent = seconds_between(seen.finished_at, now)
    if silent > contract.max_gap(phase):
        at = clock_time(seen.finished_at, now)
        since = f"nothing observed since {at}, {short(silent)} ago"
        yield f"{since}: is the schedule running? To observe now: {TICK}"


def _percents(status: Status, pull_request: int | None, merge: str) -> Iterator[str]:
    for request in status.requests:
        yield from percent_in_git(status.train, request, pull_request, merge)


def _requests(status: Status) -> Iterator[str]:
    waiting = [request for request in status.requests if request.awaits_product]
    if waiting:
        yield f"{PERFORM} ({', '.join(map(_asked_for, waiting))})"


def _asked_for(request: Request) -> str:
    what = f"{request.work.label} for {request.phase}"
    if not request.failed:
        return what
    return f"{what}; attempt {request.attempt - 1} failed: {line(request.failed, DETAIL)}"


def _merge(status: Status, pull_request: int | None, merge: str) -> Iterator[str]:
    if status.decision.verdict is not Verdict.PROMOTE:
        return
    if pull_request is None:
        yield f"open the pull request to {status.decision.to}: rollout reconcile"
    else:
        how = f": {merge}" if merge else ""
        yield f"merge pull request #{pull_request} to go to {status.decision.to}{how}"


def _signatures(contract: Contract, state: TrainState, rollout: Rollout) -> Iterator[str]:
    for item in due_items(contract, contract.phase(rollout.phase or "")):
        if item.proof is None and not is_signed(item, contract, state.signoff, rollout):
            yield f"sign off: {item.id} ({item.role}): rollout signoff record {item.id} EVIDENCE"
    unseen = state.status.facts.unseen if state.status else ""
    if unseen:
        yield (
            f"make {unseen} readable (rollout reconcile says why), or sign again:"
            " rollout signoff record ITEM EVIDENCE"
        )


def due_items(contract: Contract, phase: Phase) -> list[SignoffItem]:
    """Returns the checklist items that the phase's sign-off gates wait for."""
    befores = {gate.before for gate in contract.gates_of(phase) if isinstance(gate, SignoffGate)}
    return [item for item in contract.signoff.items if item.before in befores]


def _repairs(contract: Contract, status: Status) -> Iterator[str]:
    if status.entered_at is None:
        return
    gates = contract.gates_of(contract.phase(status.phase))
    # People sign, and a trigger that cannot be told follows from something else, which is named first.
    signoffs = {gate.title for gate in gates if isinstance(gate, SignoffGate)}
    followers = {gate.title for gate in gates if isinstance(gate, NoTriggerGate)}
    things = list(_firing(contract, status))
    found = [finding for row in rows(status.gates) if row.gate not in signoffs for finding in row.open]
    found = [finding for finding in found if not finding.more_samples]
    found = [finding for finding in found if finding.gate not in followers] or ([] if things else found)
    failing = [finding for finding in found if finding.result is Result.UNSATISFIED]
    # A surface that cannot be read makes every gate unknown for one and the same reason: say it once.
    unknown = {(f.surface, f.seen): f for f in found if f.result is Result.UNKNOWN}
    for_good = {gate.title for gate in gates if isinstance(gate, NoNewGate)}
    things += [
        f"{_failing(finding)}, and stays so in this phase: {_way_back(contract, status)}"
        for finding in failing
        if finding.gate in for_good
    ]
    rising = {gate.title for gate in gates if isinstance(gate, AdvancingGate) and gate.by > 1}
    things += [
        f"wait for {_failing(finding, is_='')}" if finding.gate in rising else f"fix {_failing(finding)}"
        for finding in failing
        if finding.gate not in for_good
    ]
    causes = [f"check why {finding.trigger} is unknown: {_seen_by(finding)}" for finding in _unsure(status)]
    for finding in unknown.values():
        is_follower = finding.gate in followers and causes
        things += causes if is_follower else [f"check why {_unknown(finding)}"]
    yield from things[:SHOWN]
    if len(things) > SHOWN:
        yield f"and {len(things) - SHOWN} more, below"


def _unsure(status: Status) -> list[TriggerFinding]:
    return [finding for finding in status.triggers if finding.state is TriggerState.UNKNOWN and finding.seen]


def _seen_by(finding: TriggerFinding) -> str:
    return line(f"{finding.surface}: {finding.seen}" if finding.surface else finding.seen, DETAIL)


def _firing(contract: Contract, status: Status) -> Iterator[str]:
    """Yields the triggers that freeze and do not roll back: what comes then is a person's decision."""
    kinds = {trigger.name: trigger for trigger in contract.triggers if not trigger.rolls_back}
    for finding in status.triggers:
        if finding.fired and finding.trigger in kinds:
            stays = isinstance(kinds[finding.trigger], NewCounterTrigger)
            what = "and stays so in this phase:" if stays else "fix that, or take the release back:"
            yield f"{line(finding.in_words, DETAIL)}, {what} {_way_back(contract, status)}"


def _way_back(contract: Contract, status: Status) -> str:
    """Returns the way back for a release that cannot go on."""
    command = "rollback" if contract.phase(status.phase).canary_percent else "withdraw"
    return f"rollout {command} --reason WHY"


def _failing(finding: GateFinding, is_: str = " is") -> str:
    subject = f"{finding.surface}: {finding.gate}" if finding.surface else finding.gate
    return f"{subject}{is_} {line(finding.seen, DETAIL)}, wanted {line(finding.wanted)}"


def _unknown(finding: GateFinding) -> str:
    return f"{finding.surface or finding.gate} is unknown: {line(finding.seen, DETAIL)}"


def _wait(contract: Contract, status: Status, now: datetime) -> str:
    if status.decision.verdict is Verdict.COMPLETE:
        return "nothing: the next reconcile completes the rollout"
    earliest = status.decision.earliest
    if earliest is not None and earliest > now:
        return f"wait: the soak ends {clock_time(earliest, now)} at the earliest"
    for finding in status.gates:
        if finding.more_samples:
            where = f" ({finding.surface})" if finding.surface else ""
            return f"wait for more samples: {finding.gate}{where}: {line(finding.seen, DETAIL)}"
    if status.observation is None:
        return "wait for the next observation"
    due = status.observation.finished_at + timedelta(seconds=contract.sampling.interval)
    return f"wait for the next observation, due {clock_time(due, now)}"
