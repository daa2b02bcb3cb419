"""What an inspection asks GitHub, and the parts of the answers that are used."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from rollout.adapters.github.api import Document

REPOSITORY = """query($owner: String!, $name: String!, $ref: String!, $named: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) { nameWithOwner
    isPrivate isArchived isFork owner { kind: __typename }
    promotionRoot: ref(qualifiedName: "refs/heads/rollout") { ...named }
    channelRoot: ref(qualifiedName: "refs/heads/rollout-channel") { ...named }
    revertRoot: ref(qualifiedName: "refs/heads/rollout-revert") { ...named }
    promotions: refs(first: 100, refPrefix: "refs/heads/rollout/") { nodes { ...named } }
    channels: refs(first: 100, refPrefix: "refs/heads/rollout-channel/") { nodes { ...named } }
    reverts: refs(first: 100, refPrefix: "refs/heads/rollout-revert/") { nodes { ...named } }
    defaultBranchRef { ...workflows }
    stateRef: ref(qualifiedName: $ref) @include(if: $named) { ...workflows }
  }
}
fragment named on Ref { prefix name }
fragment workflows on Ref { name target { ... on Commit { file(path: ".github/workflows") { object {
  ... on Tree { entries { name object { ... on Blob { text } } } }
} } } } }"""


class _Viewer(Document):
    login: str


class _Owner(Document):
    kind: str


class _Blob(Document):
    text: str | None = None


class _File(Document):
    name: str
    object: _Blob | None = None


class _Folder(Document):
    entries: tuple[_File, ...] = ()


class _Entry(Document):
    object: _Folder | None = None


class _Commit(Document):
    file: _Entry | None = None


class BranchRef(Document):
    name: str
    target: _Commit

    @property
    def workflow_texts(self) -> dict[str, str]:
        """File name -> text."""
        entry = self.target.file
        files = entry.object.entries if entry and entry.object else ()
        return {file.name: file.object.text for file in files if file.object and file.object.text is not None}


class _OwnBranch(Document):
    prefix: str
    name: str

    @property
    def branch(self) -> str:
        return f"{self.prefix}{self.name}".removeprefix("refs/heads/")


class _OwnBranches(Document):
    nodes: tuple[_OwnBranch, ...] = ()


class _Repository(Document):
    is_private: bool
    promotion_root: _OwnBranch | None = None
    channel_root: _OwnBranch | None = None
    revert_root: _OwnBranch | None = None
    promotions: _OwnBranches | None = None
    channels: _OwnBranches | None = None
    reverts: _OwnBranches | None = None
    is_archived: bool
    is_fork: bool
    owner: _Owner
    default_branch_ref: BranchRef | None = None
    state_ref: BranchRef | None = None

    @property
    def in_organization(self) -> bool:
        return self.owner.kind == "Organization"

    @property
    def named_like_ours(self) -> frozenset[str]:
        """Branches whose names begin as those that the tool makes."""
        roots = (self.promotion_root, self.channel_root, self.revert_root)
        lists = (self.promotions, self.channels, self.reverts)
        below = (named for names in lists if names is not None for named in names.nodes)
        return frozenset(named.branch for named in (*roots, *below) if named is not None)


class Seen(Document):
    viewer: _Viewer
    repository: _Repository


# --- REST: names in snake case -----------------------------------------------------------------------------


class _RequiredCheck(Document):
    context: str


class _Parameters(Document):
    checks: tuple[_RequiredCheck, ...] = Field(default=(), alias="required_status_checks")
    strict: bool = Field(default=False, alias="strict_required_status_checks_policy")


class BranchRule(Document):
    type: str
    ruleset_id: int = Field(alias="ruleset_id")
    ruleset_source_type: str = Field(default="", alias="ruleset_source_type")
    ruleset_source: str = Field(default="", alias="ruleset_source")
    """The organization, or `owner/name`."""
    parameters: _Parameters | None = None

    @property
    def contexts(self) -> tuple[str, ...]:
        return tuple(check.context for check in self.parameters.checks) if self.parameters else ()

    @property
    def strict(self) -> bool:
        return self.parameters is not None and self.parameters.strict


class BranchRules(Document):
    items: tuple[BranchRule, ...]


class _BypassActor(Document):
    actor_type: str = Field(alias="actor_type")
    bypass_mode: str | None = Field(default=None, alias="bypass_mode")


class Ruleset(Document):
    name: str
    bypass_actors: tuple[_BypassActor, ...] | None = Field(default=None, alias="bypass_actors")
    """Only shown to those who may change the ruleset."""
    current_user_can_bypass: str | None = Field(default=None, alias="current_user_can_bypass")


class _Contexts(Document):
    contexts: tuple[str, ...] = ()


class _Protection(Document):
    enabled: bool = False
    required_status_checks: _Contexts | None = Field(default=None, alias="required_status_checks")


class Branch(Document):
    protection: _Protection = _Protection()


class WorkflowPermissions(Document):
    can_approve_pull_request_reviews: bool = Field(alias="can_approve_pull_request_reviews")


class ActionsPermissions(Document):
    enabled: bool
    allowed_actions: str | None = Field(default=None, alias="allowed_actions")


class _Named(Document):
    name: str


class _Variable(Document):
    name: str
    value: str = ""


class Variables(Document):
    variables: tuple[_Variable, ...]

    @property
    def values(self) -> dict[str, str]:
        return {one.name: one.value for one in self.variables}


class Secrets(Document):
    secrets: tuple[_Named, ...]

    @property
    def names(self) -> set[str]:
        return {one.name for one in self.secrets}


class SelectedActions(Document):
    github_owned_allowed: bool = Field(default=False, alias="github_owned_allowed")
    patterns_allowed: tuple[str, ...] = Field(default=(), alias="patterns_allowed")


class ProductRepository(Document):
    private: bool
    archived: bool = False


class _Somebody(Document):
    login: str = ""
    slug: str = ""
    """Of a team."""


class _Reviewer(Document):
    reviewer: _Somebody


class _ProtectionRule(Document):
    type: str
    wait_timer: int = Field(default=0, alias="wait_timer")
    reviewers: tuple[_Reviewer, ...] = ()


class _Policy(Document):
    custom_branch_policies: bool = Field(default=False, alias="custom_branch_policies")
    """Else only protected branches are let in."""


class _Pattern(Document):
    name: str
    type: str = "branch"


class Policies(Document):
    patterns: tuple[_Pattern, ...] = Field(alias="branch_policies")

    @property
    def branches(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.patterns if one.type == "branch")


class Environment(Document):
    deployment_branch_policy: _Policy | None = Field(default=None, alias="deployment_branch_policy")
    protection_rules: tuple[_ProtectionRule, ...] = Field(default=(), alias="protection_rules")

    @property
    def reviewers(self) -> tuple[str, ...]:
        """People and teams."""
        asked = (one.reviewer for rule in self.protection_rules for one in rule.reviewers)
        return tuple(one.login or one.slug for one in asked)

    @property
    def wait_minutes(self) -> int:
        return max((rule.wait_timer for rule in self.protection_rules), default=0)


class _Workflow(Document):
    path: str
    state: str


class Workflows(Document):
    workflows: tuple[_Workflow, ...]


class _Run(Document):
    created_at: datetime = Field(alias="created_at")


class Runs(Document):
    workflow_runs: tuple[_Run, ...] = Field(alias="workflow_runs")


class _Core(Document):
    limit: int
    remaining: int
    reset: int


class _Resources(Document):
    core: _Core


class RateLimits(Document):
    resources: _Resources
