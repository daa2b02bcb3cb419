"""The checklist's issue, kept as is recorded. It is a window: whatever is done to it changes no record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType

from rollout.core.decorations import Decorations
from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.issue import Issue, IssueState
from rollout.core.signoff.comments import Comment
from rollout.core.signoff.folding import Answers
from rollout.core.signoff.window import (
    IssueText,
    SignoffEffect,
    fingerprint,
    is_as_written,
    is_open,
    is_over,
    is_signed_by_people,
    key_of,
    labels,
)
from rollout.core.state import TrainState
from rollout.errors import OutsideError, RefusedError
from rollout.ports import OWN_LABEL, Issues, Reaction, answer_key, opened_twice
from rollout.rendering.advice import next_command


class SignoffIssue:
    """What one run does on the issue. Done again it does nothing."""

    def __init__(
        self,
        issues: Issues,
        text: Callable[[TrainState], IssueText],
        refusal_text: Callable[[str, Sequence[str]], str],
        *,
        at: datetime,
        decorations: Decorations | None = None,
        dry_run: bool = False,
    ) -> None:
        """`decorations` is told of what the issue has to do without."""
        self._decorations = decorations or Decorations()
        self._issues = issues
        self._text = text
        self._refusal_text = refusal_text
        self._at = at
        self._dry_run = dry_run

    def act(self, state: TrainState, answers: Answers = MappingProxyType({})) -> Iterator[SignoffEffect]:
        """Brings the issue up to date and answers comments; each effect is told when it is done."""
        if not is_signed_by_people(state):
            return
        if is_open(state):
            yield from self._keep_open(state)
            yield from self._answer(state, answers)
        else:
            yield from self._answer(state, answers)
            yield from self._finish(state)

    def find(self, state: TrainState) -> Issue | None:
        return self._issues.find_open(key_of(state.rollout))

    def _do(self, request: Callable[[], object]) -> bool:
        """Returns whether it was made; in a dry run it always would be."""
        return self._dry_run or self._decorations.attempt(request)

    def _keep_open(self, state: TrainState) -> Iterator[SignoffEffect]:
        key, text = key_of(state.rollout), self._text(state)
        found = self._issues.find(key)
        if found is None:
            if not self._do(lambda: self._open(state, text)):
                return
            yield SignoffEffect("open_issue", key, text.title)
            found = None if self._dry_run else self.find(state)
            if found is None:
                return
        elif found.state is IssueState.CLOSED:
            number = found.number
            if self._do(lambda: self._issues.reopen(number, at=self._at)):
                yield SignoffEffect("open_issue", key, f"#{number} again, the rollout goes on")
        yield from self._close_duplicates(found)
        # The comment first: by it the issue is found again should somebody mangle its body.
        self._stick(state, found, text)
        yield from self._update(state, found, text)

    def _close_duplicates(self, found: Issue) -> Iterator[SignoffEffect]:
        for one in self._issues.duplicates(found.key):
            why = opened_twice(found.number)
            if self._do(partial(self._issues.close, one.number, why, at=self._at)):
                yield SignoffEffect("close_issue", found.key, f"#{one.number}, opened twice")

    def _open(self, state: TrainState, text: IssueText) -> None:
        key, people = key_of(state.rollout), state.contract.signoff.roles.everybody
        wanted = labels(state.contract, state.signoff)
        self._issues.open(OpenIssue(key, text.title, text.body, wanted, people), at=self._at)

    def _stick(self, state: TrainState, found: Issue, text: IssueText) -> None:
        key = key_of(state.rollout)
        self._do(lambda: self._issues.stick(found.number, key, text.missing, at=self._at))

    def _update(self, state: TrainState, found: Issue, text: IssueText) -> Iterator[SignoffEffect]:
        wanted, number = labels(state.contract, state.signoff), found.number
        own = {label for label in found.labels if label.startswith(OWN_LABEL)}
        is_labelled = set(wanted) <= found.labels and own <= {OWN_LABEL, *wanted}
        if is_labelled and (found.title, found.body.strip()) == (text.title, text.body.strip()):
            return
        change = UpdateIssue(number, text.title, text.body, wanted)
        if not self._do(partial(self._issues.update, change, at=self._at)):
            return
        by_hand = not is_as_written(found.body)
        yield SignoffEffect("update_issue", key_of(state.rollout), "changed by hand" if by_hand else "")
        if by_hand:
            why = f"edit/{fingerprint(found.body)}"
            self._do(lambda: self._issues.say_once(number, why, _BY_HAND, at=self._at))

    def _answer(self, state: TrainState, answers: Answers) -> Iterator[SignoffEffect]:
        issue = self.find(state) if answers else None
        if issue is None:
            return
        for comment, refusals in answers.items():
            if self._do(partial(self._answer_one, issue.number, comment, refusals)):
                outcome = f"refused, {'; '.join(refusals)}" if refusals else "accepted"
                yield SignoffEffect("answer_comment", key_of(state.rollout), f"{comment.author}: {outcome}")

    def _answer_one(self, number: int, comment: Comment, refusals: Sequence[str]) -> None:
        if refusals:
            text = self._refusal_text(comment.author, refusals)
            self._issues.say_once(number, answer_key(comment.id), text, at=self._at)
        self._issues.react(comment.id, Reaction.REFUSED if refusals else Reaction.ACCEPTED)

    def _finish(self, state: TrainState) -> Iterator[SignoffEffect]:
        found = self.find(state)
        if found is None:
            return
        yield from self._close_duplicates(found)
        text = self._text(state)
        # Else the last word on what is missing would be from before the end.
        self._stick(state, found, text)
        yield from self._update(state, found, text)
        if is_over(state.rollout) and self._do(
            lambda: self._issues.close(found.number, text.summary, at=self._at)
        ):
            yield SignoffEffect("close_issue", key_of(state.rollout), f"#{found.number}")


_BY_HAND = (
    "The text above was changed by hand and is put back: it only shows what is recorded in git, and ticking"
    " a box there signs nothing. Sign with a comment: `/signoff ITEM EVIDENCE`."
)


def open_issue(issue: SignoffIssue, state: TrainState) -> tuple[Issue, list[SignoffEffect]]:
    """Opens the issue or puts it right, and tells what that took.

    Raises RefusedError without a rollout in progress that people sign, OutsideError when there is no issue.
    """
    if not is_open(state):
        raise RefusedError(
            f"{state.train} has no rollout in progress that is signed",
            hint=next_command(state.rollout.outcome),
        )
    effects = list(issue.act(state))
    found = issue.find(state)
    if found is None:
        raise OutsideError(
            "the sign-off issue could not be opened",
            hint="sign without the issue: rollout signoff record ITEM EVIDENCE",
        )
    return found, effects
