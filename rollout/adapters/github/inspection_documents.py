"""What an inspection asks GitHub, and the parts of the answers that are used."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from rollout.adapters.github.answers import Document, Nodes, within

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


class _File(Document):
    name: str
    text: Annotated[str | None, within("text", or_none=True)] | None = Field(default=None, alias="object")


class BranchRef(Document):
    name: str
    folder: Annotated[dict[str, tuple[_File, ...]] | None, within("file", "object", or_none=True)] = Field(
        alias="target"
    )
    """Of workflows: its `entries`."""

    @property
    def workflow_texts(self) -> dict[str, str]:
        """File name -> text."""
        files = (self.folder or {}).get("entries", ())
        return {file.name: file.text for file in files if file.text is not None}


class _OwnBranch(Document):
    prefix: str
    name: str

    @property
    def branch(self) -> str:
        return f"{self.prefix}{self.name}".removeprefix("refs/heads/")


class Repository(Document):
    is_private: bool
    promotion_root: _OwnBranch | None = None
    channel_root: _OwnBranch | None = None
    revert_root: _OwnBranch | None = None
    promotions: Nodes[_OwnBranch] | None = None
    channels: Nodes[_OwnBranch] | None = None
    reverts: Nodes[_OwnBranch] | None = None
    is_archived: bool
    is_fork: bool
    owner: Annotated[str, within("kind")]
    default_branch_ref: BranchRef | None = None
    state_ref: BranchRef | None = None

    @property
    def in_organization(self) -> bool:
        return self.owner == "Organization"

    @property
    def named_like_ours(self) -> frozenset[str]:
        """Branches whose names begin as those that the tool makes."""
        roots = (self.promotion_root, self.channel_root, self.revert_root)
        lists = (self.promotions, self.channels, self.reverts)
        below = (named for names in lists if names is not None for named in names.nodes)
        return frozenset(named.branch for named in (*roots, *below) if named is not None)


# --- REST --------------------------------------------------------------------------------------------------


class _Parameters(Document):
    required_status_checks: tuple[Annotated[str, within("context")], ...] = ()
    strict_required_status_checks_policy: bool = False


class BranchRule(Document):
    type: str
    ruleset_id: int
    ruleset_source_type: str = ""
    ruleset_source: str = ""
    """The organization, or `owner/name`."""
    parameters: _Parameters | None = None

    @property
    def contexts(self) -> tuple[str, ...]:
        return self.parameters.required_status_checks if self.parameters else ()

    @property
    def strict(self) -> bool:
        return self.parameters is not None and self.parameters.strict_required_status_checks_policy


class _BypassActor(Document):
    actor_type: str
    bypass_mode: str | None = None


class Ruleset(Document):
    name: str
    bypass_actors: tuple[_BypassActor, ...] | None = None
    """Only shown to those who may change the ruleset."""
    current_user_can_bypass: str | None = None


class Protection(Document):
    """Of a branch, the older way."""

    enabled: bool = False
    contexts: Annotated[tuple[str, ...], within("contexts")] | None = Field(
        default=None, alias="required_status_checks"
    )


class ActionsPermissions(Document):
    enabled: bool
    allowed_actions: str | None = None


class Variable(Document):
    name: str
    value: str = ""


class SelectedActions(Document):
    github_owned_allowed: bool = False
    patterns_allowed: tuple[str, ...] = ()


class ProductRepository(Document):
    private: bool
    archived: bool = False


class _Somebody(Document):
    login: str = ""
    slug: str = ""
    """Of a team."""


class _ProtectionRule(Document):
    type: str
    wait_timer: int = 0
    reviewers: tuple[Annotated[_Somebody, within("reviewer")], ...] = ()


class Pattern(Document):
    name: str
    type: str = "branch"


class Environment(Document):
    only_named_branches: Annotated[bool, within("custom_branch_policies")] | None = Field(
        default=None, alias="deployment_branch_policy"
    )
    """False: protected branches alone; None: every branch."""
    protection_rules: tuple[_ProtectionRule, ...] = ()

    @property
    def reviewers(self) -> tuple[str, ...]:
        """People and teams."""
        asked = (one for rule in self.protection_rules for one in rule.reviewers)
        return tuple(one.login or one.slug for one in asked)

    @property
    def wait_minutes(self) -> int:
        return max((rule.wait_timer for rule in self.protection_rules), default=0)


class Workflow(Document):
    path: str
    state: str


class RateLimit(Document):
    limit: int
    remaining: int
    reset: int


CreatedAt = Annotated[datetime, within("created_at")]
