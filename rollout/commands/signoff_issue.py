"""The checklist's issue, kept as is recorded. It is a window: whatever is done to it changes no record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from rollout.commands.signing import Answer
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
from rollout.errors import RefusedError
from rollout.ports import OWN_LABEL, Issue, Issues, IssueState, Reaction


class SignoffIssue:
    """What one run does on the issue. Done again it does nothing."""

    def __init__(
        self,
        issues: Issues,
        text: Callable[[TrainState], IssueText],
        refusal_text: Callable[[str, Sequence[str]], str],
        *,
        at: datetime,
        dry_run: bool = False,
    ) -> None:
        self._issues = issues
        self._text = text
        self._refusal_text = refusal_text
        self._at = at
        self._dry_run = dry_run

    def act(self, state: TrainState, answers: Sequence[Answer] = ()) -> Iterator[SignoffEffect]:
        """Bring the issue up to date and answer comments; each effect is told when it is done."""
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

    def _keep_open(self, state: TrainState) -> Iterator[SignoffEffect]:
        key, text = key_of(state.rollout), self._text(state)
        found = self._issues.find(key)
        if found is None:
            yield SignoffEffect("open_issue", key, text.title)
            if self._dry_run:
                return
            people = state.contract.signoff.roles.everybody
            wanted = labels(state.contract, state.signoff)
            found = self._issues.open(
                key, text.title, text.body, labels=wanted, assignees=people, at=self._at
            )
        elif found.state is IssueState.CLOSED:
            yield SignoffEffect("open_issue", key, f"#{found.number} again, the rollout goes on")
            if not self._dry_run:
                self._issues.reopen(found.number, at=self._at)
        # The comment first: by it the issue is found again should somebody mangle its body.
        if not self._dry_run:
            self._issues.stick(found.number, key, text.missing, at=self._at)
        yield from self._update(state, found, text)

    def _update(self, state: TrainState, found: Issue, text: IssueText) -> Iterator[SignoffEffect]:
        wanted = labels(state.contract, state.signoff)
        own = {label for label in found.labels if label.startswith(OWN_LABEL)}
        is_labelled = set(wanted) <= found.labels and own <= {OWN_LABEL, *wanted}
        if is_labelled and (found.title, found.body.strip()) == (text.title, text.body.strip()):
            return
        by_hand = not is_as_written(found.body)
        yield SignoffEffect("update_issue", key_of(state.rollout), "changed by hand" if by_hand else "")
        if self._dry_run:
            return
        self._issues.update(found.number, title=text.title, body=text.body, labels=wanted, at=self._at)
        if by_hand:
            self._issues.say_once(found.number, f"edit/{fingerprint(found.body)}", _BY_HAND, at=self._at)

    def _answer(self, state: TrainState, answers: Sequence[Answer]) -> Iterator[SignoffEffect]:
        issue = self.find(state) if answers else None
        for answer in answers if issue is not None else ():
            outcome = "; ".join(answer.refusals)
            what = f"{answer.said.by}: {f'refused, {outcome}' if outcome else 'accepted'}"
            yield SignoffEffect("answer_comment", key_of(state.rollout), what)
            if self._dry_run or issue is None:
                continue
            if answer.refusals:
                text = self._refusal_text(answer.said.by, answer.refusals)
                self._issues.say_once(issue.number, f"answer/{answer.said.id}", text, at=self._at)
            reaction = Reaction.REFUSED if answer.refusals else Reaction.ACCEPTED
            self._issues.react(answer.said.id, reaction)

    def _finish(self, state: TrainState) -> Iterator[SignoffEffect]:
        found = self.find(state)
        if found is None:
            return
        text = self._text(state)
        # Else the last word on what is missing would be from before the end.
        if not self._dry_run:
            self._issues.stick(found.number, key_of(state.rollout), text.missing, at=self._at)
        yield from self._update(state, found, text)
        if is_over(state.rollout):
            yield SignoffEffect("close_issue", key_of(state.rollout), f"#{found.number}")
            if not self._dry_run:
                self._issues.close(found.number, text.summary, at=self._at)


_BY_HAND = (
    "The text above was changed by hand and is put back: it only shows what is recorded in git, and ticking"
    " a box there signs nothing. Sign with a comment: `/signoff ITEM EVIDENCE`."
)


def open_issue(issue: SignoffIssue, state: TrainState) -> tuple[Issue, list[SignoffEffect]]:
    """Open the issue or put it right, and tell what that took.

    Raises RefusedError without a rollout in progress that people sign.
    """
    if not is_open(state):
        raise RefusedError(
            f"{state.train} has no rollout in progress that is signed", hint="see: rollout status"
        )
    effects = list(issue.act(state))
    found = issue.find(state)
    assert found is not None
    return found, effects
