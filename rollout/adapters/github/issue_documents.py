"""GraphQL that issues are asked with, and the parts of the answers that are used."""

from __future__ import annotations

from datetime import datetime

from rollout.adapters.github.api import Document

EARLY = 5
"""First comments of an issue that are read always: the tool's own comment is among them."""

ISSUES_OF_PAGE = 20
"""They come with their comments."""

_COMMENT = """fragment said on IssueComment {
  databaseId body createdAt updatedAt lastEditedAt includesCreatedEdit viewerDidAuthor url
  author { kind: __typename login } reactionGroups { content viewerHasReacted }
}"""
_COMMENTS = """comments(first: 50, after: $comments, orderBy: {field: UPDATED_AT, direction: DESC}) {
    nodes { ...said } pageInfo { hasNextPage endCursor }
  }"""
ISSUE = (
    f"""fragment issue on Issue {{
  number title body state locked url
  labels(first: 100) {{ nodes {{ name }} }} assignees(first: 20) {{ nodes {{ login }} }}
  early: comments(first: {EARLY}) {{ nodes {{ ...said }} }}
  newest: {_COMMENTS.replace(", after: $comments", "")}
}}
"""
    + _COMMENT
)
OPEN_ISSUES_FIELD = """issues(first: $firstIssues, states: [OPEN], labels: ["rollout"],
      orderBy: {field: CREATED_AT, direction: DESC}) {
      nodes { ...issue } pageInfo { hasNextPage endCursor }
    }"""
ISSUES = (
    """query($owner: String!, $name: String!, $first: Int!, $after: String, $states: [IssueState!]) {
  repository(owner: $owner, name: $name) { nameWithOwner
    issues(first: $first, after: $after, states: $states, labels: ["rollout"],
      orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...issue } pageInfo { hasNextPage endCursor } }
  }
}
"""
    + ISSUE
)
COMMENTS_OF_ISSUE = (
    f"""query($owner: String!, $name: String!, $number: Int!, $comments: String) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner issue(number: $number) {{ newest: {_COMMENTS} }} }}
}}
"""
    + _COMMENT
)


class _Named(Document):
    name: str


class _Names(Document):
    nodes: tuple[_Named, ...] = ()


class _Person(Document):
    login: str


class _People(Document):
    nodes: tuple[_Person, ...] = ()


class _Actor(Document):
    kind: str
    """`User`, `Bot`, ..."""
    login: str


class _ReactionGroup(Document):
    viewer_has_reacted: bool


class SaidDocument(Document):
    database_id: int
    body: str
    created_at: datetime
    updated_at: datetime
    last_edited_at: datetime | None = None
    includes_created_edit: bool
    viewer_did_author: bool
    url: str
    author: _Actor | None = None
    reaction_groups: tuple[_ReactionGroup, ...] | None = None

    @property
    def is_edited(self) -> bool:
        return self.last_edited_at is not None or self.includes_created_edit

    @property
    def is_bots(self) -> bool:
        return self.author is not None and self.author.kind == "Bot"

    @property
    def is_answered(self) -> bool:
        return any(group.viewer_has_reacted for group in self.reaction_groups or ())


class PageInfo(Document):
    has_next_page: bool
    end_cursor: str | None = None


class Said(Document):
    nodes: tuple[SaidDocument, ...]
    page_info: PageInfo


class _Early(Document):
    nodes: tuple[SaidDocument, ...]


class IssueDocument(Document):
    number: int
    title: str
    body: str
    state: str
    locked: bool
    url: str
    labels: _Names | None = None
    assignees: _People
    early: _Early
    newest: Said

    @property
    def label_names(self) -> frozenset[str]:
        return frozenset(label.name for label in self.labels.nodes) if self.labels else frozenset()


class IssuePage(Document):
    nodes: tuple[IssueDocument, ...]
    page_info: PageInfo


class _Repository(Document):
    issues: IssuePage


class IssuesAnswer(Document):
    repository: _Repository


class _CommentedIssue(Document):
    newest: Said


class _CommentedRepository(Document):
    issue: _CommentedIssue | None = None


class IssueCommentsAnswer(Document):
    repository: _CommentedRepository
