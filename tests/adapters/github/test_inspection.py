"""What the inspector finds out about a repository on the local GitHub, with each sort of token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fakehub import faults
from fakehub.entities import Access, Run, Token
from fakehub.entities import Environment as FakeEnvironment
from fakehub.fixtures import hub
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.adapters.github.address import Address
from rollout.adapters.github.api import Api
from rollout.adapters.github.inspection import GitHubInspector
from rollout.core.doctor import tokens
from rollout.core.doctor.facts import (
    Actions,
    AllowList,
    BranchInUse,
    Bypass,
    Environment,
    JobPermission,
    Product,
    Rule,
    Settings,
    TrainFacts,
    UnknownFact,
    Use,
    Who,
    Workflow,
    World,
)
from rollout.errors import OutsideError
from tests.adapters.github.world import SECONDS, WaitingClock
from tests.adapters.scratch import Repository

__all__ = ["hub"]

SCHEDULE = """\
name: rollout-schedule
on:
  schedule:
    # - cron: "1 1 * * *"
    - cron: "3,13 * * * *" # twice
    - cron: 7 0 * * *
  workflow_dispatch:
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - uses: "actions/checkout@abc" # v7
      - name: Run
        uses: ./.github/actions/rollout
      - uses: actions/checkout@abc
"""
FILES = {
    ".github/workflows/rollout-schedule.yml": SCHEDULE,
    ".github/workflows/ci.yml": "name: ci\non: push\njobs: {}\n",
    "state/tau/rollout.yaml": "phase: null\n",
}
FULL = {
    **dict.fromkeys(("contents", "pull_requests", "statuses", "issues"), "write"),
    **dict.fromkeys(("checks", "actions"), "read"),
}
WITHOUT_ACTIONS = {scope: level for scope, level in FULL.items() if scope != "actions"}


@pytest.fixture
def repo(hub: Hub, tmp_path: Path) -> Repo:
    return hub.repo("acme/tau", seed=Repository(tmp_path / "seed", FILES).path)


def inspect(repo: Repo, token: Token, branch: str | None = None, *trains: TrainFacts) -> Settings:
    hub = repo.hub
    before = (repo.bare.refs(), len(repo.threads), len(repo.statuses))
    api = Api(
        Address("acme/tau", hub.url, f"{hub.url}/graphql"),
        token.value,
        WaitingClock(hub.clock),
        timeout=SECONDS,
    )
    seen = GitHubInspector(api).inspect(branch, trains)
    assert (repo.bare.refs(), len(repo.threads), len(repo.statuses)) == before, "it changed something"
    return seen


def _trains(*products: str) -> list[TrainFacts]:
    return [TrainFacts(product.rpartition("/")[2], product=product) for product in products]


def admin(repo: Repo) -> Token:
    return repo.hub.person("root", repo, Access.ADMIN)


def run(repo: Repo, permissions: Mapping[str, str] | None = None) -> Token:
    return repo.hub.run_token(repo, FULL if permissions is None else permissions)


def test_branches_that_are_in_the_way_of_the_tools_are_seen(repo: Repo) -> None:
    assert inspect(repo, admin(repo)).named_like_ours == frozenset()
    main = repo.bare.branch("main") or ""
    names = {"rollout/tau", "rollout-channel/tau/set-beta", "rollout-revert"}
    for name in names:
        repo.bare.update_ref(f"refs/heads/{name}", main)
    repo.bare.update_ref("refs/heads/rollouts", main)
    assert inspect(repo, admin(repo)).named_like_ours == names


def test_an_admin_sees_everything_but_what_a_jobs_token_may_do(hub: Hub, repo: Repo) -> None:
    hub.engine.variables["ROLLOUT_APP_CLIENT_ID"] = "x"
    hub.engine.secrets["ROLLOUT_APP_PRIVATE_KEY"] = "x"
    seen = inspect(repo, admin(repo))
    assert (seen.repository, seen.login, seen.who) == ("acme/tau", "root", Who.PERSON)
    assert (seen.default_branch, seen.private, seen.archived) == ("main", True, False)
    assert (seen.rules, seen.classic, seen.may_open_pulls) == ((), None, True)
    assert (seen.actions, seen.permissions) == (Actions(enabled=True, allowed="all"), None)
    assert seen.variables == {"ROLLOUT_APP_CLIENT_ID": "x"}
    assert seen.secrets == frozenset({"ROLLOUT_APP_PRIVATE_KEY"})
    assert seen.runs == ()
    assert not isinstance(seen.limit, UnknownFact)
    assert seen.limit.limit == 5000


def test_workflow_files_are_read_on_the_default_branch(repo: Repo) -> None:
    crons, uses = ("3,13 * * * *", "7 0 * * *"), ("actions/checkout@abc", "./.github/actions/rollout")
    expected = Workflow("rollout-schedule.yml", "active", crons, uses)
    assert inspect(repo, admin(repo)).workflows == (expected,)
    repo.disabled_workflows.add(".github/workflows/rollout-schedule.yml")
    assert inspect(repo, admin(repo)).workflows[0].state == "disabled_manually"
    repo.asleep = True
    assert inspect(repo, admin(repo)).workflows[0].state == "disabled_inactivity"
    assert inspect(repo, run(repo, WITHOUT_ACTIONS)).workflows[0].state == "", "it may not ask"


def test_the_state_of_a_workflow_that_only_the_state_branch_has_is_seen(repo: Repo) -> None:
    root, path = admin(repo), ".github/workflows/rollout-check.yml"
    head = repo.bare.branch("main") or ""
    repo.bare.update_ref("refs/heads/ops", head)
    repo.commit_on_branch(
        root, "ops", head, "check", [(path, b"name: rollout-check\non: push\njobs: {}\n")], []
    )
    repo.disabled_workflows.add(path)
    seen = inspect(repo, root, "ops")
    assert {flow.name: flow.state for flow in seen.on_state_branch}[
        "rollout-check.yml"
    ] == "disabled_manually"
    assert [flow.name for flow in seen.workflows] == ["rollout-schedule.yml"]


def test_scheduled_runs_are_told_from_others(hub: Hub, repo: Repo) -> None:
    path, now = ".github/workflows/rollout-schedule.yml", hub.clock.now()
    for number, (event, minutes) in enumerate([("schedule", 30), ("schedule", 20), ("push", 10)], start=1):
        at = now - timedelta(minutes=minutes)
        root = hub.account("root")
        repo.runs.append(Run(number, number, path, "rollout-schedule", event, "main", "", root, at, {}))
    assert inspect(repo, admin(repo)).runs == (now - timedelta(minutes=20), now - timedelta(minutes=30))


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        (FULL, set()),
        (
            {"contents": "read", "checks": "read", "actions": "read"},
            {"contents: write", "pull-requests: write", "statuses: write", "issues: write"},
        ),
        ({**FULL, "statuses": "read"}, {"statuses: write"}),
        ({**FULL, "pull_requests": "read"}, {"pull-requests: write"}),
        ({**FULL, "issues": "read"}, {"issues: write"}),
        ({name: level for name, level in FULL.items() if name != "checks"}, {"checks: read"}),
        (WITHOUT_ACTIONS, {"actions: read"}),
    ],
)
@pytest.mark.parametrize("who", [Who.RUN, Who.APP])
def test_what_a_token_may_do_is_tried_without_effect(
    hub: Hub, repo: Repo, who: Who, permissions: dict[str, str], missing: set[str]
) -> None:
    token = run(repo, permissions) if who is Who.RUN else hub.app_token(repo, permissions=permissions)
    token = hub.tokens[token.value]
    seen = inspect(repo, token)
    assert seen.who is who
    assert seen.permissions is not None
    # The fake gives an App `checks: read` whatever it is asked for.
    expected = missing - {"checks: read"} if who is Who.APP else missing
    assert {name.value for name, may in seen.permissions.items() if not may} == expected


def test_issues_that_are_off_and_an_archive_are_no_lack_of_the_token(hub: Hub, repo: Repo) -> None:
    repo.has_issues = False
    archived = faults.Fault(status=403, message="Repository was archived so is read-only.")
    hub.fail("POST /repos/*/statuses/*", archived, times=-1)
    seen = inspect(repo, run(repo))
    assert seen.permissions is not None
    fixes = {
        name: may.fix.partition(":")[0]
        for name, may in seen.permissions.items()
        if isinstance(may, UnknownFact)
    }
    assert fixes == {
        JobPermission.ISSUES: "Settings > General > Features",
        JobPermission.STATUSES: "unarchive it",
    }


def test_that_actions_may_not_open_pull_requests_is_told_by_trying(hub: Hub, repo: Repo) -> None:
    repo.actions_may_open_pulls = False
    seen = inspect(repo, run(repo))
    assert seen.may_open_pulls is False
    assert seen.permissions is not None
    assert seen.permissions[JobPermission.PULLS] is True, "the permission is there, the setting is not"
    assert inspect(repo, admin(repo)).may_open_pulls is False
    assert isinstance(inspect(repo, hub.app_token(repo)).may_open_pulls, UnknownFact), (
        "it is not about an App"
    )


@pytest.mark.parametrize(
    ("bypass", "app", "person"),
    [
        (frozenset({"rollout-app[bot]"}), Bypass.YES, Bypass.SOME_APP),
        (frozenset({"root"}), Bypass.NO, Bypass.NO),
        (frozenset[str](), Bypass.NO, Bypass.NO),
    ],
)
def test_who_may_bypass_a_ruleset(
    hub: Hub, repo: Repo, bypass: frozenset[str], app: Bypass, person: Bypass
) -> None:
    hub.ruleset(repo, required_statuses=("rollout/tau",), pull_request=True, bypass=bypass)
    hub.ruleset(repo, "elsewhere", pattern="refs/heads/other", pull_request=True)
    hub.ruleset(repo, "asleep", pull_request=True, enforcement="evaluate")

    def rules(bypass: Bypass) -> tuple[Rule, ...]:
        status = Rule("required_status_checks", "protect", bypass, ("rollout/tau",))
        return (status, Rule("pull_request", "protect", bypass))

    assert inspect(repo, hub.app_token(repo)).rules == rules(app)
    assert inspect(repo, admin(repo)).rules == rules(person)
    assert inspect(repo, hub.person("alice", repo)).rules == rules(Bypass.HIDDEN)
    other = inspect(repo, admin(repo), "other").rules
    assert other == (Rule("pull_request", "elsewhere", Bypass.NO),)


def test_a_ruleset_that_cannot_be_read_still_counts(hub: Hub, repo: Repo) -> None:
    hub.ruleset(repo, pull_request=True)
    hub.fail("GET /repos/acme/tau/rulesets/*", faults.FORBIDDEN)
    rules = inspect(repo, admin(repo)).rules
    assert not isinstance(rules, UnknownFact)
    assert [(rule.kind, rule.bypass) for rule in rules] == [("pull_request", Bypass.HIDDEN)]


def test_classic_protection(repo: Repo) -> None:
    repo.classic = ()
    assert inspect(repo, admin(repo)).classic == ()
    repo.classic = ("ci", "rollout/tau")
    assert inspect(repo, admin(repo)).classic == ("ci", "rollout/tau")


def test_the_environment_that_holds_the_key(repo: Repo) -> None:
    assert inspect(repo, admin(repo)).environment is None
    repo.environments["rollout"] = FakeEnvironment(frozenset({"ROLLOUT_APP_PRIVATE_KEY"}))
    expected = Environment(frozenset({"ROLLOUT_APP_PRIVATE_KEY"}), restricted=False)
    assert inspect(repo, admin(repo)).environment == expected
    fake = repo.environments["rollout"]
    fake.restricted, fake.branches = True, ("main", "ops")
    expected = replace(expected, restricted=True, branches=("main", "ops"))
    assert inspect(repo, admin(repo)).environment == expected
    fake.protected_only = True
    expected = replace(expected, branches=UnknownFact("protected branches alone"))
    assert inspect(repo, admin(repo)).environment == expected
    some = run(repo, {**FULL, "actions": "read"})
    assert isinstance(inspect(repo, some).environment, UnknownFact), "it may not ask for secrets"


def test_what_an_organization_lends_counts_where_the_repository_has_none(hub: Hub, repo: Repo) -> None:
    repo.organization_variables = {"ROLLOUT_APP_CLIENT_ID": "x", "ROLLOUT_TRAIN": "theirs"}
    hub.engine.variables["ROLLOUT_TRAIN"] = "tau"
    seen = inspect(repo, admin(repo))
    assert seen.variables == {"ROLLOUT_APP_CLIENT_ID": "x", "ROLLOUT_TRAIN": "tau"}
    assert seen.secrets == frozenset()


def test_what_the_token_may_not_ask_is_hidden_and_says_what_it_needs(repo: Repo) -> None:
    seen = inspect(repo, run(repo, WITHOUT_ACTIONS))
    hidden: dict[str, Any] = {
        "actions": "administration: read",
        "may_open_pulls": "administration: read",
        "variables": "variables: read",
        "secrets": "secrets: read",
        "environment": "actions: read",
        "runs": "actions: read",
    }
    for name, needs in hidden.items():
        assert getattr(seen, name) == UnknownFact(f"this token may not ask (it needs {needs})"), name


def test_products_out_of_reach(hub: Hub, repo: Repo, tmp_path: Path) -> None:
    hub.repo("acme/app", seed=Repository(tmp_path / "app").path)
    token = hub.run_token(repo, FULL)
    assert inspect(repo, token, None, *_trains("acme/app", "acme/tau")).unseen.keys() == {"acme/app"}


@pytest.mark.parametrize(
    ("happens", "severity", "says", "fix"),
    [
        (faults.BAD_GATEWAY, "cannot_tell", "whether acme/app can be read: ", "run it again later"),
        (
            faults.Fault(status=403, message="Resource protected by organization SAML enforcement."),
            "problem",
            "acme/app cannot be read: the organization wants single sign-on",
            "Configure SSO",
        ),
        (
            None,
            "problem",
            "acme/app cannot be read: acme/app has moved to acme/new",
            "product.repository in the contract",
        ),
    ],
)
def test_why_a_product_is_out_of_reach(
    hub: Hub, repo: Repo, tmp_path: Path, happens: faults.Fault | None, severity: str, says: str, fix: str
) -> None:
    app = hub.repo("acme/app", seed=Repository(tmp_path / "app").path)
    token = hub.app_token(repo, app)
    if happens is None:
        hub.rename(app, "acme/new")
    else:
        hub.fail("GET /repos/acme/app", happens, times=-1)
    trains = tuple(_trains("acme/app"))
    found = list(tokens.product(World(inspect(repo, token, None, *trains), "main", "", trains)))
    assert [one.severity for one in found] == [severity], found
    assert says in found[0].says
    assert fix in found[0].fix


def test_a_question_that_fails_is_hidden_and_the_rest_is_answered(hub: Hub, repo: Repo) -> None:
    token = admin(repo)
    hub.fail("GET /repos/acme/tau/rules/*", faults.SERVER_ERROR, times=-1)
    seen = inspect(repo, token)
    assert isinstance(seen.rules, UnknownFact)
    assert seen.workflows


def test_a_repository_that_cannot_be_seen(hub: Hub, repo: Repo) -> None:
    with pytest.raises(OutsideError, match="looking at acme/tau failed"):
        inspect(repo, hub.person("stranger"))


# --- other branches, organizations and plans -----------------------------------------------------------


def test_rules_of_the_branches_that_the_tool_makes(hub: Hub, repo: Repo) -> None:
    hub.ruleset(repo, "names", pattern="refs/heads/rollout/*/*", others=("creation",))
    hub.ruleset(repo, "signed", pattern="~ALL", others=("required_signatures",), organization="acme")
    hub.forget_calls()
    seen = inspect(repo, admin(repo), None, TrainFacts("tau"), TrainFacts("web", branch="next", pushes=True))
    signed = Rule("required_signatures", "signed", Bypass.NO, organization="acme")
    assert seen.branches == (
        BranchInUse("acme/tau", "rollout/*", Use.PROMOTION, (Rule("creation", "names", Bypass.NO), signed)),
        BranchInUse("acme/tau", "main", Use.PRODUCT, (signed,)),
        BranchInUse("acme/tau", "rollout-revert/*", Use.REVERT, (signed,)),
        BranchInUse("acme/tau", "next", Use.PUSHED, (signed,)),
    )
    assert seen.rules == (signed,)
    asked = [str(call) for call in hub.calls() if "/rulesets/" in call.path]
    assert len(asked) == 2, "each ruleset once"


def test_a_ruleset_that_wants_branches_up_to_date(hub: Hub, repo: Repo) -> None:
    hub.ruleset(repo, required_statuses=("ci",), strict=True)
    rules = inspect(repo, admin(repo)).rules
    assert rules == (Rule("required_status_checks", "protect", Bypass.NO, ("ci",), strict=True),)


def test_a_product_elsewhere_with_its_rules_and_its_environment(hub: Hub, repo: Repo, tmp_path: Path) -> None:
    app = hub.repo("acme/app", seed=Repository(tmp_path / "app").path)
    app.archived = True
    hub.ruleset(app, pull_request=True)
    repo.environments["rollout-product"] = FakeEnvironment(frozenset({"ROLLOUT_PRODUCT_TOKEN"}))
    root = admin(repo)
    hub.person("root", app, Access.ADMIN)
    seen = inspect(repo, root, None, *_trains("acme/app"))
    assert seen.products == {"acme/app": Product(private=True, archived=True)}
    assert seen.product_environment == Environment(frozenset({"ROLLOUT_PRODUCT_TOKEN"}), restricted=False)
    product = BranchInUse("acme/app", "main", Use.PRODUCT, (Rule("pull_request", "protect", Bypass.NO),))
    assert product in seen.branches


def test_the_environment_of_metrics_and_the_secrets_that_their_workflow_hands_on(
    hub: Hub, repo: Repo
) -> None:
    root = admin(repo)
    text = b"name: rollout-metrics\non: workflow_dispatch\njobs: {}\n# ${{ secrets.PROM_TOKEN }}\n"
    files = [(".github/workflows/rollout-metrics.yml", text)]
    repo.commit_on_branch(root, "main", repo.bare.git("rev-parse", "main"), "Measure", files, [])
    repo.environments["rollout-metrics"] = FakeEnvironment(frozenset({"PROM_TOKEN"}))
    hub.forget_calls()
    assert inspect(repo, root).metrics_environment is None
    assert not [call for call in hub.calls() if "environments/rollout-metrics" in str(call)]
    seen = inspect(repo, root, None, TrainFacts("shop", measures=True, variables=("PROM_TOKEN",)))
    assert seen.metrics_environment == Environment(frozenset({"PROM_TOKEN"}), restricted=False)
    (flow,) = (flow for flow in seen.workflows if flow.name == "rollout-metrics.yml")
    assert flow.secrets == {"PROM_TOKEN"}


def test_who_has_to_let_jobs_into_an_environment(repo: Repo) -> None:
    repo.environments["rollout"] = FakeEnvironment(restricted=True, reviewers=("ada", "bob"), wait_minutes=30)
    expected = Environment(frozenset(), True, ("ada", "bob"), 30, branches=("**/*",))
    assert inspect(repo, admin(repo)).environment == expected


def test_which_actions_are_allowed(repo: Repo) -> None:
    repo.allowed_actions, repo.selected_actions = "selected", ("acme/*", "!acme/evil@*")
    listed = AllowList(by_github=True, patterns=("acme/*", "!acme/evil@*"))
    assert inspect(repo, admin(repo)).actions == Actions(enabled=True, allowed="selected", selected=listed)
    repo.allowed_actions = "local_only"
    assert inspect(repo, admin(repo)).actions == Actions(enabled=True, allowed="local_only")


def test_what_workflows_ask_of_an_app(hub: Hub, tmp_path: Path) -> None:
    asks = "jobs: {one: {steps: [\n{with: {\n  app-permissions: contents:write pull-requests:write\n}}]}}\n"
    files = {**FILES, ".github/workflows/rollout-start.yml": f"on: push\n{asks}"}
    repo = hub.repo("acme/web", seed=Repository(tmp_path / "web", files).path)
    api = Api(Address("acme/web", hub.url, f"{hub.url}/graphql"), admin(repo).value, WaitingClock(hub.clock))
    seen = GitHubInspector(api).inspect(None, ())
    assert [flow.asks for flow in seen.workflows] == [
        frozenset(),
        frozenset({"contents: write", "pull-requests: write"}),
    ]


def test_a_plan_without_rules_is_told_from_a_missing_permission(repo: Repo) -> None:
    repo.has_rulesets = False
    rules = inspect(repo, admin(repo)).rules
    assert isinstance(rules, UnknownFact)
    assert (rules.plan, "the plan has none of it" in rules.why) == (True, True)


SSO = (
    "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this"
    " organization."
)
ADDRESS = (
    "Although you appear to have the correct authorization credentials, the `acme` organization has an IP"
    " allow list enabled, and your IP address is not permitted to access this resource."
)


@pytest.mark.parametrize(
    ("message", "says", "fix"),
    [
        (SSO, "the organization wants single sign-on of this token (SAML)", "authorize the token"),
        (
            ADDRESS,
            "the organization's IP allow list does not have this machine's address",
            "an owner adds it",
        ),
    ],
)
def test_single_sign_on_and_address_lists_are_told_apart(
    hub: Hub, repo: Repo, message: str, says: str, fix: str
) -> None:
    root, fault = admin(repo), faults.Fault(status=403, message=message)
    hub.fail("GET /repos/acme/tau/rules/*", fault, times=-1)
    rules = inspect(repo, root).rules
    assert isinstance(rules, UnknownFact)
    assert says in rules.why
    assert fix in rules.why
    hub.fail("POST /graphql *", faults.graphql(message, "FORBIDDEN"), times=-1)
    with pytest.raises(OutsideError, match="looking at acme/tau failed") as refused:
        inspect(repo, root)
    assert fix in refused.value.hint
