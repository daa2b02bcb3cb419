"""GraphQL that issues are asked with, and the parts of the answers that are used."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from rollout.adapters.github.answers import Document, Login, Name, Nodes, Page, PageInfo, within
from rollout.ports import OWN_LABEL

EARLY = 5
"""First comments of an issue that are read always: the tool's own comment is among them."""

ISSUES_OF_PAGE = 20
"""They come with their comments."""

_COMMENT = """fragment said on IssueComment {
  databaseId body createdAt updatedAt lastEditedAt includesCreatedEdit viewerDidAuthor isMinimized url
  author { kind: __typename login } reactionGroups { content viewerHasReacted }
}"""
_COMMENTS = """comments(first: 50, after: $comments, orderBy: {field: UPDATED_AT, direction: DESC}) {
    nodes { ...said } pageInfo { hasNextPage endCursor }
  }"""
_FIELDS = f"""number title body state locked url viewerDidAuthor author {{ kind: __typename login }}
  labels(first: 100) {{ nodes {{ name }} }} assignees(first: 20) {{ nodes {{ login }} }}
  early: comments(first: {EARLY}) {{ nodes {{ ...said }} }}"""
ISSUE = (
    f"""fragment issue on Issue {{
  {_FIELDS}
  newest: {_COMMENTS.replace(", after: $comments", "")}
}}
"""
    + _COMMENT
)
# A filter by label looks at case, which nothing else does: a label that a person made can be `Rollout`.
OPEN_ISSUES_FIELD = """labels(first: 100, query: "rollout") @include(if: $issues) { nodes { name } }
    issues(first: $firstIssues, states: [OPEN], labels: ["rollout"],
      orderBy: {field: CREATED_AT, direction: DESC}) @include(if: $issues) {
      nodes { ...issue } pageInfo { hasNextPage endCursor }
    }"""
"""What a listing asks of issues, where `$issues`."""
ISSUES = (
    """query(
  $owner: String!, $name: String!, $first: Int!, $after: String, $states: [IssueState!], $label: String!
) {
  repository(owner: $owner, name: $name) { nameWithOwner
    issues(first: $first, after: $after, states: $states, labels: [$label],
      orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...issue } pageInfo { hasNextPage endCursor } }
  }
}
"""
    + ISSUE
)
UNLISTED_ISSUES = (
    f"""query($owner: String!, $name: String!, $first: Int!, $label: String!) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner
    issues(first: $first, states: [CLOSED], labels: [$label],
      orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage endCursor }}
    }}
    changed: issues(first: $first, states: [OPEN, CLOSED], orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""
    + _COMMENT
)
"""Closed ones with the label, and whatever was changed last: taking the label off is a change.

Without what people said last: one of them is wanted at most.
"""
COMMENTS_OF_ISSUE = (
    f"""query($owner: String!, $name: String!, $number: Int!, $comments: String) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner issue(number: $number) {{ newest: {_COMMENTS} }} }}
}}
"""
    + _COMMENT
)


class _Actor(Document):
    kind: str
    """`User`, `Bot`, ..."""
    login: str


class CommentDocument(Document):
    database_id: int
    body: str
    created_at: datetime
    updated_at: datetime
    last_edited_at: datetime | None = None
    includes_created_edit: bool
    viewer_did_author: bool
    is_minimized: bool = False
    """Somebody with write access has hidden it."""
    url: str
    author: _Actor | None = None
    reactions: tuple[Annotated[bool, within("viewerHasReacted")], ...] | None = Field(
        default=None, alias="reactionGroups"
    )
    """Of each kind, whether it is the viewer's."""

    @property
    def is_edited(self) -> bool:
        return self.last_edited_at is not None or self.includes_created_edit

    @property
    def is_bots(self) -> bool:
        return self.author is not None and self.author.kind == "Bot"

    @property
    def is_answered(self) -> bool:
        return any(self.reactions or ())


class IssueDocument(Document):
    number: int
    title: str
    body: str
    state: str
    locked: bool
    url: str
    viewer_did_author: bool
    author: _Actor | None = None
    labels: Nodes[Name] | None = None
    assignees: Nodes[Login]
    early: Nodes[CommentDocument]
    newest: Page[CommentDocument] = Page(nodes=(), page_info=PageInfo(has_next_page=True))
    """From no page on where it was not asked for."""

    @property
    def has_label(self) -> bool:
        return OWN_LABEL in self.label_names

    @property
    def label_names(self) -> frozenset[str]:
        """The tool's own in small letters: GitHub knows no two labels that differ in case alone."""
        names = self.labels.nodes if self.labels else ()
        return frozenset(name.lower() if name.lower().startswith(OWN_LABEL) else name for name in names)


class UnlistedIssues(Document):
    issues: Page[IssueDocument]
    changed: Page[IssueDocument]
