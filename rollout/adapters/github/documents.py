"""GraphQL that the forge asks with, and the parts of the answers that are used.

One query lists what is open; what is to be known about every run belongs in it, since calls are budgeted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from rollout.adapters.github.answers import CountedNodes, Document, Name, Nodes, Oid, Page, within
from rollout.adapters.github.issue_documents import ISSUE, OPEN_ISSUES_FIELD, IssueDocument
from rollout.core.forge import StatusState

_STATES = {
    "SUCCESS": StatusState.SUCCESS,
    "PENDING": StatusState.PENDING,
    "EXPECTED": StatusState.PENDING,
    "FAILURE": StatusState.FAILURE,
    "ERROR": StatusState.FAILURE,
}

ShownStatuses = Mapping[str, tuple[StatusState, str]]
"""Context -> newest state and description."""

_STATUSES = """fragment statuses on Commit { oid status { contexts { context state description } } }"""
_PULL = (
    """fragment pull on PullRequest {
  number title body state mergedAt mergeCommit { oid } headRefName headRefOid baseRefName isCrossRepository
  labels(first: 100) { nodes { name } }
  begin: commits(first: 1) { nodes { commit { parents(first: 1) { nodes { oid } } } } }
  end: commits(last: 1) { nodes { commit { ...statuses } } }
}
"""
    + _STATUSES
)
_CHANGED = """
fragment changed on PullRequest {
  files(first: 4) { totalCount nodes { path } }
  head: commits(last: 1) { nodes { commit { oid
    file(path: $rollout) { mode oid object { ... on Blob { text } } } } } }
}
"""
_OF_PRODUCT = """{ nameWithOwner
    object(oid: $commit) { ...statuses }
    ref(qualifiedName: $productRef) { target { oid ...root @include(if: $compare) } }
    before: object(oid: $before) @include(if: $compare) { ...root }
  }
"""
_ROOT = """
fragment root on Commit { tree { entries { name oid } } }
"""
# By the branches' names: a filter on pull requests knows no prefix, and other people's would come along.
OPEN_PULLS = (
    """query($owner: String!, $name: String!, $base: String!, $first: Int!, $firstIssues: Int!,
  $afterPromotions: String, $afterChannels: String, $afterReverts: String,
  $issues: Boolean!, $watch: Boolean!, $productOwner: String!, $productName: String!, $commit: GitObjectID,
  $productRef: String!, $compare: Boolean!, $before: GitObjectID,
  $compareHeads: Boolean!, $rollout: String!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    id
    promotionRoot: ref(qualifiedName: "refs/heads/rollout") { name }
    channelRoot: ref(qualifiedName: "refs/heads/rollout-channel") { name }
    promotions: refs(first: $first, after: $afterPromotions, refPrefix: "refs/heads/rollout/") { ...heads }
    channels: refs(first: $first, after: $afterChannels, refPrefix: "refs/heads/rollout-channel/") {
      ...heads
    }
    reverts: refs(first: $first, after: $afterReverts, refPrefix: "refs/heads/rollout-revert/") { ...heads }
    """
    + OPEN_ISSUES_FIELD
    + """
  }
  product: repository(owner: $productOwner, name: $productName) @include(if: $watch) """
    + _OF_PRODUCT
    + """}
fragment heads on RefConnection {
  nodes { prefix name associatedPullRequests(first: 1, states: [OPEN], baseRefName: $base) {
    nodes { ...pull ...changed @include(if: $compareHeads) }
  } }
  pageInfo { hasNextPage endCursor }
}
"""
    + _PULL
    + _CHANGED
    + ISSUE
    + _ROOT
)
PRODUCT = (
    """query($owner: String!, $name: String!, $commit: GitObjectID, $productRef: String!,
  $compare: Boolean!, $before: GitObjectID) {
  product: repository(owner: $owner, name: $name) """
    + _OF_PRODUCT
    + "}\n"
    + _STATUSES
    + _ROOT
)
"""What OPEN_PULLS asks of the product, on its own."""
FEW = 20
"""Pull requests from branches of one name that are looked through; more are asked for by the owner's name."""
PULLS_OF_BRANCH = (
    f"""query($owner: String!, $name: String!, $base: String!, $head: String!,
  $compareHeads: Boolean!, $rollout: String!) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner
    pullRequests(first: {FEW}, headRefName: $head, baseRefName: $base,
      orderBy: {{field: CREATED_AT, direction: DESC}}) {{
      nodes {{ ...pull ...changed @include(if: $compareHeads) }} pageInfo {{ hasNextPage endCursor }} }}
  }}
}}
"""
    + _PULL
    + _CHANGED
)
PULL_OF_NUMBER = (
    """query($owner: String!, $name: String!, $number: Int!, $compareHeads: Boolean!, $rollout: String!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    pullRequest(number: $number) { ...pull ...changed @include(if: $compareHeads) }
  }
}
"""
    + _PULL
    + _CHANGED
)
STATUSES_OF_COMMIT = (
    """query($owner: String!, $name: String!, $commit: GitObjectID!) {
  product: repository(owner: $owner, name: $name) { nameWithOwner object(oid: $commit) { ...statuses } }
}
"""
    + _STATUSES
)
CLOSED_PULLS = """query($owner: String!, $name: String!, $base: String!, $head: String!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    pullRequests(first: 20, headRefName: $head, baseRefName: $base, states: [CLOSED],
      orderBy: {field: CREATED_AT, direction: DESC}) {
      nodes { closedAt isCrossRepository comments(last: 20) { nodes { databaseId body } } } }
  }
}"""
COMMENTS = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    pullRequest(number: $number) { comments(last: 100) { nodes { databaseId body } } }
  }
}"""


class _Context(Document):
    context: str
    state: str
    description: str | None = None


class StatusCommit(Document):
    oid: str
    contexts: Annotated[tuple[_Context, ...], within("contexts")] | None = Field(default=None, alias="status")

    @property
    def shown(self) -> dict[str, tuple[StatusState, str]]:
        return {one.context: (_STATES[one.state], one.description or "") for one in self.contexts or ()}


class HeadFile(Document):
    """A file at the head of a branch."""

    mode: int
    oid: str
    text: Annotated[str | None, within("text", or_none=True)] | None = Field(default=None, alias="object")


class _HeadCommit(Document):
    oid: str
    file: HeadFile | None = None


class Pull(Document):
    number: int
    title: str
    body: str
    state: str
    merged_at: datetime | None = None
    merge_commit: Oid | None = None
    head_ref_name: str
    head_ref_oid: str
    base_ref_name: str
    is_cross_repository: bool
    labels: Nodes[Name] | None = None
    begin: Nodes[Annotated[Nodes[Oid], within("commit", "parents")]]
    """The parents of its first commit."""
    end: Nodes[Annotated[StatusCommit, within("commit")]]
    files: CountedNodes[Annotated[str, within("path")]] | None = None
    """None when they were not asked for, or GitHub has not worked them out yet."""
    head: Nodes[Annotated[_HeadCommit, within("commit")]] | None = None

    @property
    def label_names(self) -> frozenset[str]:
        """In small letters: GitHub knows no two labels that differ in case alone."""
        return frozenset(name.lower() for name in self.labels.nodes) if self.labels else frozenset()

    @property
    def rollout_file(self) -> HeadFile | None:
        """The train's rollout.yaml at the head."""
        commits = self.head.nodes if self.head else ()
        return next((commit.file for commit in commits if commit.oid == self.head_ref_oid), None)


class _Head(Document):
    prefix: str
    name: str
    pulls: Nodes[Pull] = Field(alias="associatedPullRequests")


class Repository(Document):
    id: str
    promotion_root: Name | None = None
    channel_root: Name | None = None
    promotions: Page[_Head] | None = None
    channels: Page[_Head] | None = None
    reverts: Page[_Head] | None = None
    labels: Nodes[Name] | None = None
    issues: Page[IssueDocument] | None = None

    @property
    def branches(self) -> frozenset[str]:
        """Names of all that begin as those that the tool makes."""
        roots = (root for root in (self.promotion_root, self.channel_root) if root is not None)
        below = (f"{head.prefix}{head.name}" for heads in self.heads.values() for head in heads.nodes)
        return frozenset({*roots, *(name.removeprefix("refs/heads/") for name in below)})

    @property
    def heads(self) -> dict[str, Page[_Head]]:
        """Kind -> its branches; a kind is missing that has none."""
        found = {"Promotions": self.promotions, "Channels": self.channels, "Reverts": self.reverts}
        return {kind: heads for kind, heads in found.items() if heads is not None}


class _Entry(Document):
    name: str
    oid: str


class RootCommit(Document):
    """A commit with what lies right in its root."""

    entries: Annotated[tuple[_Entry, ...] | None, within("entries", or_none=True)] | None = Field(
        default=None, alias="tree"
    )

    def content(self, but: Collection[str]) -> frozenset[tuple[str, str]]:
        """Returns name and id of each file and folder there, except some."""
        return frozenset((entry.name, entry.oid) for entry in self.entries or () if entry.name not in but)


class _Tip(RootCommit):
    oid: str


class ProductView(Document):
    object: StatusCommit | None = None
    tip: Annotated[_Tip, within("target")] | None = Field(default=None, alias="ref")
    before: RootCommit | None = None


class OpenPulls(Document):
    """A page of them, in the answer's root."""

    repository: Repository
    product: ProductView | None = None


class Comment(Document):
    database_id: int
    body: str


class ClosedPull(Document):
    closed_at: datetime
    is_cross_repository: bool
    comments: Nodes[Comment]

    def says(self, marker: str) -> bool:
        return any(marker in comment.body for comment in self.comments.nodes)
