"""What people say on the checklist's issue: looked up, folded into the checklist, and answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rollout.commands.reconcile.signoff_issue import SignoffIssue
from rollout.core.decorations import Decorations
from rollout.core.signoff.comments import Comment, SignoffCommand, commands
from rollout.core.signoff.evidence import NoEvidenceError, at_its_server, can_change, judge, parse
from rollout.core.signoff.folding import (
    Answers,
    Grounds,
    SignoffUpdate,
    approvals,
    concluded,
    fold,
    is_known,
    lapse_comments,
    lapse_evidence,
    live,
    refusal,
    with_writers,
)
from rollout.core.signoff.people import NOBODY_KNOWS, Writers, is_named
from rollout.core.signoff.window import SignoffEffect, is_open, key_of, waits_on_signatures
from rollout.core.state import Signature, Signoff, TrainState
from rollout.core.state.signoff import MOST_AUTHORS
from rollout.errors import OutsideError
from rollout.ports import Evidence, Issues, Permission

MOST_LOOKUPS = 40
"""People and evidence that one run looks up for comments: the next ones deal with the rest of a crowd."""


class Listener:
    """Reads the comments in one run. What it has looked up it does not ask for again."""

    def __init__(self, issues: Issues, evidence: Evidence, *, at: datetime) -> None:
        self._issues = issues
        self._evidence = evidence
        self._at = at
        self._grounds: dict[tuple[str, str, str], Grounds] = {}
        """By the person, the verb and the evidence."""
        self._left = MOST_LOOKUPS
        self.notes: list[str] = []
        """What could not be asked for."""
        self.unseen = ""
        """As in `Facts`."""
        self.has_looked = False
        """Whether it has looked at all signatures again, for a decision that rests on them."""

    def hear(self, state: TrainState) -> SignoffUpdate | None:
        """Returns what the issue's comments say now, and what evidence shows once a decision rests on it;
        None where there is nothing to read.
        """
        self.unseen = ""
        before = state.signoff
        if before is None or not is_open(state):
            return None
        waits = waits_on_signatures(state)
        self.has_looked = self.has_looked or waits
        signoff, said = self._listen(state, before, waits=waits)
        if waits:
            signoff = lapse_evidence(signoff, self._look_again(state, live(signoff)), self._at)
        elif said is None:
            return None
        found = {
            comment: commands(comment)
            for comment in said or ()
            if not (comment.answered or comment.hidden) and is_named(state.contract.signoff, comment.author)
        }
        update = self._fold([one for each in found.values() for one in each], state, signoff)
        return concluded(before, update, said or (), found)

    def _listen(
        self, state: TrainState, before: Signoff, *, waits: bool
    ) -> tuple[Signoff, Sequence[Comment] | None]:
        """Returns the checklist without what rests on comments that are gone, and the comments;
        None where there is no issue, or it cannot be read.
        """
        try:
            issue = self._issues.find(key_of(state.rollout))
            if issue is None:
                return before, None
            talk = self._issues.comments(issue.number, None if waits else before.read_until)
        except OutsideError as error:
            self.notes.append(f"sign-off comments were not read: {error.message}")
            if waits and any(signature.comment for _, signature in live(before)):
                self.unseen = "comments"
            return before, None
        heard = lapse_comments(before, talk.comments, issue.url, whole=talk.whole, at=self._at)
        return heard, talk.comments

    def record(self, command: SignoffCommand, state: TrainState) -> tuple[Signoff, str]:
        """Returns the checklist with one command, and why it does not count. Raises OutsideError."""
        assert state.signoff is not None
        update = self._fold([command], state, state.signoff, patient=False)
        return update.signoff, update.refused.get(command, "")

    # --- looking up --------------------------------------------------------------------------------------

    def _fold(
        self, said: Sequence[SignoffCommand], state: TrainState, signoff: Signoff, *, patient: bool = True
    ) -> SignoffUpdate:
        """Returns the commands folded in; a patient run leaves what it cannot look up to the next one."""
        writers, waiting = Writers(), set[SignoffCommand]()
        try:
            writers = self._writers(said, state, signoff)
        except OutsideError as error:
            if not patient:
                raise
            self.notes.append(f"who wrote the release is not known: {error.message}")
            waiting |= approvals(said, state)
        signoff = with_writers(signoff, writers)
        looked_up: list[tuple[SignoffCommand, Grounds]] = []
        for command in (one for one in said if one not in waiting):
            if is_known(command, signoff) or refusal(command, state.contract, signoff, state.rollout):
                looked_up.append((command, Grounds()))
                continue
            try:
                grounds = self._look_up(command, state)
            except OutsideError as error:
                if not patient:
                    raise
                self.notes.append(f"a comment of {command.by} waits: {error.message}")
                grounds = None
            if grounds is None:
                waiting.add(command)
            else:
                looked_up.append((command, grounds))
        signoff, refused = fold(looked_up, state.contract, signoff, state.rollout)
        because = {command: _because(why, writers) for command, why in refused.items()}
        return SignoffUpdate(signoff, because, frozenset(waiting))

    def _writers(self, said: Sequence[SignoffCommand], state: TrainState, signoff: Signoff) -> Writers:
        """Returns who wrote the release, asked for where that is not recorded and a command depends on it."""
        release = state.rollout.release
        if signoff.authors or release is None or not approvals(said, state):
            return Writers()
        writers = self._evidence.writers(release)
        if len(writers.logins) > MOST_AUTHORS:
            return Writers(unknown=f"more than {MOST_AUTHORS} people wrote it")
        return writers

    def _look_up(self, command: SignoffCommand, state: TrainState) -> Grounds | None:
        """Looks up the grounds; None when this run has looked up enough."""
        place = command.by, command.verb, command.text
        if place not in self._grounds:
            if not self._left:
                return None
            self._left -= 1
            permission = self._issues.permission(command.by)
            found = Grounds(permission.may_write, permission.value)
            if permission.may_write and command.verb == "signoff":
                found = self._look_at(command.text, state, permission)
            self._grounds[place] = found
        return self._grounds[place]

    def _look_at(
        self, evidence: str, state: TrainState, permission: Permission, *, signed: bool = False
    ) -> Grounds:
        release = state.rollout.release
        assert release is not None
        try:
            reference = parse(evidence, self._evidence.places(), release.commit)
        except NoEvidenceError as why:
            return Grounds(permission.may_write, permission.value, str(why))
        seen = self._evidence.look_up(reference, release)
        problem = judge(reference, seen, release.commit, signed=signed)
        digest = seen.digest if seen else ""
        return Grounds(permission.may_write, permission.value, problem, reference.text, digest)

    def _look_again(
        self, state: TrainState, signed: Iterable[tuple[str, Signature]]
    ) -> dict[tuple[str, str], Grounds]:
        """Returns what is seen now of evidence that can change: a decision rests on it."""
        release, places = state.rollout.release, self._evidence.places()
        assert release is not None
        found: dict[tuple[str, str], Grounds] = {}
        for item, signature in signed:
            evidence = at_its_server(signature.evidence, places)
            if not can_change(evidence, places, release.commit):
                continue
            try:
                found[item, signature.by] = self._look_at(evidence, state, Permission.WRITE, signed=True)
            except OutsideError as error:
                self.unseen = self.unseen or f"the evidence of {item} by {signature.by}"
                self.notes.append(f"{item} by {signature.by} was not looked at: {error.message}")
        return found


class SignoffDesk:
    """What cannot be looked at ends no signature; a decision that rests on it waits."""

    def __init__(
        self, listener: Listener, issue: SignoffIssue, decorations: Decorations | None = None
    ) -> None:
        """`decorations` is told when the issue cannot be found out about."""
        self._decorations = decorations or Decorations()
        self._listener = listener
        self._issue = issue
        self._answers: Answers = {}
        self.notes: list[str] = []

    def must_look(self, state: TrainState) -> bool:
        """Returns whether a decision may rest on signatures, and this run has not looked at them all again:
        the last one has just come, or the phase that waits for them.
        """
        return not self._listener.has_looked and waits_on_signatures(state)

    def hear(self, state: TrainState) -> SignoffUpdate | None:
        """Returns what people's comments make of the checklist; None when there is nothing to read."""
        update = self._listener.hear(state)
        self._answers = update.answers if update else {}
        return update

    @property
    def unseen(self) -> str:
        """As in `Facts`."""
        return self._listener.unseen

    def answer(self, state: TrainState) -> list[SignoffEffect]:
        """Brings the issue up to date and answers; returns what was done."""
        done: list[SignoffEffect] = []
        self._decorations.attempt(lambda: done.extend(self._issue.act(state, self._answers)))
        self.notes += dict.fromkeys(self._listener.notes)  # what was looked at twice is told once
        return done


def _because(refusal: str, writers: Writers) -> str:
    return f"{refusal}: {writers.unknown}" if refusal == NOBODY_KNOWS and writers.unknown else refusal
