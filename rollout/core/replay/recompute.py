"""What a state commit should hold, worked out from the commit before and from what it records itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from rollout.core import signoff, start
from rollout.core.channel.by_hand import is_first_version
from rollout.core.channel.explain import follows
from rollout.core.channel.proposals import BUSY, why_refused
from rollout.core.decide import applying, first_rules
from rollout.core.decide.advance import advance, advance_as_before, begin
from rollout.core.observation import Evidence, Results
from rollout.core.replay import person
from rollout.core.signoff import transition
from rollout.core.signoff.proofs import STATE_COMMIT
from rollout.core.state import (
    Channel,
    Event,
    Outcome,
    Rehearsal,
    Rollout,
    Signoff,
    StateChange,
    Status,
    TrainState,
)
from rollout.core.state.changes import applied, without_newer_signoff
from rollout.core.values import Model

PARTS = ("rollout", "status", "channel", "signoff", "quarantine", "rehearsal", "incident")
"""The files of a train, as attributes of its state, that are recomputed."""
COMPUTED = frozenset(
    {
        Event.START,
        Event.OBSERVE,
        Event.RESULTS,
        Event.DECIDE,
        Event.ENTER,
        Event.WAIT,
        Event.UNDO_STEP,
        Event.ILLEGAL_STEP,
        Event.CONTRACT,
        Event.ROLLBACK,
        Event.ROLLBACK_STEP,
        Event.JOIN,
        Event.CANCEL,
        Event.ROLLED_BACK,
        Event.REOPEN,
        Event.WITHDRAW,
        Event.COMPLETE,
    }
)
"""Events that `advance`, `start` and a person's commands about a rollback record."""
_READ_TWICE = frozenset({Event.CONTRACT, Event.ILLEGAL_STEP})
"""Events that earlier versions recorded where a freeze or a changed contract came after a merge."""
_STEP = frozenset({"phase", "canary_percent"})


def expected(previous: TrainState, state: TrainState, event: Event) -> TrainState | None:
    """Returns the train as it should be after the tool's commit of `event`; None when that cannot follow at
    all.

    `previous` is the train before, its head the commit's parent, and `state` the train after.
    """
    if event is Event.START:
        return _started(previous, state)
    if event is Event.APPLY:
        return _applied(previous, state)
    if event in person.EVENTS:
        change = person.expected(previous, state, event)
        if change is not None:
            return applied(previous, without_newer_signoff(previous, change), state.head)
    is_judged = event in (Event.FREEZE, Event.UNFREEZE) and state.status != previous.status
    if event in COMPUTED or is_judged:
        return _recomputed(previous, state, event)
    return _recorded(previous, state, event)


def _applied(previous: TrainState, state: TrainState) -> TrainState | None:
    """Returns the train while its percent is written in a flag file; what is written there `verify` asks of
    the file.
    """
    due = applying.due(previous)
    if due is None or previous.status is None or state.status is None:
        return None
    if applying.is_held(previous):
        return None
    begun = applying.begun(previous.status, due[0], state.status.decided_at)
    return replace(previous, status=begun)


def _recorded(previous: TrainState, state: TrainState, event: Event) -> TrainState:
    """Returns the train before with what a command may have recorded of what it cannot ask for again."""
    match event:
        case Event.SIGNOFF:
            return _signed(previous, state)
        case Event.REHEARSE if _may_be_rehearsed(previous, state.rehearsal):
            return replace(previous, rehearsal=state.rehearsal)
        case Event.CHANNEL if follows(previous, state.channel):
            return replace(previous, channel=state.channel)
        case Event.CHANNEL_IMPORT if _may_be_imported(previous, state.channel):
            return replace(previous, channel=state.channel)
        case Event.INIT if is_first_version(previous, state.channel):
            return replace(previous, channel=state.channel)
        case Event.FREEZE | Event.UNFREEZE if _froze(previous, state.rollout) is (event is Event.FREEZE):
            return replace(previous, rollout=_with(previous.rollout, state.rollout, {"frozen"}))
        case Event.PROMOTE:
            # Whether the step was decided is judged as for any change of desired state.
            return replace(previous, rollout=_with(previous.rollout, state.rollout, _STEP))
        case _:
            return previous


def _with(rollout: Rollout, other: Rollout, keys: Iterable[str]) -> Rollout:
    return rollout.model_copy(update={key: getattr(other, key) for key in keys})


def _froze(previous: TrainState, after: Rollout) -> bool | None:
    """Returns whether a person's command froze the train; False when it took a freeze away, None when
    neither.
    """
    before, legal = previous.rollout.frozen, previous.status.legal if previous.status else previous.rollout
    if legal.outcome is not Outcome.IN_PROGRESS or (before is None) is (after.frozen is None):
        return None
    if after.frozen is not None:
        return True if after.frozen.incident is None else None
    is_over = previous.incident is not None and previous.incident.ended is not None
    return False if before is None or before.incident is None or is_over else None


def _may_be_rehearsed(previous: TrainState, after: Rehearsal | None) -> bool:
    """Returns whether a rehearsal of the release that is in progress may have ended so.

    It is not repeated: that takes the product's repository as it was then.
    """
    release, target = previous.rollout.release, previous.rollout.rollback_target
    if after is None or release is None or previous.rollout.outcome is not Outcome.IN_PROGRESS:
        return False
    last = previous.rehearsal.at if previous.rehearsal else release.started_at
    return (
        (after.release, after.commit) == (release.version, release.commit)
        and after.target == (target.version if target else None)
        and after.at >= last
        and tuple(step.step for step in after.steps) == previous.contract.rollback.steps
    )


def _may_be_imported(previous: TrainState, after: Channel | None) -> bool:
    """Returns whether the product's own metadata, which is not kept, may have been taken over so."""
    before = previous.channel or Channel(train=previous.train)
    if after is None or previous.rollout.outcome in BUSY or why_refused(previous, after):
        return False
    kept = {"request": before.request, "completed": before.completed, "train": before.train}
    return after.model_copy(update=kept) == after


def _recomputed(previous: TrainState, state: TrainState, event: Event) -> TrainState | None:
    status = state.status
    if status is None:
        return None
    facts, at, rules = status.facts, status.decided_at, status.schema_
    steps = [advance(previous, evidence, facts, at, rules=rules) for evidence in _evidence(previous, status)]
    if event in _READ_TWICE and not _is_as_legal(previous):
        steps.append(advance_as_before(previous, facts, at, rules=rules))
    changes = [step.change for step in steps if step and step.event is event]
    found = [applied(previous, without_newer_signoff(previous, each), state.head) for each in changes]
    if len(found) < 2:
        return found[0] if found else None
    return next((each for each in found if not any(differences(each, state))), found[0])


def _is_as_legal(previous: TrainState) -> bool:
    return previous.status is None or previous.rollout == previous.status.legal


def _evidence(previous: TrainState, status: Status) -> Iterator[Evidence | None]:
    """Yields what the step may have been judged by."""
    before, reading = previous.status, status.observation
    if reading is None or (before is not None and reading == before.observation):
        yield _results(before, status)
        return
    yield reading
    if before is not None and before.merged_step is not None:
        # A reading of the phase that waits is recorded as of the one that was not left.
        yield reading.model_copy(update={"phase": before.merged_step.phase})


def _results(before: Status | None, status: Status) -> Results | None:
    known = {request.id for request in before.requests if request.result} if before else set()
    new = tuple(r.result for r in status.requests if r.result is not None and r.id not in known)
    new += applying.recorded(before, status)
    if not new:
        return None
    return Results(
        train=status.train,
        release=status.release,
        commit=status.commit,
        finished_at=max(result.finished_at for result in new),
        results=new,
    )


def _started(previous: TrainState, state: TrainState) -> TrainState | None:
    release, target, recorded = state.rollout.release, state.rollout.rollback_target, state.status
    if release is None or recorded is None:
        return None
    if recorded.by_first_rules:
        why_not = start.why_not_by_first_rules(previous, release)
    else:
        why_not = start.why_not(previous, release, target)
    if why_not:
        return None
    rollout = start.first_desired(previous.contract, release, target)
    status = begin(
        previous.contract,
        previous.contract_digest,
        rollout,
        release.started_at,
        lanes=previous.rollout.lanes,
        # What the product's branch showed then is taken as it was recorded, as the commit and its base are.
        release_range=recorded.release_range,
    )
    channel = start.channel_of(previous, target)
    if recorded.by_first_rules:
        status, channel = first_rules.begun(status), start.channel_by_first_rules(previous, target)
    change = StateChange(
        rollout=rollout, status=status, channel=channel, signoff=signoff.for_release(rollout)
    )
    return applied(previous, change, state.head)


def _signed(previous: TrainState, state: TrainState) -> TrainState:
    """Accepts what a person signed, where that is allowed; what the machine signed has to be provable."""
    before, after = previous.signoff, state.signoff
    if before is None or after is None or previous.status is None:
        return previous
    machines = {item.id for item in previous.contract.signoff.items if item.proof is not None}
    changed = {name for name, signed in after.items.items() if signed != before.items.get(name)}
    if changed & machines:
        at = _signed_at(after, changed)
        proved, _ = signoff.prove(
            previous.contract,
            previous.rollout,
            previous.status,
            before,
            previous.head,
            at,
            rehearsal=previous.rehearsal,
        )
        return replace(previous, signoff=proved)
    why = transition.problem(before, after, previous.contract, previous.rollout)
    return previous if why else replace(previous, signoff=after)


def shown_by(previous: TrainState, state: TrainState) -> set[str]:
    """Returns the state commits that the machine's new signatures name as their evidence."""
    before = previous.signoff.items if previous.signoff else {}
    after = state.signoff.items if state.signoff else {}
    known = {signature for item in before.values() for signature in item.signatures}
    new = (signature for item in after.values() for signature in item.signatures if signature not in known)
    texts = (signature.ended.reason if signature.ended else signature.evidence for signature in new)
    return {text.split()[2] for text in texts if text.startswith(STATE_COMMIT)}


def _signed_at(after: Signoff, changed: set[str]) -> datetime:
    """Returns when the machine signed or withdrew what changed."""
    return max(
        signature.ended.at if signature.ended else signature.at
        for name in changed
        for signature in after.items[name].signatures
    )


# --- differences ------------------------------------------------------------------------------------------


def differences(expected: TrainState, found: TrainState) -> Iterator[tuple[str, str]]:
    """Yields what of the recomputed files is not as it should be: the part, `FILE: FIELD is ..., recomputed
    ...`.
    """
    was_first = found.status is not None and found.status.by_first_rules
    for part in PARTS:
        if getattr(expected, part) == getattr(found, part):
            continue
        if getattr(found, part) is None:
            yield part, f"{part}.yaml is gone"
            continue
        wanted, seen = _dump(getattr(expected, part)), _dump(getattr(found, part))
        if was_first:
            wanted, seen = _without_wording(wanted), _without_wording(seen)
            if wanted == seen:
                continue
        where, should, is_ = _first_difference(wanted, seen)
        yield part, f"{part}.yaml: {where or 'the file'} is {_short(is_)}, recomputed {_short(should)}"


def _dump(model: Model | None) -> object:
    return model.model_dump(mode="json", by_alias=True) if model is not None else None


def _without_wording(data: object) -> object:
    """Returns the document without sentences that the tool words, which a later version may word
    otherwise.
    """
    if isinstance(data, Mapping):
        worded = {"reasons", "seen", "wanted"}
        worded |= {"result"} if "step" in data else set()
        worded |= {"reason"} if "at" in data else set()
        return {key: _without_wording(value) for key, value in data.items() if key not in worded}
    return [_without_wording(each) for each in data] if isinstance(data, list) else data


def _first_difference(wanted: object, seen: object, where: str = "") -> tuple[str, object, object]:
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        for key in [*wanted, *(key for key in seen if key not in wanted)]:
            if wanted.get(key) != seen.get(key):
                return _first_difference(wanted.get(key), seen.get(key), f"{where}.{key}".lstrip("."))
    if isinstance(wanted, list) and isinstance(seen, list) and len(wanted) == len(seen):
        for index, (one, other) in enumerate(zip(wanted, seen, strict=True)):
            if one != other:
                return _first_difference(one, other, f"{where}.{index}")
    return where, wanted, seen


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
