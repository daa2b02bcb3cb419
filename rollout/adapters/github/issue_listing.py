"""Issues with the tool's label, and their comments, as one command sees them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from urllib.parse import unquote

from rollout.adapters.github.answers import Page, PageInfo, parsed, parsed_or_none
from rollout.adapters.github.api import Api, PageSize, PassingError
from rollout.adapters.github.issue_documents import (
    COMMENTS_OF_ISSUE,
    ISSUES,
    ISSUES_OF_PAGE,
    UNLISTED_ISSUES,
    CommentDocument,
    IssueDocument,
    UnlistedIssues,
)
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.pull_requests import LABEL
from rollout.core.issue import Issue, IssueState
from rollout.core.signoff.comments import Comment
from rollout.ports import Conversation, answer_key

ISSUE_MARKER = "<!-- rollout:issue {} -->"
STICKY_MARKER = "<!-- rollout:sticky {} -->"
REPLY_MARKER = "<!-- rollout:reply {} -->"
CLOSING_MARKER = "<!-- rollout:closed -->"

# At the end only: a reply quotes what a person wrote, which may be such a marker.
_MARKER = re.compile(r"<!-- rollout:(?:issue|sticky) (\S+) -->\s*\Z")
_OWN = re.compile(r"<!-- rollout:(?:sticky \S+|reply \S+|closed) -->\s*\Z")
_REPLY = re.compile(r"<!-- rollout:reply (\S+) -->\s*\Z")
_LAST_MARKER = re.compile(r"\n*<!-- rollout:issue[^>]*-->\s*\Z")


@dataclass
class _IssueThread:
    """An issue as this run knows it."""

    issue: Issue
    is_own: bool
    """Whether the tool opened it, as this token's owner or as a bot."""
    opener: str
    """Login of the person who opened it, whose token the tool then used; empty for a bot's issue."""
    early: tuple[CommentDocument, ...]
    newest: Page[CommentDocument]


class IssueListing:
    """What was read of issues. Whoever changes something notes it here."""

    def __init__(self, api: Api, listing: Listing) -> None:
        self._api = api
        self._listing = listing
        self._known: dict[int, _IssueThread] | None = None
        self._unlisted: tuple[IssueDocument, ...] | None = None
        self._said: dict[int, list[CommentDocument]] = {}
        """Issue -> what this run said there, which a listing may not show for seconds."""
        listing.want_issues()

    # --- issues ------------------------------------------------------------------------------------------

    def find_open(self, key: str) -> Issue | None:
        """Returns the oldest open issue with that key: of two that were opened at once, one is closed
        again.
        """
        return next((each.issue for each in self._all_open(key)), None)

    def duplicates(self, key: str) -> list[Issue]:
        """Returns the tool's own open issues with that key that are younger than the oldest."""
        return [each.issue for each in self._all_open(key)[1:] if each.is_own]

    def _all_open(self, key: str) -> list[_IssueThread]:
        """Returns them oldest first."""
        known = sorted(self._read_once().items())
        return [one for _, one in known if (one.issue.key, one.issue.state) == (key, IssueState.OPEN)]

    def find_unlisted(self, key: str) -> Issue | None:
        """Returns one that somebody took the label off, an open one first, else the closed one that was
        changed last.

        Of the hundred that were changed last. Without the label it is seen without a title, so that it gets
        both back.
        """
        if self._unlisted is None:
            self._unlisted = self._ask_for_unlisted()
        known = self._read_once()
        found = [each for each in map(_known, self._unlisted) if each.issue.key == key]
        for one in sorted(found, key=lambda each: each.issue.state is not IssueState.OPEN):
            return known.setdefault(one.issue.number, one).issue
        return None

    def _ask_for_unlisted(self) -> tuple[IssueDocument, ...]:
        def ask(entries: int) -> UnlistedIssues:
            variables = {**self._api.owner_and_name, "first": entries, "label": self._label}
            return parsed(UnlistedIssues, self._api.graphql(UNLISTED_ISSUES, variables), "repository")

        found = self._api.attempt_page("looking for an issue", PageSize(), ask)
        # Anybody can write a marker into an issue; a label takes a right.
        own = (one for one in found.changed.nodes if one.viewer_did_author and not one.has_label)
        bare = [one.model_copy(update={"title": ""}) for one in own]
        return (*bare, *found.issues.nodes)

    def read_anew(self) -> None:
        """Reads what is open now."""
        self._known = {}
        self._note(self._pages(None))

    def issue(self, number: int) -> Issue:
        """Returns one that was found before."""
        return self._read_once()[number].issue

    def note_opened(self, issue: Issue) -> None:
        """Remembers an issue that was just opened, without comments."""
        nothing = Page[CommentDocument](nodes=(), page_info=PageInfo(has_next_page=False))
        self._read_once().setdefault(
            issue.number, _IssueThread(issue, is_own=True, opener="", early=(), newest=nothing)
        )

    def note_said(self, number: int, comment: int, body: str, at: datetime) -> None:
        """Remembers a comment that was just made."""
        said = CommentDocument(
            database_id=comment,
            body=body,
            created_at=at,
            updated_at=at,
            includes_created_edit=False,
            viewer_did_author=True,
            url="",
        )
        self._said.setdefault(number, []).append(said)

    def note_change(self, number: int, **changes: object) -> None:
        known = self._read_once()[number]
        known.issue = replace(known.issue, **changes)  # type: ignore[arg-type]

    def _read_once(self) -> dict[int, _IssueThread]:
        if self._known is None:
            page = self._listing.open_issues()
            self._known = {}
            self._note(page.nodes)
            if self._label != LABEL:
                self._note(self._pages(None))
            elif page.page_info.has_next_page:
                self._note(self._pages(page.page_info.end_cursor))
        return self._known

    @property
    def _label(self) -> str:
        return self._listing.open().label

    def _note(self, documents: Iterable[IssueDocument]) -> None:
        assert self._known is not None
        self._known |= {one.number: _known(one) for one in documents}

    def _pages(self, after: str | None) -> Iterator[IssueDocument]:
        """Yields the open ones."""
        size = PageSize(ISSUES_OF_PAGE)
        while True:
            wanted = {**self._api.owner_and_name, "states": ["OPEN"], "after": after, "label": self._label}

            def one_page(entries: int, wanted: Mapping[str, object] = wanted) -> Page[IssueDocument]:
                answer = self._api.graphql(ISSUES, {**wanted, "first": entries})
                return parsed(Page[IssueDocument], answer, "repository", "issues")

            page = self._api.attempt_page("listing open issues", size, one_page)
            yield from page.nodes
            if not page.page_info.has_next_page:
                return
            after = page.page_info.end_cursor

    # --- comments ----------------------------------------------------------------------------------------

    def comments(self, number: int, since: datetime | None) -> Conversation:
        """Returns what people wrote, oldest first; what was last changed before `since` may be left out."""
        known = self._read_once()[number]
        while known.newest.page_info.has_next_page:
            oldest = known.newest.nodes[-1].updated_at if known.newest.nodes else None
            if since is not None and oldest is not None and oldest < since:
                break
            known.newest = self._with_older(number, known.newest)
        nodes = known.newest.nodes
        # A reaction tells nothing once the tool has another identity, and its reply still does.
        replies = {_reply(one) for one in nodes if _is_tools(one, known.opener)}
        people = (_comment(one, replies) for one in nodes if not _is_tools(one, known.opener))
        shown = sorted(people, key=lambda one: (one.created_at, int(one.id)))
        return Conversation(tuple(shown), whole=not known.newest.page_info.has_next_page)

    def own(self, number: int, marker: str) -> CommentDocument | None:
        """Returns the tool's comment with that marker; the first comments are known, others are looked
        through.
        """
        known = self._read_once()[number]
        while True:
            here: Iterable[CommentDocument] = chain(
                self._said.get(number, ()), known.early, known.newest.nodes
            )
            for one in here:
                if one.body.rstrip().endswith(marker) and _is_tools(one, known.opener):
                    return one
            if not known.newest.page_info.has_next_page:
                return None
            known.newest = self._with_older(number, known.newest)

    def _with_older(self, number: int, newest: Page[CommentDocument]) -> Page[CommentDocument]:
        after = newest.page_info.end_cursor
        wanted = {**self._api.owner_and_name, "number": number, "comments": after}

        def ask() -> Page[CommentDocument]:
            answer = self._api.graphql(COMMENTS_OF_ISSUE, wanted)
            found = parsed_or_none(Page[CommentDocument], answer, "repository", "issue", "newest")
            if found is None:
                raise PassingError(f"issue {number} is gone")
            return found

        page = self._api.attempt(f"reading comments of issue {number}", ask)
        # One that was changed meanwhile has moved to the front and pushes another one back: it comes twice.
        seen = {one.database_id for one in newest.nodes}
        older = tuple(one for one in page.nodes if one.database_id not in seen)
        return Page[CommentDocument](nodes=newest.nodes + older, page_info=page.page_info)


def _known(document: IssueDocument) -> _IssueThread:
    issue = Issue(
        number=document.number,
        key=_key(document),
        title=document.title,
        body=_LAST_MARKER.sub("", lines(document.body)),
        state=IssueState(document.state.lower()),
        labels=document.label_names,
        assignees=document.assignees.nodes,
        locked=document.locked,
        url=document.url,
    )
    opener = _opener(document)
    is_own = document.viewer_did_author or _is_bots(document)
    return _IssueThread(issue, is_own, opener, document.early.nodes, document.newest)


def _is_bots(document: IssueDocument) -> bool:
    return document.author is not None and document.author.kind == "Bot"


def _opener(document: IssueDocument) -> str:
    # A bot's comments are known by their author, and a person may have a bot's login.
    return document.author.login if document.author and not _is_bots(document) else ""


def _key(document: IssueDocument) -> str:
    """Returns the key in the body, else in the tool's own comment: whoever may write can mangle a body."""
    own = (one.body for one in document.early.nodes if _is_tools(one, _opener(document)))
    for text in (document.body, *own):
        found = _MARKER.search(text)
        if found:
            return unquote(found[1])
    return ""


def lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _is_tools(said: CommentDocument, opener: str) -> bool:
    """Returns whether the tool wrote it. Bots never sign; a person may write with the account whose token
    the tool uses.

    The tool has opened the issue, so `opener` is whose token it used then, whatever it uses now.
    """
    if said.is_bots:
        return True
    is_by_tool = said.viewer_did_author or (said.author is not None and said.author.login == opener)
    return is_by_tool and _OWN.search(said.body) is not None


def _reply(said: CommentDocument) -> str:
    """Returns the key of a reply of the tool; empty for its other comments."""
    found = _REPLY.search(said.body)
    return unquote(found[1]) if found else ""


def _comment(said: CommentDocument, replies: Collection[str]) -> Comment:
    return Comment(
        id=str(said.database_id),
        author=said.author.login if said.author else "",
        body=lines(said.body),
        created_at=said.created_at,
        edited=said.is_edited,
        hidden=said.is_minimized,
        url=said.url,
        answered=said.is_answered or answer_key(str(said.database_id)) in replies,
    )
