"""Issues in memory, and the people who comment, edit, delete, close, lock and transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.issue import Issue, IssueState
from rollout.core.signoff.comments import Comment
from rollout.errors import OutsideError
from rollout.ports import OWN_LABEL, Conversation, Permission, Reaction
from tests.fakes.writes import Writes


@dataclass(frozen=True)
class _Said:
    number: int
    comment: Comment


class FakeIssues:
    """Fills the `Issues` port. What people may do is in `may`; who is not in it may nothing."""

    def __init__(self, writes: Writes, may: Mapping[str, Permission] | None = None) -> None:
        self._writes = writes
        self.may = dict(may or {})
        self.me = ""
        self.is_down = False
        self.issues: list[Issue] = []
        self.said: list[_Said] = []
        self.sticky: dict[tuple[int, str], str] = {}
        self.replies: dict[tuple[int, str], str] = {}
        self.reactions: dict[str, list[Reaction]] = {}
        self.last_words: dict[int, str] = {}
        """What issues were closed with."""
        self.asked: list[str] = []
        """Logins whose permission was asked for."""
        self.page = 50
        """Comments that are listed at least: the newest."""
        self._comments = 0

    def copy(self, writes: Writes) -> FakeIssues:
        """The same issues, from here on apart."""
        other = copy(self)
        other._writes = writes
        other.issues, other.said, other.asked = list(self.issues), list(self.said), list(self.asked)
        other.sticky, other.last_words, other.may = dict(self.sticky), dict(self.last_words), dict(self.may)
        other.replies = dict(self.replies)
        other.reactions = {comment: list(given) for comment, given in self.reactions.items()}
        return other

    # --- the port ----------------------------------------------------------------------------------------

    def find_open(self, key: str) -> Issue | None:
        found = self.find(key)
        return found if found is not None and found.state is IssueState.OPEN else None

    def duplicates(self, key: str) -> Sequence[Issue]:
        return ()

    def find(self, key: str) -> Issue | None:
        self._be_there()
        return next((issue for issue in reversed(self.issues) if issue.key == key), None)

    def open(self, new: OpenIssue, *, at: datetime) -> Issue:
        known = self.find(new.key)
        if known is not None and known.state is IssueState.OPEN:
            return known
        with self._writes.write(f"open issue {new.key}"):
            # Of two that runs open at once only one stays.
            known = self.find_open(new.key)
            if known is not None:
                return known
            number = len(self.issues) + 101
            issue = Issue(
                number=number,
                key=new.key,
                title=new.title,
                body=new.body,
                state=IssueState.OPEN,
                labels=frozenset({OWN_LABEL, *new.labels}),
                assignees=new.assignees,
                locked=False,
                url=f"https://github.com/acme/tau/issues/{number}",
            )
            self.issues.append(issue)
        return issue

    def update(self, change: UpdateIssue, *, at: datetime) -> None:
        with self._writes.write(f"update issue {change.number}"):
            kept = {label for label in self.issue(change.number).labels if not label.startswith(OWN_LABEL)}
            labels = frozenset({OWN_LABEL, *change.labels, *kept})
            self.change(change.number, title=change.title, body=change.body, labels=labels)

    def close(self, number: int, comment: str, *, at: datetime) -> None:
        if self.issue(number).state is IssueState.OPEN:
            with self._writes.write(f"close issue {number}"):
                self.last_words[number] = comment
                self.change(number, state=IssueState.CLOSED)

    def reopen(self, number: int, *, at: datetime) -> None:
        if self.issue(number).state is IssueState.CLOSED:
            with self._writes.write(f"reopen issue {number}"):
                self.change(number, state=IssueState.OPEN)

    def comments(self, number: int, since: datetime | None = None) -> Conversation:
        self._be_there()
        said = [one.comment for one in self.said if one.number == number]
        newest = {one.id for one in said[-self.page :]}
        listed = [one for one in said if since is None or one.id in newest or one.created_at >= since]
        shown = (replace(one, answered=bool(self.reactions.get(one.id))) for one in listed)
        return Conversation(tuple(shown), whole=len(listed) == len(said))

    def stick(self, number: int, key: str, body: str, *, at: datetime) -> None:
        if self.sticky.get((number, key)) != body:
            with self._writes.write(f"stick {key} to {number}"):
                self.sticky[number, key] = body

    def say_once(self, number: int, key: str, body: str, *, at: datetime) -> None:
        if (number, key) not in self.replies:
            with self._writes.write(f"say {key} on {number}"):
                self.replies[number, key] = body

    def react(self, comment: str, reaction: Reaction) -> None:
        if reaction not in self.reactions.get(comment, []):
            with self._writes.write(f"react {reaction} to {comment}"):
                self.reactions.setdefault(comment, []).append(reaction)

    def permission(self, login: str) -> Permission:
        self._be_there()
        self.asked.append(login)
        return self.may.get(login, Permission.NONE)

    def myself(self) -> str:
        return self.me

    def _be_there(self) -> None:
        if self.is_down:
            raise OutsideError("the forge is down")

    # --- people ------------------------------------------------------------------------------------------

    def issue(self, number: int) -> Issue:
        return next(issue for issue in self.issues if issue.number == number)

    def change(self, number: int, **changes: object) -> None:
        """Whatever somebody does to an issue by hand."""
        self.issues = [
            replace(issue, **changes) if issue.number == number else issue  # type: ignore[arg-type]
            for issue in self.issues
        ]

    def vanish(self, number: int) -> None:
        """Delete it, or transfer it elsewhere."""
        self.issues = [issue for issue in self.issues if issue.number != number]

    def comment(self, number: int, author: str, body: str, *, at: datetime) -> str:
        self._comments += 1
        name = f"IC_{self._comments}"
        url = f"{self.issue(number).url}#issuecomment-{self._comments}"
        self.said.append(_Said(number, Comment(name, author, body, at, edited=False, url=url)))
        return name

    def edit(self, comment: str, body: str) -> None:
        self.said = [
            replace(said, comment=replace(said.comment, body=body, edited=True))
            if said.comment.id == comment
            else said
            for said in self.said
        ]

    def hide(self, comment: str) -> None:
        self.said = [
            replace(said, comment=replace(said.comment, hidden=True)) if said.comment.id == comment else said
            for said in self.said
        ]

    def delete(self, comment: str) -> None:
        self.said = [said for said in self.said if said.comment.id != comment]


def shown_issue(title: str = "", body: str = "", state: IssueState = IssueState.OPEN) -> Issue:
    """Issue 7 of an incident, as a forge shows it."""
    return Issue(7, "incident", title, body, state, frozenset(), (), locked=False, url="")
