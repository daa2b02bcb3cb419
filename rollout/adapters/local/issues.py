"""The Issues port with nothing but git: records in the git directory, and people who say who they are."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal

from pydantic import Field

from rollout.adapters.git import Git
from rollout.adapters.local.records import RecordsFile
from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.issue import Issue, IssueState
from rollout.core.signoff.comments import Comment
from rollout.core.values import Instant, Line, Model
from rollout.errors import InputError, RefusedError
from rollout.ports import OWN_LABEL, Conversation, Permission, Reaction


class _Comment(Model):
    id: int
    author: Line
    body: str
    created_at: Instant
    sticky: Line = ""
    """The key of a comment that the tool keeps current."""
    is_tools: bool = False
    reactions: tuple[Reaction, ...] = ()


class _Issue(Model):
    number: int
    key: Line
    title: str
    body: str
    state: IssueState = IssueState.OPEN
    labels: tuple[Line, ...]
    assignees: tuple[Line, ...]
    opened_at: Instant
    comments: tuple[_Comment, ...] = ()


class _Records(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    issues: tuple[_Issue, ...] = ()


class LocalIssues:
    """Issues and their comments, kept beside the repository. Names of people are taken as they are given."""

    def __init__(self, git: Git) -> None:
        self._file = RecordsFile(git.common_dir / "rollout" / "issues.json", _Records, _BROKEN_HINT)

    # --- the port ----------------------------------------------------------------------------------------

    def find_open(self, key: str) -> Issue | None:
        """Returns the open issue with that key."""
        found = self.find(key)
        return found if found and found.state is IssueState.OPEN else None

    def duplicates(self, key: str) -> Sequence[Issue]:
        """Returns none: issues are opened under a lock."""
        return ()

    def find(self, key: str) -> Issue | None:
        """Returns the newest issue with that key, open or closed."""
        found = [each for each in self._file.read().issues if each.key == key]
        return _shown(found[-1]) if found else None

    def open(self, new: OpenIssue, *, at: datetime) -> Issue:
        """Opens it; one with that key that is open is returned as it is."""
        with self._locked():
            records = self._file.read()
            for each in records.issues:
                if each.key == new.key and each.state is IssueState.OPEN:
                    return _shown(each)
            opened = _Issue(
                number=len(records.issues) + 1,
                key=new.key,
                title=new.title,
                body=new.body,
                labels=_with_own(new.labels),
                assignees=new.assignees,
                opened_at=at,
            )
            self._file.write(records.model_copy(update={"issues": (*records.issues, opened)}))
            return _shown(opened)

    def update(self, change: UpdateIssue, *, at: datetime) -> None:
        """Makes title, body and the tool's labels so; a label that does not begin with `rollout` stays."""
        with self._locked():
            records = self._file.read()
            found = _find(records, change.number)
            kept = [label for label in found.labels if not label.startswith(OWN_LABEL)]
            wanted = _with_own([*change.labels, *kept])
            if (found.title, found.body, found.labels) != (change.title, change.body, wanted):
                self._change(records, change.number, title=change.title, body=change.body, labels=wanted)

    def close(self, number: int, comment: str, *, at: datetime) -> None:
        """Closes it with a last comment, once; one that is closed stays as it is."""
        with self._locked():
            records = self._file.read()
            found = _find(records, number)
            if found.state is IssueState.OPEN:
                said = _comment(records, "rollout", comment, at).model_copy(update={"is_tools": True})
                self._change(records, number, state=IssueState.CLOSED, comments=(*found.comments, said))

    def reopen(self, number: int, *, at: datetime) -> None:
        """Opens one again that was closed; one that is open stays as it is."""
        with self._locked():
            records = self._file.read()
            if _find(records, number).state is IssueState.CLOSED:
                self._change(records, number, state=IssueState.OPEN)

    def comments(self, number: int, since: datetime | None = None) -> Conversation:
        """Returns all that people wrote."""
        found = _find(self._file.read(), number)
        return Conversation(
            tuple(_shown_comment(each, number) for each in found.comments if not each.is_tools), whole=True
        )

    def stick(self, number: int, key: str, body: str, *, at: datetime) -> None:
        """Keeps one comment of the tool with that key current: made once, then edited in place."""
        with self._locked():
            records = self._file.read()
            found = _find(records, number)
            sticky = next((each for each in found.comments if each.sticky == key), None)
            if sticky is None:
                said = _comment(records, "rollout", body, at)
                said = said.model_copy(update={"is_tools": True, "sticky": key})
                self._change(records, number, comments=(*found.comments, said))
            elif sticky.body != body:
                self._change_comment(records, found, sticky.model_copy(update={"body": body}))

    def say_once(self, number: int, key: str, body: str, *, at: datetime) -> None:
        """Comments, unless there is a comment of the tool with that key."""
        if all(each.sticky != key for each in _find(self._file.read(), number).comments):
            self.stick(number, key, body, at=at)

    def react(self, comment: str, reaction: Reaction) -> None:
        """Answers the comment of that id with a reaction; the same one again changes nothing."""
        with self._locked():
            records = self._file.read()
            for issue in records.issues:
                for each in issue.comments:
                    if str(each.id) == comment and reaction not in each.reactions:
                        answered = each.model_copy(update={"reactions": (*each.reactions, reaction)})
                        self._change_comment(records, issue, answered)

    def permission(self, login: str) -> Permission:
        """Returns write for everybody: whoever can write in the git directory may do everything."""
        return Permission.ADMIN

    def myself(self) -> str:
        """Returns an empty name: nobody is authenticated here."""
        return ""

    # --- what `rollout local issues` does in a person's place ----------------------------------------------

    def all(self) -> list[Issue]:
        """Returns every issue, oldest first."""
        return [_shown(each) for each in self._file.read().issues]

    def said(self, number: int) -> list[tuple[str, str, tuple[Reaction, ...], bool]]:
        """Returns author and text of each comment, oldest first, how the tool answered, and whether it is
        the tool's. Raises InputError.
        """
        comments = _find(self._file.read(), number).comments
        return [(each.author, each.body, each.reactions, each.is_tools) for each in comments]

    def comment(self, number: int, author: str, body: str, *, at: datetime) -> Comment:
        """Writes a comment as that person. Raises InputError when there is no such issue or no text."""
        if not body.strip():
            raise InputError("a comment needs a text", hint="such as: /signoff ITEM EVIDENCE")
        with self._locked():
            records = self._file.read()
            found = _find(records, number)
            said = _comment(records, author, body, at)
            self._change(records, number, comments=(*found.comments, said))
            return _shown_comment(said, number)

    def close_by_hand(self, number: int) -> None:
        """Closes it as a person does. Raises InputError when there is none, RefusedError when it is
        closed.
        """
        with self._locked():
            records = self._file.read()
            if _find(records, number).state is IssueState.CLOSED:
                raise RefusedError(f"issue {number} is closed", hint="list them: rollout local issues")
            self._change(records, number, state=IssueState.CLOSED)

    # --- records -----------------------------------------------------------------------------------------

    def _locked(self) -> AbstractContextManager[None]:
        return self._file.locked()

    def _change(self, records: _Records, number: int, **changes: object) -> None:
        every = (
            each.model_copy(update=changes) if each.number == number else each for each in records.issues
        )
        self._file.write(records.model_copy(update={"issues": tuple(every)}))

    def _change_comment(self, records: _Records, issue: _Issue, changed: _Comment) -> None:
        comments = tuple(changed if each.id == changed.id else each for each in issue.comments)
        self._change(records, issue.number, comments=comments)


_BROKEN_HINT = "move the file away to begin anew: state stays, issues and comments are lost"


def _find(records: _Records, number: int) -> _Issue:
    for each in records.issues:
        if each.number == number:
            return each
    raise InputError(f"there is no issue {number}", hint="list them: rollout local issues")


def _with_own(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({OWN_LABEL, *labels}))


def _comment(records: _Records, author: str, body: str, at: datetime) -> _Comment:
    every = sum(len(issue.comments) for issue in records.issues)
    return _Comment(id=every + 1, author=author, body=body, created_at=at)


def _shown(record: _Issue) -> Issue:
    return Issue(
        number=record.number,
        key=record.key,
        title=record.title,
        body=record.body,
        state=record.state,
        labels=frozenset(record.labels),
        assignees=record.assignees,
        locked=False,
        url=f"local:issues/{record.number}",
    )


def _shown_comment(record: _Comment, number: int) -> Comment:
    return Comment(
        id=str(record.id),
        author=record.author,
        body=record.body,
        created_at=record.created_at,
        edited=False,
        url=f"local:issues/{number}#{record.id}",
        answered=bool(record.reactions),
    )
