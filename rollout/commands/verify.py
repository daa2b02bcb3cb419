"""`rollout verify`: recompute each state commit from the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.commands import steered
from rollout.commands.changing import applied
from rollout.core import first_rules, signoff, starting
from rollout.core.advance import advance, begin
from rollout.core.channel.explain import follows
from rollout.core.observation import Evidence, Results
from rollout.core.signoff import transition
from rollout.core.state import Event, Rollout, Signoff, StateChange, Status, TrainState
from rollout.core.values import Model
from rollout.errors import RolloutError
from rollout.ports import LoggedCommit, StateStore

_PARTS = ("rollout", "status", "channel", "signoff", "quarantine", "rehearsal", "incident")
_MACHINE_PARTS = ("status", "signoff", "quarantine", "rehearsal", "incident")
"""What only the tool writes; people change the others by pull request, and reconcile judges that."""
_INCIDENTS = "incidents/"
_BEGINS_LATE = (
    "history begins here, with decisions in it already (a squash, or a copy of another repository):"
    " they cannot be recomputed"
)
_COMPUTED = frozenset(
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


@dataclass(frozen=True)
class Finding:
    """A state commit that does not follow from the one before it."""

    commit: str
    at: datetime
    author: str
    problem: str


@dataclass(frozen=True)
class Verified:
    commits: int
    """How many were recomputed."""
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()
    """What is no mistake of the commit, but has to be known: a history that begins with state already."""
    cut: str | None = None
    """The commit at which a shallow clone ends: neither it nor what came before can be recomputed."""

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Commit and what is wrong with it."""
        return [(finding.commit, finding.problem) for finding in self.findings]


def verify(store: StateStore, train: str, since: str | None) -> Verified:
    """Check every state commit of the train after `since` (all when None), oldest first.

    Raises RefusedError when the branch does not hold `since`.
    """
    logged = list(store.log(train, since=since))[::-1]
    before = [since] if since is not None else []
    states = store.load_many(train, [*before, *(entry.commit for entry in logged)])
    previous = _usable(next(states)) if since is not None else None
    findings, remarks, checked, cut = [], [], 0, None
    for entry, state in zip(logged, states, strict=True):
        if entry.is_cut:
            cut = entry.commit
        elif previous is None and _holds_decisions(state):
            remarks.append(_finding(entry, _BEGINS_LATE))
        else:
            checked += 1
            problem = _problem(previous, state, entry)
            if problem:
                findings.append(_finding(entry, problem))
        # What does not load is mended by people, and has to lead on from what was there before it.
        previous = _usable(state) or previous
    return Verified(checked, tuple(findings), tuple(remarks), cut)


def _finding(entry: LoggedCommit, problem: str) -> Finding:
    return Finding(entry.commit, entry.at, entry.author, problem)


def _holds_decisions(state: TrainState | Exception) -> bool:
    """Whether a first commit has more than a train is set up with."""
    if isinstance(state, Exception):
        return False
    set_up = Rollout(train=state.train)
    return state.rollout != set_up or any(
        part is not None for part in (state.status, state.signoff, state.quarantine, state.rehearsal)
    )


def _usable(state: TrainState | Exception) -> TrainState | None:
    return None if isinstance(state, Exception) else state


def _problem(previous: TrainState | None, state: TrainState | Exception, entry: LoggedCommit) -> str:
    if isinstance(state, Exception):
        return state.message if isinstance(state, RolloutError) else str(state)
    broken = next((each.problem for each in state.broken if each.name in entry.paths), "")
    if broken or previous is None:
        return broken
    event = _event(entry)
    if event is Event.CHANNEL and not follows(previous, state.channel):
        return "channel.yaml is not what a channel command makes of the commit before"
    expected = _expected(replace(previous, head=entry.parent or previous.head), state, event)
    if expected is None:
        return f"{event} records a step that does not follow from the commit before"
    checked: Iterable[str] = _PARTS if event in _COMPUTED else _MACHINE_PARTS
    if not any(path.startswith(_INCIDENTS) for path in entry.paths):
        # Which incident a train shows is up to rollout.yaml: an edit there makes one come and go.
        checked = [part for part in checked if part != "incident"]
    return next(iter(_differences(expected, state, checked)), "") or _touched(expected, entry)


def _touched(expected: TrainState, entry: LoggedCommit) -> str:
    """An incident that the train does not show is over, and nothing writes it any more."""
    shown = f"{_INCIDENTS}{expected.incident.id}.yaml" if expected.incident else ""
    touched = (path for path in entry.paths if path.startswith(_INCIDENTS) and path != shown)
    return next((f"{path}: the incident is over, and nothing writes it" for path in touched), "")


def _event(entry: LoggedCommit) -> Event | None:
    word = entry.trailers.get("Rollout-Event", "")
    return Event(word) if word in set(Event) else None


def _expected(previous: TrainState, state: TrainState, event: Event | None) -> TrainState | None:
    """The train as it should be after the commit; None when the commit cannot follow at all."""
    if event is Event.START:
        return _started(previous, state)
    if event is Event.SIGNOFF:
        return _signed(previous, state)
    if event in steered.EVENTS:
        change = steered.expected(previous, state, event)
        if change is not None:
            return applied(previous, change, state.head)
    if event is Event.REHEARSE:
        return replace(previous, rehearsal=state.rehearsal)
    changed_freeze = event in (Event.FREEZE, Event.UNFREEZE) and state.status != previous.status
    if (event in _COMPUTED or changed_freeze) and state.status is not None:
        return _recomputed(previous, state, state.status)
    return previous


def _recomputed(previous: TrainState, state: TrainState, status: Status) -> TrainState | None:
    step = advance(
        previous, _evidence(previous, status), status.facts, status.decided_at, rules=status.schema_
    )
    return applied(previous, step.change, state.head) if step else None


def _evidence(previous: TrainState, status: Status) -> Evidence | None:
    before = previous.status
    if status.observation is not None and (before is None or status.observation != before.observation):
        return status.observation
    return _results(before, status)


def _results(before: Status | None, status: Status) -> Results | None:
    known = {request.id for request in before.requests if request.result} if before else set()
    new = tuple(r.result for r in status.requests if r.result is not None and r.id not in known)
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
        why_not = starting.why_not_by_first_rules(previous, release)
    else:
        why_not = starting.why_not(previous, release, target)
    if why_not:
        return None
    rollout = starting.first(previous.contract, release, target)
    status = begin(
        previous.contract,
        previous.contract_digest,
        rollout,
        release.started_at,
        lanes=previous.rollout.lanes,
        # What the product's branch showed then is taken as it was recorded, as the commit and its base are.
        release_range=recorded.release_range,
    )
    channel = starting.channel_of(previous, target)
    if recorded.by_first_rules:
        status, channel = first_rules.begun(status), starting.channel_by_first_rules(previous, target)
    change = StateChange(
        rollout=rollout, status=status, channel=channel, signoff=signoff.for_release(rollout)
    )
    return applied(previous, change, state.head)


def _signed(previous: TrainState, state: TrainState) -> TrainState:
    """What a person signed is taken as it is, where it may be; what the machine signed has to be provable."""
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


def _signed_at(after: Signoff, changed: set[str]) -> datetime:
    """When the machine signed or took back what changed."""
    return max(
        signature.ended.at if signature.ended else signature.at
        for name in changed
        for signature in after.items[name].signatures
    )


# --- differences ------------------------------------------------------------------------------------------


def _differences(expected: TrainState, found: TrainState, parts: Iterable[str]) -> Iterator[str]:
    was_first = found.status is not None and found.status.by_first_rules
    for part in parts:
        if getattr(expected, part) == getattr(found, part):
            continue
        wanted, seen = _dump(getattr(expected, part)), _dump(getattr(found, part))
        if was_first:
            wanted, seen = _without_wording(wanted), _without_wording(seen)
            if wanted == seen:
                continue
        where, should, is_ = _first_difference(wanted, seen)
        yield f"{part}.yaml: {where or 'the file'} is {_short(is_)}, recomputed {_short(should)}"


def _dump(model: Model | None) -> object:
    return model.model_dump(mode="json", by_alias=True) if model is not None else None


def _without_wording(data: object) -> object:
    """The document without sentences that the tool words, which a later version may word otherwise."""
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
