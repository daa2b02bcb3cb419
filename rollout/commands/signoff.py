"""`rollout signoff`: look at the checklist, and record a person's approval."""

from __future__ import annotations

from datetime import datetime

from rollout.commands.changing import Changed, change_state
from rollout.core import signoff as checklist
from rollout.core.state import CommitMessage, Event, Outcome, StateChange, TrainState
from rollout.core.text import inert
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, StateStore
from rollout.rendering.commits import message

_NO_EVIDENCE = {"", "tbd", "todo", "n/a", "none", "see logs", "-"}


def record(store: StateStore, clock: Clock, train: str, item: str, evidence: str, by: str) -> Changed:
    """Record the item as signed for the release commit that is being rolled out.

    Raises InputError for an unknown item or no evidence, RefusedError for an item that the machine
    has to prove, a blocked checklist, or no rollout.
    """
    evidence = inert(evidence, 500)
    if evidence.lower() in _NO_EVIDENCE:
        raise InputError(
            f"sign-off {item}: {evidence or 'nothing'} is no evidence", hint="give a link or a path"
        )
    now = clock.now()
    return change_state(store, train, lambda state: _signed(state, item, evidence, inert(by, 200), now), now)


def _signed(
    state: TrainState, item: str, evidence: str, by: str, now: datetime
) -> tuple[StateChange, CommitMessage] | None:
    _check_item(state, item)
    signoff = state.signoff
    if state.rollout.outcome is not Outcome.IN_PROGRESS or signoff is None:
        raise RefusedError(f"{state.train} has no rollout in progress", hint="see: rollout status")
    if signoff.blocked is not None:
        raise RefusedError(
            f"the sign-off is blocked by incident {signoff.blocked}", hint="see: rollout status"
        )
    old = signoff.items.get(item)
    if old is not None and (old.evidence, old.by, old.commit) == (evidence, by, signoff.commit):
        return None
    signed = checklist.sign(signoff, item, evidence, by, now)
    detail = f"{item} by {by}"
    return StateChange(signoff=signed), message(
        Event.SIGNOFF, contract=state.contract, rollout=state.rollout, status=state.status, detail=detail
    )


def _check_item(state: TrainState, item: str) -> None:
    items = {each.id: each for each in state.contract.signoff.items}
    if item not in items:
        people = ", ".join(each.id for each in items.values() if each.proof is None) or "none"
        raise InputError(
            f"sign-off {item}: no such item in the contract", hint=f"items that people sign: {people}"
        )
    proof = items[item].proof
    if proof is not None:
        raise RefusedError(
            f"sign-off {item}: proved by the machine ({proof.kind}), not signed by people",
            hint="rollout reconcile records it once it holds",
        )
