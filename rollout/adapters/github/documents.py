"""GraphQL that the forge asks with, and the parts of the answers that are used.

One query lists what is open; what is to be known about every run belongs into it, since calls are budgeted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rollout.adapters.github.api import Document
from rollout.adapters.github.issue_documents import ISSUE, OPEN_ISSUES_FIELD, IssuePage, Names, PageInfo
from rollout.ports import StatusState

_STATES = {
    "SUCCESS": StatusState.SUCCESS,
    "PENDING": StatusState.PENDING,
    "EXPECTED": StatusState.PENDING,
    "FAILURE": StatusState.FAILURE,
    "ERROR": StatusState.FAILURE,
}

Shown = Mapping[str, tuple[StatusState, str]]
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


class _Contexts(Document):
    contexts: tuple[_Context, ...] = ()


class StatusCommit(Document):
    oid: str
    status: _Contexts | None = None

    @property
    def shown(self) -> dict[str, tuple[StatusState, str]]:
        contexts = self.status.contexts if self.status else ()
        return {one.context: (_STATES[one.state], one.description or "") for one in contexts}


class _Parent(Document):
    oid: str


class _Parents(Document):
    nodes: tuple[_Parent, ...] = ()


class _FirstCommit(Document):
    parents: _Parents


class _FirstNode(Document):
    commit: _FirstCommit


class _LastNode(Document):
    commit: StatusCommit


class _First(Document):
    nodes: tuple[_FirstNode, ...] = ()


class _Last(Document):
    nodes: tuple[_LastNode, ...] = ()


class _Blob(Document):
    text: str | None = None


class HeadFile(Document):
    """A file at the head of a branch."""

    mode: int
    oid: str
    object: _Blob | None = None


class _HeadCommit(Document):
    oid: str
    file: HeadFile | None = None


class _HeadNode(Document):
    commit: _HeadCommit


class _HeadCommits(Document):
    nodes: tuple[_HeadNode, ...] = ()


class _ChangedFile(Document):
    path: str


class _ChangedFiles(Document):
    total_count: int
    nodes: tuple[_ChangedFile, ...] = ()


class _Label(Document):
    name: str


class _Labels(Document):
    nodes: tuple[_Label, ...] = ()


class Pull(Document):
    number: int
    title: str
    body: str
    state: str
    merged_at: datetime | None = None
    merge_commit: _Parent | None = None
    head_ref_name: str
    head_ref_oid: str
    base_ref_name: str
    is_cross_repository: bool
    labels: _Labels | None = None
    begin: _First
    end: _Last
    files: _ChangedFiles | None = None
    """None when they were not asked for, or GitHub has not worked them out yet."""
    head: _HeadCommits = _HeadCommits()

    @property
    def label_names(self) -> frozenset[str]:
        """In small letters: GitHub knows no two labels that differ in case alone."""
        return frozenset(label.name.lower() for label in self.labels.nodes) if self.labels else frozenset()

    @property
    def rollout_file(self) -> HeadFile | None:
        """The train's rollout.yaml at the head."""
        heads = (node.commit for node in self.head.nodes if node.commit.oid == self.head_ref_oid)
        return next((commit.file for commit in heads), None)


class _Pulls(Document):
    nodes: tuple[Pull, ...]


class _PagedPulls(Document):
    nodes: tuple[Pull, ...]
    page_info: PageInfo


class _Head(Document):
    prefix: str
    name: str
    associated_pull_requests: _Pulls


class _Heads(Document):
    nodes: tuple[_Head, ...]
    page_info: PageInfo


class _Branch(Document):
    name: str


class _Repository(Document):
    id: str
    promotion_root: _Branch | None = None
    channel_root: _Branch | None = None
    promotions: _Heads | None = None
    channels: _Heads | None = None
    reverts: _Heads | None = None
    labels: Names | None = None
    issues: IssuePage | None = None

    @property
    def branches(self) -> frozenset[str]:
        """Names of all that begin as those that the tool makes."""
        roots = (root.name for root in (self.promotion_root, self.channel_root) if root is not None)
        below = (f"{head.prefix}{head.name}" for heads in self.heads.values() for head in heads.nodes)
        return frozenset({*roots, *(name.removeprefix("refs/heads/") for name in below)})

    @property
    def heads(self) -> dict[str, _Heads]:
        """Kind -> its branches; a kind is missing that has none."""
        found = {"Promotions": self.promotions, "Channels": self.channels, "Reverts": self.reverts}
        return {kind: heads for kind, heads in found.items() if heads is not None}


class _Entry(Document):
    name: str
    oid: str


class _Tree(Document):
    entries: tuple[_Entry, ...] | None = None


class _RepositoryOfBranch(Document):
    pull_requests: _PagedPulls


class PullsOfBranchAnswer(Document):
    repository: _RepositoryOfBranch


class _RepositoryOfPull(Document):
    pull_request: Pull


class PullAnswer(Document):
    repository: _RepositoryOfPull


class Rooted(Document):
    """A commit with what lies right in its root."""

    tree: _Tree | None = None

    def content(self, but: str | None) -> frozenset[tuple[str, str]]:
        """Name and id of each file and folder there, except one."""
        entries = self.tree.entries if self.tree and self.tree.entries else ()
        return frozenset((entry.name, entry.oid) for entry in entries if entry.name != but)


class _Target(Rooted):
    oid: str


class _Ref(Document):
    target: _Target


class SeenProduct(Document):
    object: StatusCommit | None = None
    ref: _Ref | None = None
    before: Rooted | None = None


class PullsAnswer(Document):
    repository: _Repository
    product: SeenProduct | None = None


class ProductAnswer(Document):
    product: SeenProduct | None = None


class Comment(Document):
    database_id: int
    body: str


class _Comments(Document):
    nodes: tuple[Comment, ...]


class _ClosedPull(Document):
    closed_at: datetime
    is_cross_repository: bool
    comments: _Comments

    def says(self, marker: str) -> bool:
        return any(marker in comment.body for comment in self.comments.nodes)


class _ClosedPulls(Document):
    nodes: tuple[_ClosedPull, ...]


class _RepositoryOfClosed(Document):
    pull_requests: _ClosedPulls


class ClosedAnswer(Document):
    repository: _RepositoryOfClosed


class _CommentedPull(Document):
    comments: _Comments


class _CommentedRepository(Document):
    pull_request: _CommentedPull


class CommentsAnswer(Document):
    repository: _CommentedRepository
