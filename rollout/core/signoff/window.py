"""The checklist's issue: its key, its labels, and whether it is as the tool wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from rollout.core.contract import Contract, SignoffGate
from rollout.core.signoff.checklist import states
from rollout.core.state import Ending, Outcome, Rollout, Signature, Signoff, TrainState

LABEL = "rollout-signoff"
BLOCKED_LABEL = "rollout-blocked"


@dataclass(frozen=True)
class IssueText:
    """What the issue shows."""

    title: str
    body: str
    """`sealed`."""
    missing: str
    """The tool's comment: what is still missing."""
    summary: str
    """The last comment, when the rollout has ended."""


@dataclass(frozen=True)
class SignoffEffect:
    """Something that was done on the issue: `open_issue`, `update_issue`, `close_issue`, `answer_comment`."""

    kind: str
    key: str
    detail: str = ""


def key_of(rollout: Rollout) -> str:
    """Returns the natural key of the issue: one for each release.
    Raises ValueError for a train without one.
    """
    if rollout.release is None:
        raise ValueError("a checklist needs a release")
    return f"signoff/{rollout.train}/{rollout.release.version}"


def labels(contract: Contract, signoff: Signoff | None) -> tuple[str, ...]:
    """Returns those that the issue has to have."""
    blocked = (BLOCKED_LABEL,) if signoff is not None and signoff.blocked is not None else ()
    return (LABEL, *blocked, *contract.signoff.labels)


def is_signed_by_people(state: TrainState) -> bool:
    """Returns whether there is a release with a checklist."""
    return bool(state.contract.signoff.items) and state.signoff is not None and bool(state.rollout.release)


def is_open(state: TrainState) -> bool:
    """Returns whether the checklist still takes signatures."""
    return is_signed_by_people(state) and state.rollout.outcome is Outcome.IN_PROGRESS


def is_over(rollout: Rollout) -> bool:
    """Returns whether the issue has done its work."""
    return rollout.outcome in (Outcome.COMPLETE, Outcome.ROLLED_BACK, Outcome.WITHDRAWN)


def waits_on_signatures(state: TrainState) -> bool:
    """Returns whether the phase has a sign-off gate whose items people have signed: a decision may rest on
    them. Where the checklist is over none does.
    """
    status = state.status
    phases = {phase.name: phase for phase in state.contract.phases}
    if status is None or status.phase not in phases or not is_open(state):
        return False
    gates = state.contract.gates_of(phases[status.phase])
    befores = {gate.before for gate in gates if isinstance(gate, SignoffGate)}
    found = states(state.contract, state.signoff, state.rollout)
    people = [shown for item, shown in found if item.before in befores and item.proof is None]
    return bool(people) and set(people) == {"signed"}


def sealed(text: str) -> str:
    """Returns the text with a hidden digest of itself, by which a hand edit is told from an older view."""
    return f"{text.strip()}\n\n<!-- rollout:text sha256={fingerprint(text)} -->"


def is_as_written(body: str) -> bool:
    """Returns whether the body is one that the tool wrote, an older one maybe, and nobody has changed
    since.
    """
    text, _, _ = body.strip().rpartition("\n\n")
    return body.strip() == sealed(text)


def fingerprint(text: str) -> str:
    return sha256(text.strip().encode()).hexdigest()


def describe(before: Signoff, after: Signoff) -> str:
    """Returns what the commit that records it says: `final-approval by ada, rollback-rehearsed by bob
    lapsed`.
    """
    return ", ".join(_changes(before, after)) or "comments read"


def _changes(before: Signoff, after: Signoff) -> Iterator[str]:
    for item, signed in after.items.items():
        known = before.items.get(item)
        old = {each.by: each for each in known.signatures} if known else {}
        for signature in signed.signatures:
            if signature != old.get(signature.by):
                yield f"{item} by {signature.by}{_ending(signature)}"
        if signed.withdrawn is not None and (known is None or signed.withdrawn != known.withdrawn):
            yield f"{item} withdrawn by {signed.withdrawn.by}"


def _ending(signature: Signature) -> str:
    return f" {signature.ended.how}" if signature.ended and signature.ended.how is Ending.LAPSED else ""
