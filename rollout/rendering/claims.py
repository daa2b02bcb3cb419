"""Whether a state commit's message says what the commit holds: what `verify` asks of messages.

Compared is what can be recomputed: the trailers and, of the tool's own subjects, the event, the release, the
phases and the verdict. Prose is not, so that later versions may word it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rollout.core.state import CommitMessage, Event, TrainState, Verdict
from rollout.rendering.commits import message, promotion_title

OWN = "Rollout-"
"""What the tool's trailers begin with."""
_EVENT = f"{OWN}Event"
_WITHOUT_STATUS = frozenset({Event.CHANNEL, Event.CHANNEL_IMPORT, Event.INIT})
"""What is told of the train without its rollout."""
_WITH_VERDICT = frozenset({Event.OBSERVE, Event.DECIDE})
"""Events whose whole subject is the tool's own: no person's words are in it."""
_WITHOUT_PROSE = frozenset(
    {
        Event.START,
        Event.APPLY,
        Event.ENTER,
        Event.PROMOTE,
        Event.COMPLETE,
        Event.ROLLED_BACK,
        Event.CHANNEL_IMPORT,
    }
)
"""Events whose subject ends with what can be recomputed; in others prose follows after a colon."""
_VERBS: Mapping[Event, tuple[str, ...]] = {
    Event.INIT: ("set up",),
    Event.START: ("start",),
    Event.OBSERVE: ("observe",),
    Event.RESULTS: ("results",),
    Event.APPLY: ("apply",),
    Event.DECIDE: ("decide",),
    Event.ENTER: ("enter",),
    Event.PROMOTE: ("promote",),
    Event.WAIT: (),
    Event.UNDO_STEP: ("undo step",),
    Event.ILLEGAL_STEP: ("undo illegal step", "undo a change"),
    Event.CONTRACT: ("contract change",),
    Event.FREEZE: ("freeze",),
    Event.UNFREEZE: ("unfreeze",),
    Event.ROLLBACK: ("roll back",),
    Event.ROLLBACK_STEP: ("roll back",),
    Event.JOIN: ("roll back",),
    Event.CANCEL: ("cancel the rollback",),
    Event.ROLLED_BACK: ("rolled back",),
    Event.REOPEN: ("reopen",),
    Event.WITHDRAW: ("withdraw",),
    Event.QUARANTINE: ("quarantine",),
    Event.LIFT: ("lift quarantine",),
    Event.COMPLETE: ("complete",),
    Event.SIGNOFF: ("sign-off",),
    Event.REHEARSE: ("rehearse",),
    Event.CHANNEL: ("channel",),
    Event.CHANNEL_IMPORT: ("channel",),
}
"""How the subjects of each event begin; a version that words one otherwise adds it here."""
_CUT_SHORT = "…"


def problem(subject: str, trailers: Mapping[str, str], event: Event | None, state: TrainState) -> str:
    """Returns the first thing in which the message differs from the commit, whose state is `state`; else
    empty.

    `event` is None for a commit that the trailers do not call the tool's own.
    """
    word = trailers.get(_EVENT)
    if event is None and word is not None:
        return f"the message says {_EVENT}: {word}, which is no event of this version"
    if event is None:
        return _of_people(subject, trailers, state)
    said = _recomputed(event, state)
    return _trailers(said, trailers) or _subject(event, subject, said, state)


def _recomputed(event: Event, state: TrainState) -> CommitMessage:
    status = None if event in _WITHOUT_STATUS else state.status
    return message(
        event, contract=state.contract, rollout=state.rollout, status=status, incident=state.incident
    )


def _of_people(subject: str, trailers: Mapping[str, str], state: TrainState) -> str:
    """Returns what is wrong with a commit without an event: a false claim, or one to be the tool's."""
    release, phase = f"{OWN}Release", f"{OWN}Phase"
    wanted = dict(_recomputed(Event.PROMOTE, state).trailers)
    for key in (f"{OWN}Train", release, phase):
        if key in trailers and trailers[key] != wanted.get(key):
            return _differs(key, trailers[key], wanted.get(key))
    head, rest = _head(state), subject.removeprefix(_head(state))
    if not subject.startswith(head) or not _names_release(rest):
        return ""
    event = next((event for event, verbs in _VERBS.items() if _begins(rest, verbs)), None)
    if event is None:
        return ""
    if event is Event.PROMOTE:
        # A pull request that was squashed keeps its title, and loses the trailers.
        return _subject(event, subject, _recomputed(event, state), state)
    return f"the subject reads like the tool's ({event}), and the commit is not its own"


def _names_release(rest: str) -> bool:
    return any(_VERSION.fullmatch(token) for token in rest.split(": ")[0].split())


def _trailers(said: CommitMessage, trailers: Mapping[str, str]) -> str:
    wanted = dict(said.trailers)
    for key in [*wanted, *(key for key in trailers if key.startswith(OWN) and key not in wanted)]:
        if trailers.get(key) != wanted.get(key):
            return _differs(key, trailers.get(key), wanted.get(key))
    return ""


def _differs(key: str, found: str | None, wanted: str | None) -> str:
    return f"the message says {key}: {found or 'nothing'}, recomputed {wanted or 'nothing'}"


# --- subjects --------------------------------------------------------------------------------------------


def _subject(event: Event, subject: str, said: CommitMessage, state: TrainState) -> str:
    head, shown = _head(state), _PULL_REQUEST.sub("", subject)
    if event is Event.PROMOTE and shown == promotion_title(state.contract, state.rollout, state.status):
        return ""  # a squash has the pull request's title, in which long names are shortened
    if not subject.startswith(head):
        return f"the subject does not begin with {head.strip()}"
    rest, wanted = subject.removeprefix(head), said.subject.removeprefix(head)
    if _VERBS[event] and not _begins(rest, _VERBS[event]):
        other = next(
            (each for each, verbs in _VERBS.items() if _begins(rest, verbs)), "nothing that is known"
        )
        return f"the subject tells of {other}, and the commit records {event}"
    phases = {phase.name for phase in state.contract.phases}
    told, due = (_facts(text, event, phases) for text in (rest, wanted))
    is_cut = rest.endswith(_CUT_SHORT)
    if told != due and not (is_cut and due[: len(told)] == told):
        return f"the subject says {_listed(told)}, recomputed {_listed(due)}"
    return "" if is_cut else _added(event, rest, wanted, phases)


def _added(event: Event, rest: str, wanted: str, phases: set[str]) -> str:
    """Returns what the subject says after the last fact, and the tool does not: ` and complete`, `,
    frozen`.
    """
    if not _VERBS[event]:
        return ""
    rest = _PULL_REQUEST.sub("", rest)
    named, due = (text if event in _WITHOUT_PROSE else text.partition(":")[0] for text in (rest, wanted))
    after = _after_facts(named, event, phases)
    return f"the subject adds: {after}" if after != _after_facts(due, event, phases) else ""


def _after_facts(named: str, event: Event, phases: set[str]) -> str:
    """Returns what comes after the last version, phase or percent, or after the verb where there is none."""
    tokens = named.split()
    last = max((at for at, token in enumerate(tokens) if _fact(token, phases)), default=None)
    if last is not None:
        return " ".join([tokens[last].partition(",")[1], *tokens[last + 1 :]]).strip()
    verb = next((verb for verb in _VERBS[event] if _begins(named, (verb,))), "")
    return named.removeprefix(verb).strip()


def _head(state: TrainState) -> str:
    return f"rollout({state.train}): "


def _begins(rest: str, verbs: tuple[str, ...]) -> bool:
    return any(rest == verb or rest.startswith((f"{verb} ", f"{verb}:")) for verb in verbs)


_VERSION = re.compile(r"v?\d+\.\d+\.\d+[-+.0-9A-Za-z]*")
_PERCENT = re.compile(r"\((\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_VERDICTS = frozenset(verdict.value for verdict in Verdict)
_PULL_REQUEST = re.compile(r" \(#\d+\)$")
"""What GitHub appends to the title of one that is squashed."""


def _facts(text: str, event: Event, phases: set[str]) -> list[str]:
    """Returns versions, phases and percents, in their order; the verdict too where the tool alone speaks."""
    named, _, more = text.partition(": ")
    facts = [fact for token in named.split() for fact in _fact(token, phases)]
    if event is Event.APPLY:
        facts = [f"{token} %" for token in named.split() if _NUMBER.fullmatch(token)]
    if event in _WITH_VERDICT:
        words = [token.strip(",") for token in more.split()]
        facts += [word for word in words if word in phases or word in _VERDICTS]
    return facts


def _fact(token: str, phases: set[str]) -> list[str]:
    token = token.rstrip(",:")
    percent = _PERCENT.match(token)
    if percent:
        return [f"{percent[1]} %"]
    return [token] if token in phases or _VERSION.fullmatch(token) else []


def _listed(facts: list[str]) -> str:
    return " ".join(facts) or "neither release nor phase"
