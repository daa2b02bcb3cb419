"""`rollout signoff`: record a person's approval from the command line."""

from __future__ import annotations

from rollout.commands.commit_state import CommandResult, change_state
from rollout.commands.reconcile.signoff_comments import Listener
from rollout.core.nearest import suggest
from rollout.core.signoff.comments import Comment, SignoffCommand
from rollout.core.signoff.evidence import EvidencePlaces, NoEvidenceError, parse
from rollout.core.signoff.window import describe
from rollout.core.state import CommitMessage, Event, Outcome, StateChange, TrainState
from rollout.core.text import inert
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, Evidence, Issues, StateStore
from rollout.rendering.advice import next_command
from rollout.rendering.commits import message

_WANTED = "a run, job, artifact, commit or review of this release, or a path in it"


def record(
    store: StateStore,
    issues: Issues,
    evidence: Evidence,
    clock: Clock,
    train: str,
    item: str,
    given: str,
    by: str,
) -> CommandResult:
    """Records the item as signed for the release commit that is being rolled out.

    Where somebody is authenticated, that is who signs. Raises InputError for an unknown item, RefusedError
    for an item that the machine has to prove, evidence or a person that does not count, a blocked checklist,
    or no rollout.
    """
    now = clock.now()
    listener = Listener(issues, evidence, at=now)
    who = signer(issues, by)
    command = SignoffCommand("signoff", item, inert(given, 1000), Comment("", who, "", now))

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        _check(state, item)
        assert state.signoff is not None
        _check_evidence(command, evidence.places(), state.signoff.commit)
        if _is_signed_so(state, command):
            return None
        signoff, why = listener.record(command, state)
        if why:
            hint = "see who may sign, and by what evidence: rollout signoff check"
            raise RefusedError(f"sign-off {item} does not count: {why}", hint=hint)
        detail = describe(state.signoff, signoff)
        said = message(
            Event.SIGNOFF, contract=state.contract, rollout=state.rollout, status=state.status, detail=detail
        )
        return StateChange(signoff=signoff), said

    return change_state(store, train, decide, now)


def signer(issues: Issues, by: str) -> str:
    """Returns who signs: whose token it is, and only where there is none the name that is given.

    Raises RefusedError for somebody else's name.
    """
    me = issues.myself()
    if me and by and me.casefold() != by.casefold():
        raise RefusedError(f"{by} cannot be signed for with the token of {me}", hint="leave out --by")
    if me.endswith("[bot]"):
        raise RefusedError(f"{me} is no person", hint="comment on the issue: /signoff ITEM EVIDENCE")
    return me or inert(by, 200)


def _check(state: TrainState, item: str) -> None:
    items = {each.id: each for each in state.contract.signoff.items}
    if item not in items:
        people = [each.id for each in items.values() if each.proof is None]
        hint = suggest(item, people, "items that people sign: ")
        raise InputError(f"sign-off {item}: no such item in the contract", hint=hint)
    proof = items[item].proof
    if proof is not None:
        raise RefusedError(
            f"sign-off {item}: proved by the machine ({proof.kind}), not signed by people",
            hint="record it once it holds: rollout reconcile",
        )
    if state.rollout.outcome is not Outcome.IN_PROGRESS or state.signoff is None:
        raise RefusedError(
            f"{state.train} has no rollout in progress", hint=next_command(state.rollout.outcome)
        )


def _check_evidence(command: SignoffCommand, places: EvidencePlaces, commit: str) -> None:
    try:
        parse(command.text, places, commit)
    except NoEvidenceError as why:
        paths = f"give a path in the release: git ls-tree -r --name-only {commit[:10]}"
        hint = f"give a link or a path: {_WANTED}" if places.server else paths
        raise InputError(f"sign-off {command.item}: {why}", hint=hint) from why


def _is_signed_so(state: TrainState, command: SignoffCommand) -> bool:
    """Returns whether the same person has signed the same with the same evidence."""
    assert state.signoff is not None
    signed = state.signoff.items.get(command.item)
    return any(
        (each.by, each.evidence, each.ended) == (command.by, command.text, None)
        for each in (signed.signatures if signed else ())
    )
