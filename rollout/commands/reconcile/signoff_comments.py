"""What people say on the checklist's issue, looked up and folded into the checklist."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rollout.core.signoff.comments import Command, Said, SignCommand, commands
from rollout.core.signoff.evidence import NoEvidenceError, judge, parse
from rollout.core.signoff.folding import (
    Claim,
    Looked,
    claim_of,
    fold,
    is_counted,
    is_known,
    lapse_comments,
    lapse_evidence,
    live,
    refusal,
)
from rollout.core.signoff.people import NOBODY_KNOWS, Writers, is_named
from rollout.core.signoff.window import describe, is_open, key_of, waits_on_signatures
from rollout.core.state import Signoff, TrainState
from rollout.core.state.signoff import MOST_AUTHORS
from rollout.core.values import to_utc_seconds
from rollout.errors import OutsideError
from rollout.ports import Comment, Evidence, Issues, IssueState, Permission

MOST_LOOKUPS = 40
"""People and evidence that one run looks up for comments: the next ones deal with the rest of a crowd."""
_MANY = 100
"""Comments after which the place that is read up to moves on though nothing was signed."""


@dataclass(frozen=True)
class Answer:
    """To a comment: why what it says does not count, empty when it does."""

    said: Said
    refusals: tuple[str, ...]


@dataclass(frozen=True)
class Heard:
    """What people's words make of a checklist."""

    signoff: Signoff
    detail: str
    """What changed; empty when nothing did."""
    answers: tuple[Answer, ...] = ()


@dataclass
class _Taken:
    """Claims of one reading, and what became of each."""

    signoff: Signoff
    refused: dict[Claim, str] = field(default_factory=dict)
    waiting: set[Claim] = field(default_factory=set)
    """Those that could not be looked up now."""


class Listener:
    """Reads the comments in one run. What it has looked up it does not ask for again."""

    def __init__(self, issues: Issues, evidence: Evidence, *, at: datetime) -> None:
        self._issues = issues
        self._evidence = evidence
        self._at = at
        self._looked: dict[tuple[str, Command], Looked] = {}
        self._left = MOST_LOOKUPS
        self.notes: list[str] = []
        """What could not be asked for."""

    def hear(self, state: TrainState) -> Heard | None:
        """What the issue's comments say now; None where there is no issue. Raises OutsideError."""
        before = state.signoff
        issue = self._issues.find(key_of(state.rollout)) if before is not None and is_open(state) else None
        if before is None or issue is None or issue.state is not IssueState.OPEN:
            return None
        waits = waits_on_signatures(state)
        talk = self._issues.comments(issue.number, None if waits else before.read_until)
        said = [_said(comment) for comment in talk.comments]
        signoff = lapse_comments(before, said, issue.url, whole=talk.whole, at=self._at)
        if waits:
            signoff = lapse_evidence(signoff, self._look_again(state, signoff), self._at)
        claims = [
            claim_of(one, command)
            for one in said
            if not (one.answered or one.hidden) and is_named(state.contract.signoff, one.by)
            for command in commands(one.body)
        ]
        taken = self._take(claims, state, signoff)
        signoff = taken.signoff if taken.waiting else _moved_on(before, taken.signoff, said)
        detail = describe(before, signoff) if signoff != before else ""
        return Heard(signoff, detail, _answers(said, claims, taken))

    def record(self, claim: Claim, state: TrainState) -> tuple[Signoff, str]:
        """The checklist with one claim, and why it does not count. Raises OutsideError."""
        assert state.signoff is not None
        taken = self._take([claim], state, state.signoff, patient=False)
        return taken.signoff, taken.refused.get(claim, "")

    # --- looking up --------------------------------------------------------------------------------------

    def _take(
        self, claims: list[Claim], state: TrainState, signoff: Signoff, *, patient: bool = True
    ) -> _Taken:
        """The claims folded in; a patient run leaves what it cannot look up to the next one."""
        taken, writers = _Taken(signoff), Writers()
        try:
            writers = self._writers(claims, state, signoff)
        except OutsideError as error:
            if not patient:
                raise
            self.notes.append(f"who wrote the release is not known: {error.message}")
            taken.waiting |= _approvals(claims, state)
        taken.signoff = _with_writers(signoff, writers)
        looked: list[tuple[Claim, Looked]] = []
        for claim in (one for one in claims if one not in taken.waiting):
            if is_known(claim, taken.signoff) or refusal(claim, state.contract, taken.signoff, state.rollout):
                looked.append((claim, Looked()))
                continue
            try:
                found = self._look_up(claim, state)
            except OutsideError as error:
                if not patient:
                    raise
                self.notes.append(f"a comment of {claim.by} waits: {error.message}")
                found = None
            if found is None:
                taken.waiting.add(claim)
            else:
                looked.append((claim, found))
        taken.signoff, refused = fold(looked, state.contract, taken.signoff, state.rollout)
        taken.refused = {claim: _because(why, writers) for claim, why in refused.items()}
        return taken

    def _writers(self, claims: list[Claim], state: TrainState, signoff: Signoff) -> Writers:
        """Who wrote the release, asked for where that is not recorded and a claim depends on it."""
        release = state.rollout.release
        if signoff.authors or release is None or not _approvals(claims, state):
            return Writers()
        writers = self._evidence.writers(release)
        if len(writers.logins) > MOST_AUTHORS:
            return Writers(unknown=f"more than {MOST_AUTHORS} people wrote it")
        return writers

    def _look_up(self, claim: Claim, state: TrainState) -> Looked | None:
        """None when this run has looked up enough."""
        place = claim.by, claim.command
        if place not in self._looked:
            if not self._left:
                return None
            self._left -= 1
            permission = self._issues.permission(claim.by)
            found = Looked(permission.may_write, permission.value)
            if permission.may_write and isinstance(claim.command, SignCommand):
                found = self._look_at(claim.command.evidence, state, permission)
            self._looked[place] = found
        return self._looked[place]

    def _look_at(
        self, evidence: str, state: TrainState, permission: Permission, *, signed: bool = False
    ) -> Looked:
        release = state.rollout.release
        assert release is not None
        try:
            reference = parse(evidence, self._evidence.places(), release.commit)
        except NoEvidenceError as why:
            return Looked(permission.may_write, permission.value, str(why))
        seen = self._evidence.look_up(reference, release)
        problem = judge(reference, seen, release.commit, signed=signed)
        digest = seen.digest if seen else ""
        return Looked(permission.may_write, permission.value, problem, reference.text, digest)

    def _look_again(self, state: TrainState, signoff: Signoff) -> dict[tuple[str, str], Looked]:
        """What is seen now of evidence that can change: a decision rests on it."""
        release = state.rollout.release
        assert release is not None
        found = {}
        for item, signature in live(signoff):
            if signature.evidence.startswith("https://"):
                found[item, signature.by] = self._look_at(
                    signature.evidence, state, Permission.WRITE, signed=True
                )
        return found


def _with_writers(signoff: Signoff, writers: Writers) -> Signoff:
    if not writers.logins:
        return signoff
    names = tuple(name[:200] for name in writers.logins)
    return signoff.model_copy(update={"author": signoff.author or names[0], "authors": names})


def _because(refusal: str, writers: Writers) -> str:
    return f"{refusal}: {writers.unknown}" if refusal == NOBODY_KNOWS and writers.unknown else refusal


def _approvals(claims: list[Claim], state: TrainState) -> set[Claim]:
    """Those of items that an approver signs: they depend on who wrote the release."""
    approvers = {item.id for item in state.contract.signoff.items if item.role == "approver"}
    return {claim for claim in claims if claim.command.item in approvers}


def _said(comment: Comment) -> Said:
    return Said(
        comment.id,
        comment.author,
        comment.created_at,
        comment.body,
        comment.url,
        comment.edited,
        comment.answered,
        comment.hidden,
    )


def _moved_on(before: Signoff, signoff: Signoff, said: list[Said]) -> Signoff:
    """With the place that is read up to, where there is a commit anyway or it is worth one."""
    newest = max((to_utc_seconds(one.at) for one in said), default=None)
    old = before.read_until
    if newest is None or (old is not None and newest <= old):
        return signoff
    new = [one for one in said if old is None or one.at > old]
    if signoff == before and len(new) < _MANY:
        return signoff
    return signoff.model_copy(update={"read_until": newest})


def _answers(said: list[Said], claims: list[Claim], taken: _Taken) -> tuple[Answer, ...]:
    """To each comment that was not answered, unless a part of it waits."""
    answers = []
    for one in said:
        mine = [claim for claim in claims if claim.comment == one.id]
        if mine and not taken.waiting.intersection(mine):
            why = (_why(claim, taken) for claim in mine)
            answers.append(Answer(one, tuple(each for each in why if each)))
    return tuple(answers)


def _why(claim: Claim, taken: _Taken) -> str:
    if claim in taken.refused:
        return f"{claim.command.item}: {taken.refused[claim]}"
    if is_counted(claim, taken.signoff):
        return ""
    return f"{claim.command.item}: something newer took its place"
