"""The Issues port over GitHub's API.

Open issues with the tool's label, and the newest comments on them, come with the listing of pull requests.
More is asked for when it is needed: older comments, closed issues, one whose label was taken off, what a
person may do. Each write can be made again: it looks for what an earlier one has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from urllib.parse import quote

from rollout.adapters.github.answers import Document, RefusedByGitHubError, parsed
from rollout.adapters.github.api import Api
from rollout.adapters.github.issue_listing import (
    CLOSING_MARKER,
    ISSUE_MARKER,
    REPLY_MARKER,
    STICKY_MARKER,
    IssueListing,
    lines,
)
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.people import Role
from rollout.core.decorations import Decorations
from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.issue import Issue, IssueState
from rollout.ports import OWN_LABEL, Conversation, Permission, Reaction, opened_twice
from rollout.rendering.inert import cut, marker_value


class _NewIssue(Document):
    number: int
    html_url: str = ""


class _NewComment(Document):
    id: int
    created_at: datetime


class GitHubIssues:
    """Issues as one command sees them."""

    def __init__(self, api: Api, listing: Listing, decorations: Decorations | None = None) -> None:
        """`decorations` is told of what an issue has to do without."""
        self._api = api
        self._decorations = decorations or Decorations()
        self._listed = IssueListing(api, listing)
        self._permissions: dict[str, Permission] = {}

    def find_open(self, key: str) -> Issue | None:
        """Returns the oldest open issue with that key: of two that were opened at once, one is closed
        again.
        """
        return self._listed.find_open(key)

    def duplicates(self, key: str) -> Sequence[Issue]:
        """Returns what the lists did not show yet to a run that opened one more."""
        return self._listed.duplicates(key)

    def find(self, key: str) -> Issue | None:
        """Returns the open issue with that key, else the newest closed one;
        the tool's own without its label too.
        """
        return self._listed.find_open(key) or self._listed.find_unlisted(key)

    # --- opening and changing ----------------------------------------------------------------------------

    def open(self, new: OpenIssue, *, at: datetime) -> Issue:
        """Opens it; one with that key that is open is returned as it is. Unknown assignees are left out.

        Of two that runs open at once the later one is closed again.
        """
        key, found = new.key, self.find_open(new.key)
        if found is not None:
            return found
        people = tuple(self._assignable(new.assignees))
        names = frozenset({OWN_LABEL, *new.labels})
        document = {
            "title": new.title,
            "body": _marked(new.body, ISSUE_MARKER, key),
            "labels": sorted(names),
            "assignees": people,
        }
        made = self._api.decorate(
            f"opening issue {key}",
            lambda: self._create(document),
            lambda: self._opened_before(key) or self._create(document),
        )
        self._api.did(f"issue {made.number}")
        self._listed.read_anew()
        mine = Issue(
            number=made.number,
            key=key,
            title=new.title,
            body=new.body,
            state=IssueState.OPEN,
            labels=names,
            assignees=people,
            locked=False,
            url=made.html_url,
        )
        self._listed.note_opened(mine)
        first = self.find_open(key) or mine
        if first.number != mine.number:
            self.close(mine.number, opened_twice(first.number), at=at)
        return first

    def _create(self, document: Mapping[str, object]) -> _NewIssue:
        return parsed(_NewIssue, self._api.rest("POST", self._path("issues"), body=document))

    def _opened_before(self, key: str) -> _NewIssue | None:
        self._listed.read_anew()
        found = self.find_open(key)
        return _NewIssue(number=found.number, html_url=found.url) if found else None

    def _assignable(self, logins: Sequence[str]) -> list[str]:
        """Returns those that GitHub takes: with one that it does not it would refuse the whole issue."""
        found: list[str] = []

        def ask(login: str) -> None:
            if self._is_assignable(login):
                found.append(login)

        for login in logins:
            self._decorations.attempt(partial(ask, login))
        return found

    def _is_assignable(self, login: str) -> bool:
        path = self._path(f"assignees/{quote(login)}")

        def ask() -> bool:
            try:
                self._api.rest("GET", path)
            except RefusedByGitHubError as refusal:
                if refusal.status == 404:
                    return False
                raise
            return True

        return self._api.decorate(f"asking whether {login} can be assigned", ask)

    def update(self, change: UpdateIssue, *, at: datetime) -> None:
        """Makes title, body and the tool's labels so; a label that does not begin with `rollout` stays."""
        number, issue = change.number, self._listed.issue(change.number)
        kept = {label for label in issue.labels if not label.startswith(OWN_LABEL)}
        wanted = frozenset({OWN_LABEL, *change.labels, *kept})
        text = _marked(change.body, ISSUE_MARKER, issue.key)
        document = {"title": change.title, "body": text, "labels": sorted(wanted)}
        self._patch(f"updating issue {number}", number, document)
        self._listed.note_change(number, title=change.title, body=change.body, labels=wanted)

    def close(self, number: int, comment: str, *, at: datetime) -> None:
        """Closes it with a last comment, once; one that is closed stays as it is."""
        if self._listed.issue(number).state is IssueState.CLOSED:
            return
        # The whole text: one that was opened again since has the last words of its first end.
        last = f"{comment}\n\n{CLOSING_MARKER}"
        if self._listed.own(number, last) is None:
            self._decorations.attempt(lambda: self._say(number, last, last))
        self._patch(f"closing issue {number}", number, {"state": "closed", "state_reason": "completed"})
        self._listed.note_change(number, state=IssueState.CLOSED)

    def reopen(self, number: int, *, at: datetime) -> None:
        """Opens one again that was closed; one that is open stays as it is."""
        if self._listed.issue(number).state is IssueState.CLOSED:
            self._patch(f"opening issue {number} again", number, {"state": "open"})
            self._listed.note_change(number, state=IssueState.OPEN)

    def _patch(self, doing: str, number: int, document: Mapping[str, object]) -> None:
        path = self._path(f"issues/{number}")
        self._api.decorate(doing, lambda: self._api.rest("PATCH", path, body=document))
        self._api.did(doing)

    # --- comments ----------------------------------------------------------------------------------------

    def comments(self, number: int, since: datetime | None = None) -> Conversation:
        """Returns what people wrote, oldest first; what was last changed before `since` may be left out."""
        return self._listed.comments(number, since)

    def stick(self, number: int, key: str, body: str, *, at: datetime) -> None:
        """Keeps one comment of the tool with that key current: made once, then edited in place."""
        text = _marked(body, STICKY_MARKER, key)
        marker = STICKY_MARKER.format(marker_value(key))
        said = self._listed.own(number, marker)
        if said is None:
            self._say(number, text, marker)
        elif lines(said.body) != text:
            path = self._path(f"issues/comments/{said.database_id}")
            doing = f"updating the comment on issue {number}"
            self._api.decorate(doing, lambda: self._api.rest("PATCH", path, body={"body": text}))
            self._api.did(doing)

    def say_once(self, number: int, key: str, body: str, *, at: datetime) -> None:
        """Comments, unless there is a comment of the tool with that key."""
        marker = REPLY_MARKER.format(marker_value(key))
        if self._listed.own(number, marker) is None:
            self._say(number, _marked(body, REPLY_MARKER, key), marker)

    def _say(self, number: int, text: str, marker: str) -> None:
        path = self._path(f"issues/{number}/comments")

        def say() -> _NewComment:
            return parsed(_NewComment, self._api.rest("POST", path, body={"body": text}))

        def say_unless_said() -> _NewComment | None:
            self._listed.read_anew()
            return say() if self._listed.own(number, marker) is None else None

        made = self._api.decorate(f"commenting on issue {number}", say, say_unless_said)
        if made is not None:
            # What was just made may not be listed for seconds.
            self._listed.note_said(number, made.id, text, made.created_at)
        self._api.did(f"comment on issue {number}")

    def react(self, comment: str, reaction: Reaction) -> None:
        """Answers the comment of that id with a reaction; the same one again changes nothing."""
        path = self._path(f"issues/comments/{comment}/reactions")

        def answer() -> None:
            try:
                self._api.rest("POST", path, body={"content": reaction.value})
            except RefusedByGitHubError as refusal:
                if refusal.status != 404:  # it was deleted meanwhile
                    raise

        self._api.decorate(f"answering comment {comment}", answer)

    # --- people ------------------------------------------------------------------------------------------

    def permission(self, login: str) -> Permission:
        """Returns what that person may do in the repository that has the issues."""
        if login not in self._permissions:
            path = self._path(f"collaborators/{quote(login)}/permission")

            def ask() -> Permission:
                try:
                    return parsed(Role, self._api.rest("GET", path)).level
                except RefusedByGitHubError as refusal:
                    if refusal.status == 404:
                        return Permission.NONE
                    raise

            self._permissions[login] = self._api.attempt(f"asking what {login} may do", ask)
        return self._permissions[login]

    def myself(self) -> str:
        """Returns the login of the token's owner."""
        query = "query { viewer { login } }"
        return self._api.attempt(
            "asking whose token this is",
            lambda: parsed(str, self._api.graphql(query, {}), "viewer", "login"),
        )

    def _path(self, rest: str) -> str:
        return f"/repos/{self._api.repository}/{rest}"


def _marked(body: str, marker: str, key: str) -> str:
    return f"{cut(body)}\n\n{marker.format(marker_value(key))}"
