"""What the fake knows besides git: people, tokens, threads, statuses, runs. Plain records."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from time import perf_counter
from typing import Any


class Access(IntEnum):
    """What a person may do with a repository."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


class TokenKind(StrEnum):
    USER = "user"
    RUN = "run"
    """`GITHUB_TOKEN`: what it does starts no workflow."""
    APP = "app"
    """An installation token of a GitHub App: what it does starts workflows."""


@dataclass(frozen=True)
class Account:
    login: str
    id: int
    type: str = "User"

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass(frozen=True)
class Token:
    value: str
    kind: TokenKind
    account: Account
    permissions: Mapping[str, str] | None
    """Scope -> `read` or `write` for a run or an App; None for a person, whose access says it."""
    repos: frozenset[str] | None = None
    """Full names that a run's or an App's token reaches; None for all."""
    job: str = ""
    """`run id/job` of a run's token."""


@dataclass
class Comment:
    id: int
    number: int
    author: Account
    body: str
    created_at: datetime
    updated_at: datetime
    edited_at: datetime | None = None
    minimized: bool = False
    """Hidden by somebody with write access: it is there, and shown only to who asks for it."""
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(frozen=True)
class Reaction:
    id: int
    author: Account
    content: str
    created_at: datetime


@dataclass(frozen=True)
class Release:
    id: int
    tag: str
    prerelease: bool
    draft: bool
    author: Account
    created_at: datetime


@dataclass
class Pull:
    """The part of a thread that makes it a pull request."""

    head: str
    base: str
    head_sha: str
    """Kept here once the pull request is closed; an open one follows its branch."""
    base_sha: str
    """The base when it was opened or its branch last moved, as GitHub shows it: not the base's tip."""
    draft: bool = False
    from_fork: bool = False
    """Whether the branch is in the fork that belongs to the author."""
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit: str | None = None
    reviews: list[Review] = field(default_factory=list)


@dataclass
class Review:
    id: int
    author: Account
    state: str
    """`APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or `DISMISSED`."""
    body: str
    commit: str
    submitted_at: datetime
    minimized: bool = False


@dataclass
class Thread:
    """An issue or a pull request: they share numbers, comments and labels."""

    number: int
    id: int
    title: str
    body: str | None
    author: Account
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    labels: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    pull: Pull | None = None
    assignees: list[str] = field(default_factory=list)
    locked: bool = False


@dataclass(frozen=True)
class CommitStatus:
    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime


@dataclass
class Check:
    id: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    suite: int
    """Of Actions each run of a workflow has one, which its re-runs share; any other app has one a commit."""
    app: str
    workflow: str
    """The file's name; "" where the app is not Actions."""


@dataclass(frozen=True)
class Label:
    id: int
    name: str
    color: str
    description: str | None


@dataclass(frozen=True)
class Artifact:
    id: int
    run_id: int
    name: str
    content: bytes
    """A zip."""
    created_at: datetime
    head_sha: str
    head_branch: str
    expired: bool = False
    """Its retention has ended: it is told of, and nobody can download it."""


@dataclass
class Environment:
    secrets: frozenset[str] = frozenset()
    restricted: bool = False
    """Whether only some branches may use it: no pull request's merge (refs/pull/N/merge) then may."""
    reviewers: tuple[str, ...] = ()
    """Logins that have to approve each job. It is only shown: jobs run anyway."""
    wait_minutes: int = 0
    """Only shown too."""
    branches: tuple[str, ...] = ()
    """Of a restricted one: the only branches that it lets in, by their names; none named is every branch."""
    protected_only: bool = False
    """Whether a restricted one lets protected branches in; only shown."""


@dataclass
class JobResult:
    """How one job of a run ended."""

    id: int
    name: str
    key: str
    """The job's id in the workflow file."""
    conclusion: str
    """`success`, `failure` or `skipped`."""
    summary: str = ""
    annotations: list[str] = field(default_factory=list)
    """`error: text`, `warning title=x: text` and the like, as the workflow commands said."""
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    seconds: dict[tuple[str, ...], float] = field(default_factory=dict)
    """(name of the step, id of the step within a composite action ...) -> how long it took."""
    matrix: dict[str, str] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    """Of the runner, where the fake can tell."""


@dataclass
class Run:
    id: int
    number: int
    workflow: str
    """The file's path."""
    name: str
    event: str
    branch: str
    sha: str
    actor: Account
    created_at: datetime
    payload: dict[str, Any]
    attempt: int = 1
    status: str = "queued"
    conclusion: str | None = None
    updated_at: datetime | None = None
    fork: str = ""
    """`owner/name` of the head's repository, where that is another one."""
    title: str = ""
    """As the workflow's `run-name` has it; empty for the workflow's name."""
    commit: str = ""
    """What is checked out: for a pull request the merge, whereas `sha` is its head."""
    caused_by: Event | None = None
    jobs: list[JobResult] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """`github.ref`: of a pull request its merge, or its base once it is merged."""
        pull = self.payload.get("pull_request")
        if self.event != "pull_request" or pull is None:
            return str(self.payload.get("ref") or f"refs/heads/{self.branch}")
        return f"refs/heads/{pull['base']['ref']}" if pull["merged"] else f"refs/pull/{pull['number']}/merge"

    def job(self, key: str) -> JobResult:
        """Returns the one job of that key. Fails the test when it did not run exactly once (a matrix)."""
        found = [job for job in self.jobs if job.key == key]
        assert len(found) == 1, (
            f"{self.workflow}: {len(found)} jobs {key} among {[job.key for job in self.jobs]}"
        )
        return found[0]

    def ran(self) -> list[str]:
        """Returns the names of the jobs that ran and were not skipped, in the order in which they began."""
        return [job.name for job in self.jobs if job.conclusion != "skipped"]


@dataclass
class Ruleset:
    """Rules for the branches that a pattern (`~DEFAULT_BRANCH`, `refs/heads/*`) names."""

    id: int
    name: str
    pattern: str
    required_statuses: tuple[str, ...] = ()
    pull_request: bool = False
    """Changes must come through a pull request."""
    deletion: bool = False
    """Branches stay."""
    strict: bool = False
    """Pull requests have to be up to date; only with required statuses."""
    others: tuple[str, ...] = ()
    """Further kinds, which are shown and enforced nowhere, such as `required_signatures`."""
    organization: str = ""
    """Whose ruleset it is; empty for the repository's."""
    bypass: frozenset[str] = frozenset()
    """Logins that the rules do not bind; for an App its bot's login."""
    enforcement: str = "active"

    def binds(self, branch: str, default: str) -> bool:
        pattern = default if self.pattern == "~DEFAULT_BRANCH" else self.pattern.removeprefix("refs/heads/")
        return self.enforcement == "active" and (
            self.pattern == "~ALL" or fnmatch.fnmatchcase(branch, pattern)
        )


@dataclass(frozen=True)
class Event:
    """Something that a workflow's `on:` may match."""

    name: str
    repo: str
    """owner/name"""
    actor: Token
    payload: dict[str, Any]
    action: str = ""
    branch: str = ""
    """Where the workflow file and `github.sha` come from; the base branch for a pull request."""
    sha: str = ""
    paths: tuple[str, ...] = ()
    """What a push or a pull request changes, for path filters."""
    workflow: str = ""
    """The only file that a dispatch or a schedule starts."""
    head_branch: str = ""
    """A pull request's branch."""
    from_fork: bool = False
    """Whether it is a pull request of a fork: its runs get no variables and no secrets, and may only read."""


@dataclass
class Call:
    """One request that arrived."""

    method: str
    path: str
    """Without the query."""
    query: str
    token: TokenKind | None
    operation: str = ""
    """The root fields of a GraphQL document, such as `createCommitOnBranch`."""
    document: str = ""
    """Of GraphQL, whole."""
    status: int = 0
    """0 while, or when, it got no answer."""
    began: float = field(default_factory=perf_counter)
    ended: float = 0
    """Both by the machine's clock, in seconds since some moment."""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.path, self.operation)))
