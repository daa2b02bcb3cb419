"""GraphQL that asks for the CI of commits, and the parts of the answers that are used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import Field

from rollout.adapters.github.answers import Document, Nodes, Oid, Page, within

OWN_WORKFLOWS = frozenset(
    f"rollout-{name}.yml"
    for name in (
        *("channel", "check", "closed", "collect", "doctor", "metrics", "reconcile"),
        *("rehearse", "rollback", "schedule", "signoff", "start"),
    )
)
OWN_JOBS = re.compile(
    "Channel|Dispatch rollout-reconcile|Doctor|Metrics on .*|Plan|Product on .*|Reconcile|Rehearse|Report"
    "|Roll back|Sign-off|Start|rollout-check"
)
"""What GitHub calls the jobs of these workflows."""
_ACTIONS = "github-actions"

SUITES = """
fragment suites on CheckSuiteConnection {
  nodes {
    id createdAt app { slug } workflowRun { workflow { resourcePath } }
    checkRuns(first: $runs, filterBy: {checkType: LATEST}) { ...runs }
  }
  totalCount pageInfo { hasNextPage endCursor }
}
"""
RUNS = """
fragment runs on CheckRunConnection {
  nodes { name status conclusion startedAt } pageInfo { hasNextPage endCursor }
}
"""
_STATUS = "status { contexts { context state createdAt } }"
CHECKS = (
    """query checks($owner: String!, $name: String!, $commit: GitObjectID!, $first: Int!, $runs: Int!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    object(oid: $commit) { ... on Commit { """
    + _STATUS
    + """ checkSuites(first: $first) { ...suites } } }
  }
}"""
    + SUITES
    + RUNS
)
SUITES_AFTER = (
    """query checks(
  $owner: String!, $name: String!, $commit: GitObjectID!, $first: Int!, $after: String, $runs: Int!
) {
  repository(owner: $owner, name: $name) { nameWithOwner
    object(oid: $commit) { ... on Commit { checkSuites(first: $first, after: $after) { ...suites } } }
  }
}"""
    + SUITES
    + RUNS
)
RUNS_OF_SUITE = (
    """query checks($owner: String!, $name: String!, $suite: ID!, $after: String) {
  repository(owner: $owner, name: $name) { nameWithOwner }
  node(id: $suite) { ... on CheckSuite {
    checkRuns(first: 100, after: $after, filterBy: {checkType: LATEST}) { ...runs }
  } }
}"""
    + RUNS
)
HISTORY = (
    """query checks($owner: String!, $name: String!, $branch: String!, $after: String, $runs: Int!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    ref(qualifiedName: $branch) { target { oid ... on Commit {
      history(first: 50, after: $after) {
        nodes {
          oid parents(first: 1) { nodes { oid } } """
    + _STATUS
    + """
          checkSuites(first: 10) { ...suites }
        }
        pageInfo { hasNextPage endCursor }
      }
    } } }
  }
}"""
    + SUITES
    + RUNS
)


class Run(Document):
    name: str
    status: str
    conclusion: str | None = None
    started_at: datetime | None = None


class Suite(Document):
    id: str
    created_at: datetime
    app: Annotated[str, within("slug")] | None = None
    workflow_path: Annotated[str, within("workflow", "resourcePath")] | None = Field(
        default=None, alias="workflowRun"
    )
    """None where Actions has made no run of it, and where the token may not read Actions."""
    check_runs: Page[Run]

    @property
    def workflow(self) -> str | None:
        """Name of its file."""
        return self.workflow_path.rpartition("/")[2] if self.workflow_path is not None else None

    @property
    def is_of_actions(self) -> bool:
        return self.app == _ACTIONS

    @property
    def source(self) -> str:
        """What a newer attempt of the same check shares: the workflow, else the suite, else the app."""
        app = self.app or ""
        return f"{app} {self.workflow or self.id}" if self.is_of_actions else app

    def runs(self) -> Iterator[Run]:
        """Yields all but the tool's own: GitHub may put what an action reports into the tool's suite."""
        nodes = self.check_runs.nodes
        is_own = self.is_of_actions and (
            self.workflow in OWN_WORKFLOWS
            if self.workflow
            else all(OWN_JOBS.fullmatch(run.name) for run in nodes)
        )
        return (run for run in nodes if not (is_own and OWN_JOBS.fullmatch(run.name)))


class Suites(Page[Suite]):
    total_count: int


class Context(Document):
    context: str
    state: str
    created_at: datetime


class CommitChecks(Document):
    """A commit with what was reported on it."""

    contexts: Annotated[tuple[Context, ...], within("contexts")] | None = Field(default=None, alias="status")
    check_suites: Suites | None = None

    @property
    def suites(self) -> tuple[Suite, ...]:
        return self.check_suites.nodes if self.check_suites else ()

    @property
    def has_more(self) -> bool:
        return self.check_suites is not None and self.check_suites.page_info.has_next_page


class HistoryCommit(CommitChecks):
    oid: str
    parents: Nodes[Oid]

    @property
    def is_whole(self) -> bool:
        """Whether all of its checks were listed."""
        is_cut = any(suite.check_runs.page_info.has_next_page for suite in self.suites)
        return not (self.has_more or is_cut)


class CheckedBranch(Document):
    oid: str
    history: Page[HistoryCommit]
