"""The Inspector port over GitHub's API: settings, as far as the token may ask for them.

Whether a token may write is only told by trying. The tries are such that they cannot take effect: a commit on
top of no commit, a status of no commit, an issue without a title, a pull request from a branch to itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from rollout.adapters.github import inspection_documents as answers
from rollout.adapters.github.answers import Name, parsed
from rollout.adapters.github.api import PAGE, STALE, Api, RefusedByGitHubError
from rollout.adapters.github.commits import commit_files
from rollout.adapters.github.hints import UPGRADE, beyond_permissions, is_of_the_token
from rollout.core.doctor.facts import (
    ENVIRONMENT,
    METRICS_ENVIRONMENT,
    PRODUCT_ENVIRONMENT,
    Actions,
    AllowList,
    BranchInUse,
    Bypass,
    Environment,
    JobPermission,
    Product,
    RateLimit,
    Rule,
    Settings,
    TrainFacts,
    UnknownFact,
    Use,
    Who,
    Workflow,
)
from rollout.core.workflow_pin import SCHEDULE_WORKFLOW
from rollout.errors import OutsideError

_NO_COMMIT = "0" * 40
_RUN_LOGIN = "github-actions[bot]"
_MAY_NOT_OPEN = "not permitted to create or approve pull requests"
_OUR_WORKFLOWS = re.compile(r"(?:.*/)?(rollout-[^/]*\.ya?ml)")
_CRON = re.compile(r"""^ *- *cron: *["']?([^"'#\n]*[^"'#\s])""", re.MULTILINE)
_USES = re.compile(r"""^ *(?:- *)?uses: *["']?([^"'\s#]+)""", re.MULTILINE)
_ASKS = re.compile(r"""^ *app-permissions: *["']?([\w: -]+)""", re.MULTILINE)
_SECRETS = re.compile(r"\bsecrets\.(\w+)")
_LAST_RUNS = 30

F = TypeVar("F")
T = TypeVar("T")


class GitHubInspector:
    """For one repository and one token."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._rulesets: dict[tuple[str, int], answers.Ruleset | UnknownFact] = {}
        """By the repository that was asked and their numbers: one ruleset binds many branches."""

    def inspect(self, branch: str | None, trains: Collection[TrainFacts]) -> Settings:
        """Reads the settings; `branch` None is the default one.
        Raises OutsideError when the repository cannot be seen at all.
        """
        asked = f"looking at {self._api.repository}"
        repository, login = self._api.attempt(asked, lambda: self._look(branch))
        who = _who(login)
        default = repository.default_branch_ref.name if repository.default_branch_ref else ""
        state_branch = branch or default
        permissions, may_open = self._permissions(who, state_branch)
        states = self._workflow_states()
        measures = any(train.measures for train in trains)
        reached = {train.product: self._product(train.product) for train in trains if train.product}
        return Settings(
            repository=self._api.repository,
            login=login,
            who=who,
            default_branch=default,
            private=repository.is_private,
            archived=repository.is_archived,
            fork=repository.is_fork,
            rules=self._rules(state_branch, who),
            classic=self._classic(state_branch),
            may_open_pulls=self._may_open_pulls() if may_open is None else may_open,
            actions=self._actions(),
            variables=self._variables(repository),
            secrets=_kept(
                self._listed("secrets", tuple[Name, ...], in_organization=repository.in_organization),
                frozenset,
            ),
            environment=self._environment(ENVIRONMENT),
            workflows=_our_workflows(_texts(repository.default_branch_ref), states),
            on_state_branch=_our_workflows(_texts(repository.state_ref), states),
            runs=self._runs(),
            permissions=permissions,
            limit=self._limit(),
            named_like_ours=repository.named_like_ours,
            unseen={name: found for name, found in reached.items() if isinstance(found, UnknownFact)},
            products={name: found for name, found in reached.items() if isinstance(found, Product)},
            branches=self._branches(trains, who),
            product_environment=self._environment(PRODUCT_ENVIRONMENT) if reached else None,
            metrics_environment=self._environment(METRICS_ENVIRONMENT) if measures else None,
        )

    def _variables(self, repository: answers.Repository) -> Mapping[str, str] | UnknownFact:
        in_organization = repository.in_organization
        listed = self._listed("variables", tuple[answers.Variable, ...], in_organization=in_organization)
        # The repository's own win (GitHub's documentation, "Store information in variables").
        return _kept(listed, lambda all_: {one.name: one.value for one in all_})

    def _look(self, branch: str | None) -> tuple[answers.Repository, str]:
        """Returns the repository, and who asks."""
        wanted = {"ref": f"refs/heads/{branch or ''}", "named": branch is not None}
        both = {**self._api.owner_and_name, **wanted}
        found = self._api.graphql(answers.REPOSITORY, both)
        return parsed(answers.Repository, found, "repository"), parsed(str, found, "viewer", "login")

    # --- one question ------------------------------------------------------------------------------------

    def _ask(self, path: str, kind: type[T], *part: str, **query: str | int) -> T | UnknownFact:
        """Requests one part; the result is unknown where GitHub refuses it."""
        return self._ask_at(f"/repos/{self._api.repository}/{path}", kind, *part, **query)

    def _ask_at(self, path: str, kind: type[T], *part: str, **query: str | int) -> T | UnknownFact:
        def ask() -> T | UnknownFact:
            try:
                document = self._api.rest("GET", path, query=query)
            except RefusedByGitHubError as refusal:
                return _hidden(refusal)
            return parsed(kind, document, *part)

        try:
            return self._api.attempt(f"reading {path}", ask)
        except OutsideError as error:
            return UnknownFact(error.message, passing=True)

    # --- the state branch --------------------------------------------------------------------------------

    def _rules(self, branch: str, who: Who, repository: str = "") -> tuple[Rule, ...] | UnknownFact:
        """Reads the rules of a branch, which need not exist (GitHub's "Get rules for a branch")."""
        place = f"/repos/{repository or self._api.repository}"
        listed = self._ask_at(
            f"{place}/rules/branches/{quote(branch, safe='')}", tuple[answers.BranchRule, ...], per_page=PAGE
        )
        if isinstance(listed, UnknownFact):
            return listed
        for number in dict.fromkeys(rule.ruleset_id for rule in listed):
            if (place, number) not in self._rulesets:
                found = self._ask_at(f"{place}/rulesets/{number}", answers.Ruleset)
                self._rulesets[place, number] = found
        return tuple(_rule(rule, self._rulesets[place, rule.ruleset_id], who) for rule in listed)

    def _branches(self, trains: Collection[TrainFacts], who: Who) -> tuple[BranchInUse, ...]:
        """Returns each kind of branch once; a rule that names a single train's is not looked for."""
        home, wanted = self._api.repository, dict[tuple[str, str, Use], str]()
        for train in trains:
            product = train.product or home
            uses = [(product, train.branch, Use.PUSHED if train.pushes else Use.PRODUCT)]
            if not train.pushes:
                uses.append((product, "rollout-revert/*", Use.REVERT))
            for use in [(home, "rollout/*", Use.PROMOTION), *uses]:
                wanted.setdefault(use, use[1].replace("*", f"{train.name}/any"))
        return tuple(
            BranchInUse(repository, name, use, self._rules(branch, who, repository))
            for (repository, name, use), branch in wanted.items()
        )

    def _classic(self, branch: str) -> tuple[str, ...] | UnknownFact | None:
        found = self._ask(f"branches/{quote(branch, safe='')}", answers.Protection, "protection")
        if isinstance(found, UnknownFact):
            return found
        return found.contexts or () if found.enabled else None

    # --- Actions -----------------------------------------------------------------------------------------

    def _may_open_pulls(self) -> bool | UnknownFact:
        return self._ask("actions/permissions/workflow", bool, "can_approve_pull_request_reviews")

    def _listed(
        self, name: str, kind: type[tuple[T, ...]], *, in_organization: bool
    ) -> list[T] | UnknownFact:
        """Returns variables or secrets: those that the organization lends, then the repository's own."""
        places = [*([f"actions/organization-{name}"] if in_organization else []), f"actions/{name}"]
        listed: list[T] = []
        for place in places:
            found = self._ask(place, kind, name, per_page=PAGE)
            if isinstance(found, UnknownFact):
                return found
            listed += found
        return listed

    def _actions(self) -> Actions | UnknownFact:
        found = self._ask("actions/permissions", answers.ActionsPermissions)
        if isinstance(found, UnknownFact):
            return found
        allowed, listed = found.allowed_actions or "all", None
        if allowed == "selected":
            listed = _kept(
                self._ask("actions/permissions/selected-actions", answers.SelectedActions),
                lambda selected: AllowList(selected.github_owned_allowed, selected.patterns_allowed),
            )
        return Actions(found.enabled, allowed, listed)

    def _environment(self, name: str) -> Environment | UnknownFact | None:
        place = f"environments/{name}"
        found = self._ask(place, answers.Environment)
        if isinstance(found, UnknownFact):
            return None if found.missing else found
        secrets = self._ask(f"{place}/secrets", tuple[Name, ...], "secrets", per_page=PAGE)
        if isinstance(secrets, UnknownFact):
            return secrets
        is_restricted = found.only_named_branches is not None
        branches: tuple[str, ...] | UnknownFact | None = None
        if found.only_named_branches:
            branches = self._named_branches(place)
        elif is_restricted:
            branches = UnknownFact("protected branches alone")
        return Environment(frozenset(secrets), is_restricted, found.reviewers, found.wait_minutes, branches)

    def _named_branches(self, environment: str) -> tuple[str, ...] | UnknownFact:
        """Returns the patterns of branches that are let in."""
        place = f"{environment}/deployment-branch-policies"
        found = self._ask(place, tuple[answers.Pattern, ...], "branch_policies", per_page=PAGE)
        return _kept(found, lambda listed: tuple(one.name for one in listed if one.type == "branch"))

    def _workflow_states(self) -> dict[str, str]:
        """Maps file name to GitHub's word for its state, whatever branch it is on (cli/cli#3296)."""
        found = self._ask("actions/workflows", tuple[answers.Workflow, ...], "workflows", per_page=PAGE)
        listed = () if isinstance(found, UnknownFact) else found
        return {one.path.rpartition("/")[2]: one.state for one in listed}

    def _runs(self) -> tuple[datetime, ...] | UnknownFact:
        return self._ask(
            f"actions/workflows/{SCHEDULE_WORKFLOW}/runs",
            tuple[answers.CreatedAt, ...],
            "workflow_runs",
            event="schedule",
            per_page=_LAST_RUNS,
        )

    # --- the token ---------------------------------------------------------------------------------------

    def _permissions(
        self, who: Who, branch: str
    ) -> tuple[Mapping[JobPermission, bool | UnknownFact] | None, bool | UnknownFact | None]:
        """Returns what it may do (None for a person's), and whether Actions may open pull requests, if
        told.
        """
        if who is Who.PERSON:
            return None, None
        pulls, may_open = self._try_pull(branch)
        return {
            JobPermission.CONTENTS: self._try_commit(branch),
            JobPermission.PULLS: pulls,
            JobPermission.STATUSES: self._try(lambda: self._post(f"statuses/{_NO_COMMIT}", _STATUS)),
            JobPermission.ISSUES: self._try(lambda: self._post("issues", {"title": ""})),
            JobPermission.ACTIONS: self._try(
                lambda: self._api.rest("GET", self._path("actions/workflows"), query={"per_page": 1})
            ),
            JobPermission.CHECKS: self._try(
                lambda: self._api.rest("GET", self._path(f"commits/{quote(branch)}/check-runs"))
            ),
        }, may_open if who is Who.RUN else None

    def _try_commit(self, branch: str) -> bool | UnknownFact:
        def commit() -> object:
            try:
                return commit_files(
                    self._api, branch, {"state/.doctor": b""}, "never made", parent=_NO_COMMIT
                )
            except RefusedByGitHubError as refusal:
                if STALE in refusal.kinds:
                    return None
                raise

        return self._try(commit)

    def _try_pull(self, branch: str) -> tuple[bool | UnknownFact, bool | UnknownFact | None]:
        body = {"title": "never made", "head": branch, "base": branch}
        told: list[str] = []

        def open_one() -> object:
            try:
                return self._post("pulls", body)
            except RefusedByGitHubError as refusal:
                told.append(str(refusal))
                raise

        may = self._try(open_one)
        if _MAY_NOT_OPEN in " ".join(told):
            return True, False
        return may, None

    def _try(self, act: Callable[[], object]) -> bool | UnknownFact:
        """Returns whether GitHub lets the token get as far as to see that there is nothing to be done."""

        def attempt() -> bool | UnknownFact:
            try:
                act()
            except RefusedByGitHubError as refusal:
                if refusal.status == 422:
                    return True
                if is_of_the_token(refusal):
                    return False
                return UnknownFact(str(refusal), fix=self._api.advice(refusal))
            return True

        try:
            return self._api.attempt("trying what the token may do", attempt)
        except OutsideError as error:
            return UnknownFact(error.message)

    def _limit(self) -> RateLimit | UnknownFact:
        found = self._ask_at("/rate_limit", answers.RateLimit, "resources", "core")
        return _kept(
            found,
            lambda core: RateLimit(core.limit, core.remaining, datetime.fromtimestamp(core.reset, UTC)),
        )

    def _product(self, repository: str) -> Product | UnknownFact:
        found = self._ask_at(f"/repos/{repository}", answers.ProductRepository)
        return _kept(found, lambda there: Product(there.private, there.archived))

    def _post(self, path: str, body: object) -> object:
        return self._api.rest("POST", self._path(path), body=body)

    def _path(self, rest: str) -> str:
        return f"/repos/{self._api.repository}/{rest}"


_STATUS = {"state": "pending", "context": "rollout/doctor"}


def _texts(ref: answers.BranchRef | None) -> Mapping[str, str]:
    return ref.workflow_texts if ref else {}


def _our_workflows(texts: Mapping[str, str], states: Mapping[str, str]) -> tuple[Workflow, ...]:
    return tuple(
        Workflow(
            name,
            states.get(name, ""),
            tuple(_CRON.findall(text)),
            tuple(dict.fromkeys(_USES.findall(text))),
            frozenset(one.replace(":", ": ") for asked in _ASKS.findall(text) for one in asked.split()),
            frozenset(_SECRETS.findall(text)),
        )
        for name, text in sorted(texts.items())
        if _OUR_WORKFLOWS.fullmatch(name)
    )


def _who(login: str) -> Who:
    if login == _RUN_LOGIN:
        return Who.RUN
    return Who.APP if login.endswith("[bot]") else Who.PERSON


def _hidden(refusal: RefusedByGitHubError) -> UnknownFact:
    beyond = beyond_permissions(str(refusal))
    if beyond is not None:
        return UnknownFact(f"{beyond[0]}; {beyond[1]}", plan=UPGRADE in str(refusal), fix=beyond[1])
    if refusal.hint:
        return UnknownFact(str(refusal), fix=refusal.hint)
    if refusal.needs:
        return UnknownFact(f"this token may not ask (it needs {refusal.needs.replace('=', ': ')})")
    if refusal.status == 404:
        return UnknownFact("there is none, or this token may not ask", missing=True)
    return UnknownFact("this token may not ask" if refusal.status in (401, 403) else str(refusal))


def _kept(found: F | UnknownFact, part: Callable[[F], T]) -> T | UnknownFact:
    return found if isinstance(found, UnknownFact) else part(found)


def _rule(rule: answers.BranchRule, ruleset: answers.Ruleset | UnknownFact, who: Who) -> Rule:
    name, bypass = f"ruleset {rule.ruleset_id}", Bypass.HIDDEN
    if not isinstance(ruleset, UnknownFact):
        name, bypass = ruleset.name, _bypass(ruleset, who)
    organization = rule.ruleset_source if rule.ruleset_source_type == "Organization" else ""
    return Rule(rule.type, name, bypass, rule.contexts, strict=rule.strict, organization=organization)


def _bypass(ruleset: answers.Ruleset, who: Who) -> Bypass:
    """Returns whether the requesting App may bypass; a person sees only the list."""
    if who is not Who.PERSON:
        may = ruleset.current_user_can_bypass
        if may is None:
            return Bypass.HIDDEN
        return Bypass.YES if may in ("always", "exempt") else Bypass.NO
    if ruleset.bypass_actors is None:
        return Bypass.HIDDEN
    apps = [actor for actor in ruleset.bypass_actors if actor.actor_type == "Integration"]
    return Bypass.SOME_APP if any(app.bypass_mode in ("always", "exempt") for app in apps) else Bypass.NO
