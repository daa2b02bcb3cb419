"""What an examination looks at. A fact that could not be asked for is `Hidden`, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rollout.core.workflow_pin import RECONCILE_WORKFLOW, SCHEDULE_WORKFLOW


@dataclass(frozen=True)
class UnknownFact:
    """A fact that the token may not know, or that GitHub did not tell."""

    why: str
    missing: bool = False
    """Whether GitHub says that there is no such thing, as it also does to those who may not see it."""
    plan: bool = False
    """Whether the plan has no such thing in private repositories."""
    passing: bool = False
    """Whether GitHub did not answer, and may do so later."""
    fix: str = ""
    """What to do about it, where GitHub says more than that it is hidden."""


class Who(StrEnum):
    """Whose token asks."""

    RUN = "run"
    """`GITHUB_TOKEN`."""
    APP = "app"
    PERSON = "person"


class Bypass(StrEnum):
    """Whether the tool may commit past a rule."""

    YES = "yes"
    NO = "no"
    SOME_APP = "some_app"
    """A person asks, and sees an App on the bypass list; whether it is the tool's is not known."""
    HIDDEN = "hidden"


@dataclass(frozen=True)
class Rule:
    """One active rule of a ruleset that binds a branch."""

    kind: str
    """GitHub's word, such as `required_status_checks`."""
    ruleset: str
    bypass: Bypass
    contexts: tuple[str, ...] = ()
    """Names of required statuses."""
    strict: bool = False
    """Whether a pull request has to be up to date with the branch."""
    organization: str = ""
    """Whose ruleset it is; empty for one of the repository."""

    @property
    def place(self) -> str:
        """Where it can be changed."""
        organization = f"{self.organization}: organization settings > Repository > Rulesets"
        return f"{organization if self.organization else RULESETS} > {self.ruleset}"


class Use(StrEnum):
    """What the tool does with a branch beside the state branch."""

    PROMOTION = "promotion"
    """Makes it, by GitHub's own commits, and deletes it."""
    REVERT = "revert"
    """Pushes it by git: its commits have no signature."""
    PRODUCT = "product"
    """Proposes a revert to it."""
    PUSHED = "pushed"
    """Pushes a revert to it, as the contract says."""


@dataclass(frozen=True)
class BranchInUse:
    repository: str
    """`owner/name`"""
    name: str
    """As people know it, such as `rollout/*`."""
    use: Use
    rules: tuple[Rule, ...] | UnknownFact


@dataclass(frozen=True)
class Product:
    """A product's repository that is not the one with state."""

    private: bool
    archived: bool


@dataclass(frozen=True)
class AllowList:
    """The actions that workflows may use, beside the repository's own."""

    by_github: bool
    """Those of `actions` and `github`."""
    patterns: tuple[str, ...]
    """Such as `acme/*` or `acme/tool@v1`; one that begins with `!` forbids."""


@dataclass(frozen=True)
class Actions:
    """What the repository lets Actions do."""

    enabled: bool
    allowed: str
    """`all`, `local_only` or `selected`."""
    selected: AllowList | UnknownFact | None = None
    """What `selected` means."""


@dataclass(frozen=True)
class Environment:
    """An environment that jobs are in."""

    secrets: frozenset[str]
    """Names."""
    restricted: bool
    """Whether only some branches may use it."""
    reviewers: tuple[str, ...] = ()
    """Who has to approve each job."""
    wait_minutes: int = 0
    """How long each job waits."""
    branches: tuple[str, ...] | UnknownFact | None = None
    """Patterns of those that may use it; None where all may."""


@dataclass(frozen=True)
class Workflow:
    """One workflow file on the default branch."""

    name: str
    """The file's."""
    state: str
    """GitHub's word: `active`, `disabled_inactivity`, `disabled_manually`; empty when it may not be asked."""
    crons: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    asks: frozenset[str] = frozenset()
    """What it asks of an App, such as `contents: write`."""
    secrets: frozenset[str] = frozenset()
    """Names of those that it hands to a step."""

    @property
    def is_disabled(self) -> bool:
        return self.state.startswith("disabled")


@dataclass(frozen=True)
class RateLimit:
    limit: int
    """Requests an hour."""
    remaining: int
    resets_at: datetime


class JobPermission(StrEnum):
    """What the job that reconciles needs of its token."""

    CONTENTS = "contents: write"
    PULLS = "pull-requests: write"
    STATUSES = "statuses: write"
    ISSUES = "issues: write"
    CHECKS = "checks: read"
    ACTIONS = "actions: read"


@dataclass(frozen=True)
class Settings:
    """A repository on GitHub, as far as a token could ask."""

    repository: str
    """`owner/name`."""
    login: str
    who: Who
    default_branch: str
    private: bool
    archived: bool
    fork: bool
    rules: tuple[Rule, ...] | UnknownFact
    classic: tuple[str, ...] | UnknownFact | None
    """Statuses that classic branch protection requires on the state branch; None when it protects nothing."""
    may_open_pulls: bool | UnknownFact
    """Whether Actions may open pull requests with a run's own token."""
    actions: Actions | UnknownFact
    variables: Mapping[str, str] | UnknownFact
    """Of the repository, by their names, with what its organization lends."""
    secrets: frozenset[str] | UnknownFact
    """Names of its secrets that workflows of every branch can read."""
    environment: Environment | UnknownFact | None
    """`rollout`; None when there is none yet."""
    workflows: tuple[Workflow, ...]
    """Those named `rollout-*`."""
    runs: tuple[datetime, ...] | UnknownFact
    """When the latest scheduled runs of rollout-schedule were made, newest first."""
    permissions: Mapping[JobPermission, bool | UnknownFact] | None
    """What the token may do; None for a person's, which no job will have."""
    limit: RateLimit | UnknownFact
    on_state_branch: tuple[Workflow, ...] = ()
    """Those named `rollout-*` on the state branch, where somebody named or found one."""
    named_like_ours: frozenset[str] = frozenset()
    """Branches whose names begin as those that the tool makes, its own included."""
    unseen: Mapping[str, UnknownFact] = field(default_factory=dict)
    """Repositories of products, `owner/name`, that the token does not reach, and why."""
    products: Mapping[str, Product] = field(default_factory=dict)
    """Those that it reaches, by their names."""
    branches: tuple[BranchInUse, ...] = ()
    """Where the tool writes beside the state branch."""
    product_environment: Environment | UnknownFact | None = None
    """`rollout-product`; None when there is none."""
    metrics_environment: Environment | UnknownFact | None = None
    """`rollout-metrics`; None when there is none, or no train has metrics."""


@dataclass(frozen=True)
class TrainFacts:
    """One train on the state branch."""

    name: str
    problem: str = ""
    """Why its files do not load; the rest is not known then."""
    max_gap: int = 0
    """Seconds: the longest hole between observations that earns soak in every phase."""
    product: str = ""
    """`owner/name` of its product's repository; empty for the one that carries state."""
    branch: str = "main"
    """The product's."""
    pushes: bool = False
    """Whether its rollback pushes a revert to that branch; else it opens a pull request."""
    intervals: tuple[int, ...] = ()
    """Seconds between two readings, each of a job."""
    measures: bool = False
    """Whether it has metrics."""
    copies_evidence: bool = False
    """Whether an incident's evidence becomes an artifact."""
    notes: tuple[str, ...] = ()
    """What its contract leaves to people, each as `field: message`."""
    missing: tuple[str, ...] = ()
    """Branches that its contract names and the clone does not know, each as `field: message`."""
    variables: tuple[str, ...] = ()
    """Environment variables that hold the secrets of its metrics servers."""


@dataclass(frozen=True)
class World:
    """A repository on GitHub with its trains."""

    settings: Settings
    state_branch: str
    branch_problem: str
    """Why the state branch could not be read; empty when it could."""
    trains: tuple[TrainFacts, ...]
    branch_fix: str = ""
    """What fixes that; empty for the usual way."""
    told_train: str | None = None
    """What ROLLOUT_TRAIN is in this job, empty where it is not set; None outside of a job."""

    @property
    def has_own_branch(self) -> bool:
        """Whether state is on another branch than the default one."""
        return self.state_branch != self.settings.default_branch

    @property
    def job_branches(self) -> tuple[str, ...]:
        """Where jobs that decide come from.

        Only a state branch that was cut from the default one has a file there whose runs decide.
        """
        there = {workflow.name for workflow in self.settings.on_state_branch}
        more = (self.state_branch,) if RECONCILE_WORKFLOW in there else ()
        return tuple(dict.fromkeys((self.settings.default_branch, *more)))

    @property
    def train_of_runs(self) -> str | UnknownFact:
        """The train that workflows are about where nobody names one; empty where none is set."""
        if self.told_train is not None:
            return self.told_train
        variables = self.settings.variables
        return variables if isinstance(variables, UnknownFact) else variables.get(ONE_TRAIN, "")

    @property
    def schedule(self) -> Workflow | None:
        """The workflow that has the schedule."""
        return next((one for one in self.settings.workflows if one.name == SCHEDULE_WORKFLOW), None)

    @property
    def uses_app(self) -> bool | None:
        """Whether jobs work with an App's token; None when that cannot be told."""
        if self.settings.who is Who.APP:
            return True
        if not isinstance(self.settings.variables, UnknownFact):
            return APP_ID in self.settings.variables
        return False if self.settings.who is Who.RUN else None


@dataclass(frozen=True)
class Laptop:
    """A repository without GitHub."""

    person: str | None
    """Whom git would name as the author of a commit."""
    state_branch: str
    branch_problem: str
    trains: tuple[TrainFacts, ...]
    contract_problems: tuple[str, ...]
    """Mistakes of the worktree's contracts, each as `file: field: message`."""
    branch_fix: str = ""
    unset: tuple[str, ...] = ()
    """Variables of the trains' metrics that have no value here."""


ONE_TRAIN = "ROLLOUT_TRAIN"
"""The variable that names the train of scheduled and dispatched runs."""
IN_FORK = "ROLLOUT_IN_FORK"
"""The variable that lets workflows of a fork start by themselves."""
APP_ID, APP_KEY = "ROLLOUT_APP_CLIENT_ID", "ROLLOUT_APP_PRIVATE_KEY"
PRODUCT_KEY = "ROLLOUT_PRODUCT_TOKEN"
"""The secret that reads a product elsewhere."""
ENVIRONMENT, PRODUCT_ENVIRONMENT, METRICS_ENVIRONMENT = "rollout", "rollout-product", "rollout-metrics"
RULESETS = "Settings > Rules > Rulesets"
