"""`rollout doctor` on rules, plans, environments and allow lists: one thing is different."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.core.doctor import Severity, examine
from rollout.core.doctor.facts import (
    APP_KEY,
    Actions,
    AllowList,
    BranchInUse,
    Bypass,
    Environment,
    JobPermission,
    Product,
    Rule,
    TrainFacts,
    UnknownFact,
    Use,
    Workflow,
)
from tests.core.doctor.doctor_world import (
    ADMIN,
    FLOWS,
    NOW,
    OK,
    OWN_STATUS,
    PIN,
    PROBLEM,
    SECRET,
    UNTOLD,
    WARNING,
    WITHOUT_APP,
    world,
)
from tests.core.doctor.test_doctor import expect

RULESETS = "Settings > Rules > Rulesets"
FREE = UnknownFact("the plan has none of it", plan=True)


def branch(use: Use, *rules: Rule, repository: str = "acme/tau") -> dict[str, Any]:
    names = {Use.PROMOTION: "rollout/*", Use.REVERT: "rollout-revert/*"}
    return {"branches": (BranchInUse(repository, names.get(use, "main"), use, rules),)}


def rule(kind: str, bypass: Bypass = Bypass.NO, **more: Any) -> Rule:
    return Rule(kind, "strict", bypass, **more)


def selected(*patterns: str, by_github: bool = False, of: str = "shop/tau") -> dict[str, Any]:
    return {
        "repository": of,
        "actions": Actions(enabled=True, allowed="selected", selected=AllowList(by_github, patterns)),
    }


def inside(**facts: Any) -> Environment:
    return Environment(frozenset({APP_KEY}), restricted=True, **facts)


@pytest.mark.parametrize(
    ("settings", "severity", "topic", "says", "fix"),
    [
        # --- branches of promotions and reverts
        (branch(Use.PROMOTION), OK, "other branches", "no rule is in the way of rollout/*", ""),
        (
            branch(Use.PROMOTION, rule("creation")),
            PROBLEM,
            "other branches",
            "rollout/*: strict forbids new branches, and the App may not bypass it: no promotion can",
            f"{RULESETS} > strict > Bypass list: add the App, always; or leave rollout/* out of its targets",
        ),
        (branch(Use.PROMOTION, rule("creation", Bypass.YES)), OK, "other branches", "no rule is in", ""),
        (
            {**ADMIN, **branch(Use.PROMOTION, rule("update", Bypass.SOME_APP))},
            OK,
            "other branches",
            "no rule",
            "",
        ),
        (
            branch(Use.PROMOTION, rule("pull_request", Bypass.HIDDEN)),
            UNTOLD,
            "other branches",
            "strict wants a pull request; who may bypass it is not shown",
            "add the App",
        ),
        (
            {**WITHOUT_APP, **branch(Use.PROMOTION, rule("required_status_checks", Bypass.HIDDEN))},
            PROBLEM,
            "other branches",
            "strict wants green statuses: no promotion can be opened",
            f"{RULESETS} > strict: leave rollout/* out of its targets",
        ),
        (
            branch(Use.PROMOTION, rule("creation", organization="acme")),
            PROBLEM,
            "other branches",
            "strict forbids new branches",
            "acme: organization settings > Repository > Rulesets > strict > Bypass list",
        ),
        (
            branch(Use.PROMOTION, rule("required_signatures")),
            OK,
            "other branches",
            "no rule is in the way",
            "",
        ),
        (
            branch(Use.REVERT, rule("required_signatures")),
            PROBLEM,
            "other branches",
            "rollout-revert/*: strict wants signed commits, and the App may not bypass it: no revert can be",
            "add the App",
        ),
        (
            branch(Use.REVERT, rule("deletion")),
            WARNING,
            "other branches",
            "rollout-revert/*: strict keeps the branches of what was merged",
            "leave rollout-revert/* out of its targets",
        ),
        (
            branch(Use.REVERT, rule("commit_message_pattern")),
            WARNING,
            "other branches",
            "rollout-revert/*: strict restricts commits (commit_message_pattern)",
            "let commits of the tool pass",
        ),
        (
            {"branches": (BranchInUse("acme/tau", "rollout/*", Use.PROMOTION, SECRET),)},
            UNTOLD,
            "other branches",
            "the rules of rollout/*: this token may not ask",
            RULESETS,
        ),
        # --- the product's branch
        (branch(Use.PRODUCT, rule("pull_request"), rule("merge_queue")), OK, "other branches", "no rule", ""),
        (
            branch(Use.PRODUCT, rule("required_signatures"), repository="acme/app"),
            WARNING,
            "other branches",
            "main of acme/app: strict wants signed commits; the revert's commit has none: only who",
            "add who is on call",
        ),
        (
            branch(Use.PUSHED, rule("pull_request")),
            PROBLEM,
            "other branches",
            "main: strict wants a pull request: no revert can be pushed, so a rollback stops at step 5",
            "rollback.revert: pull_request in the contract",
        ),
        # --- plans
        ({"rules": FREE}, WARNING, "plan", "no rulesets and no environment secrets", "GitHub Pro, Team"),
        ({"rules": FREE}, OK, "state commits", "main has no rules: the plan has none of it", ""),
        (
            {"rules": FREE, "environment": None},
            PROBLEM,
            "token",
            f"{APP_KEY} is not: each run fails",
            f"then gh secret set {APP_KEY} < KEY.pem",
        ),
        # --- allowed actions
        (selected(of="Acme/tau", by_github=True), OK, "allowed actions", "all that workflows use", ""),
        (
            selected("acme/*", "actions/checkout@*"),
            PROBLEM,
            "allowed actions",
            "actions/cache/restore@*, actions/cache/save@*, actions/create-github-app-token@* may",
            "allow actions/cache/restore@*",
        ),
        (
            selected("acme/*", "actions/*@v6"),
            OK,
            "allowed actions",
            "all that workflows use are allowed (selected)",
            "",
        ),
        (selected(PIN, "actions/*"), OK, "allowed actions", "all that", ""),
        (
            selected("other/*", by_github=True),
            PROBLEM,
            "allowed actions",
            f"{PIN} may not be used (selected): runs that use it do not begin",
            "allow acme/rollout/.github/actions/rollout@*; where that is greyed out",
        ),
        (selected("acme/*", "!acme/rollout/*"), PROBLEM, "allowed actions", "may not be used", "allow"),
        (
            {"repository": "shop/tau", "actions": Actions(enabled=True, allowed="local_only")},
            PROBLEM,
            "allowed actions",
            "may not be used (local_only)",
            "allow",
        ),
        (
            {"actions": Actions(enabled=True, allowed="selected", selected=SECRET)},
            UNTOLD,
            "allowed actions",
            "is not shown to this token",
            "look at",
        ),
        # --- environments
        (
            {"environment": inside(reviewers=("ada", "ops"))},
            PROBLEM,
            "environment",
            "each job in rollout waits until ada, ops approves it, those of a rollback too",
            "Settings > Environments > rollout > Required reviewers",
        ),
        (
            {"product_environment": inside(wait_minutes=30)},
            PROBLEM,
            "environment",
            "each job in rollout-product waits 30 minutes",
            "Settings > Environments > rollout-product > Wait timer",
        ),
        (
            {"metrics_environment": inside(reviewers=("ada",), branches=("ops",))},
            PROBLEM,
            "environment",
            "each job in rollout-metrics waits until ada approves it",
            "Settings > Environments > rollout-metrics > Required reviewers",
        ),
        (
            {"environment": inside(branches=("master", "release/*"))},
            PROBLEM,
            "environment",
            "rollout lets master, release/* in, and not main: its jobs fail, those of a rollback too",
            "gh api repos/{owner}/{repo}/environments/rollout/deployment-branch-policies -f name=main",
        ),
        (
            {"product_environment": inside(branches=())},
            PROBLEM,
            "environment",
            "rollout-product lets no branch in, and not main",
            "environments/rollout-product/deployment-branch-policies -f name=main",
        ),
        (
            {"environment": inside(branches=UnknownFact("protected branches alone"))},
            UNTOLD,
            "environment",
            "whether rollout lets main in: protected branches alone",
            "Settings > Environments > rollout > Deployment branches: selected branches, main",
        ),
        # --- a product elsewhere
        (
            {"products": {"acme/app": Product(private=False, archived=True)}},
            PROBLEM,
            "product",
            "acme/app is archived: no revert can be proposed there",
            "unarchive it",
        ),
        (
            {"products": {"acme/app": Product(private=True, archived=False)}},
            PROBLEM,
            "product token",
            "acme/app: private, and ROLLOUT_PRODUCT_TOKEN is not set",
            "environments/rollout-product, then gh secret set ROLLOUT_PRODUCT_TOKEN --env rollout-product",
        ),
    ],
)
def test_one_thing_is_different(
    settings: dict[str, Any], severity: Severity, topic: str, says: str, fix: str
) -> None:
    expect(examine(world(settings), NOW), severity, topic, says, fix)


@pytest.mark.parametrize(
    "settings",
    [
        {"products": {"acme/app": Product(private=False, archived=False)}},
        {
            "products": {"acme/app": Product(private=True, archived=False)},
            "product_environment": Environment(frozenset({"ROLLOUT_PRODUCT_TOKEN"}), restricted=False),
        },
        {
            "products": {"acme/app": Product(private=True, archived=False)},
            "secrets": frozenset({"ROLLOUT_PRODUCT_TOKEN"}),
        },
        {"products": {"acme/app": Product(private=True, archived=False)}, "secrets": SECRET},
        {**WITHOUT_APP, **branch(Use.REVERT, rule("creation"), repository="acme/app")},
        {"actions": Actions(enabled=True, allowed="all")},
    ],
)
def test_what_is_no_concern_is_not_told(settings: dict[str, Any]) -> None:
    topics = ("product token", "other branches", "allowed actions", "environment", "plan")
    found = [one for one in examine(world(settings), NOW) if one.topic in topics]
    assert [one for one in found if one.severity is not OK] == []


METRICS = (TrainFacts("shop", measures=True, variables=("DD_KEY", "PROM_TOKEN")), TrainFacts("tau"))
MEASURES = Workflow("rollout-metrics.yml", "active", (), (PIN,), secrets=frozenset({"DD_KEY", "PROM_TOKEN"}))
HELD = Environment(frozenset({"DD_KEY", "PROM_TOKEN"}), restricted=True)
SETS = "gh secret set PROM_TOKEN --env rollout-metrics"
MAKE = "gh api -X PUT repos/{owner}/{repo}/environments/rollout-metrics"


@pytest.mark.parametrize(
    ("settings", "severity", "says", "fix"),
    [
        ({}, OK, "rollout-metrics.yml reads those of shop with DD_KEY, PROM_TOKEN of rollout-metrics", ""),
        (
            {"workflows": FLOWS},
            PROBLEM,
            "rollout-metrics.yml: not on main, so no metrics of shop are read",
            "rollout init --workflows, and merge it to main",
        ),
        (
            {"workflows": (*FLOWS, replace(MEASURES, secrets=frozenset({"DD_KEY", "OLD"})))},
            PROBLEM,
            "rollout-metrics.yml is older than the contract: it does not hand on PROM_TOKEN",
            "rollout init --workflows --update, and merge it to main",
        ),
        (
            {"metrics_environment": None},
            PROBLEM,
            "the environment rollout-metrics is missing, which holds DD_KEY, PROM_TOKEN: what they open",
            f"{MAKE}, then gh secret set DD_KEY --env rollout-metrics, then {SETS}",
        ),
        (
            {"metrics_environment": Environment(frozenset({"DD_KEY"}), restricted=True)},
            PROBLEM,
            "the environment rollout-metrics lacks PROM_TOKEN: what they open stays unknown",
            SETS,
        ),
        (
            {"metrics_environment": SECRET},
            UNTOLD,
            "whether rollout-metrics holds DD_KEY, PROM_TOKEN: not shown to this token",
            f"{MAKE} (only where there is no environment rollout-metrics), then gh secret set DD_KEY",
        ),
        (
            {"metrics_environment": Environment(frozenset({"DD_KEY"}), restricted=True), "secrets": SECRET},
            UNTOLD,
            "whether rollout-metrics holds PROM_TOKEN: not shown to this token",
            SETS,
        ),
        (
            {"secrets": frozenset({"PROM_TOKEN"})},
            WARNING,
            "whoever may push a branch can read PROM_TOKEN: secrets of the whole repository",
            f"{SETS}, then gh secret delete PROM_TOKEN",
        ),
        ({"rules": FREE, "metrics_environment": None}, PROBLEM, "is missing", "gh secret set DD_KEY, then"),
        (
            {"rules": FREE, "metrics_environment": None, "secrets": frozenset({"PROM_TOKEN", "DD_KEY"})},
            OK,
            "reads those of shop",
            "",
        ),
    ],
)
def test_what_metrics_need(settings: dict[str, Any], severity: Severity, says: str, fix: str) -> None:
    whole = {"workflows": (*FLOWS, MEASURES), "metrics_environment": HELD, **settings}
    found = examine(world(whole, trains=METRICS), NOW)
    expect(found, severity, "metrics", says, fix)
    assert {one.severity for one in found if one.topic == "metrics"} == {severity}


def test_metrics_without_secrets_need_no_environment_and_nobody_elses_are_told() -> None:
    flows = {"workflows": (*FLOWS, replace(MEASURES, secrets=frozenset()))}
    found = examine(world(flows, trains=(TrainFacts("shop", measures=True),)), NOW)
    expect(found, OK, "metrics", "rollout-metrics.yml reads those of shop with no secrets", "")
    assert "metrics" not in {one.topic for one in examine(world({}), NOW)}


def test_the_workflow_of_metrics_that_no_contract_needs_is_to_be_deleted() -> None:
    flows = {"workflows": (*FLOWS, MEASURES)}
    says = "rollout-metrics.yml hands on DD_KEY, PROM_TOKEN, and no contract has metrics"
    fix = "git rm .github/workflows/rollout-metrics.yml, and merge that to main"
    expect(examine(world(flows), NOW), WARNING, "metrics", says, fix)
    broken = world(flows, trains=(TrainFacts("shop", problem="broken"), TrainFacts("tau")))
    own = world({"workflows": (*FLOWS, replace(MEASURES, uses=("./.github/actions/rollout",)))})
    for each in (broken, own):
        assert "metrics" not in {one.topic for one in examine(each, NOW)}


@pytest.mark.parametrize("who", ["App", "run"])
def test_permissions_that_no_workflow_asks_for_are_not_missed(who: str) -> None:
    flows = (replace(FLOWS[1], asks=frozenset({"contents: write", "issues: write"})), *FLOWS[2:], FLOWS[0])
    held = {one: one is JobPermission.CONTENTS for one in JobPermission}
    base = WITHOUT_APP if who == "run" else {}
    found = examine(world({**base, "workflows": flows, "permissions": held}), NOW)
    fix = "give the job's `permissions:` issues: write"
    if who == "App":
        fix = "GitHub Apps > rollout-app > Permissions & events: issues: write; then accept them"
    expect(found, PROBLEM, "permissions", "the token lacks issues: write", fix)
    assert not [one for one in found if "statuses" in one.says and one.topic == "permissions"]


def test_a_trains_branch_is_looked_at_once() -> None:
    trains = (TrainFacts("tau"), TrainFacts("web"))
    found = examine(world({"rules": (OWN_STATUS,), **branch(Use.PROMOTION)}, trains=trains), NOW)
    assert len([one for one in found if one.topic == "other branches"]) == 1


def test_a_key_that_a_plan_can_keep_nowhere_else_is_not_blamed() -> None:
    found = examine(world({"rules": FREE, "secrets": frozenset({APP_KEY})}), NOW)
    assert [one.topic for one in found if one.severity is not OK] == ["plan"]


@pytest.mark.parametrize(
    ("repository", "actions", "is_own"),
    [
        ("acme/tau", Actions(enabled=True, allowed="local_only"), True),
        ("ACME/tau", Actions(enabled=True, allowed="local_only"), True),
        ("acm/tau", Actions(enabled=True, allowed="local_only"), False),
        ("acme/tau", Actions(enabled=True, allowed="selected", selected=AllowList(True, ())), True),
        ("acme/tau", Actions(enabled=True, allowed="selected", selected=SECRET), True),
        ("acm/tau", Actions(enabled=True, allowed="selected", selected=AllowList(True, ())), False),
    ],
)
def test_actions_of_the_same_owner_are_allowed(repository: str, actions: Actions, is_own: bool) -> None:
    """GitHub's documentation: both choices allow what is in repositories of the same owner."""
    found = examine(world({"repository": repository, "actions": actions}), NOW)
    told = [one.says for one in found if one.topic == "allowed actions" and one.severity is not OK]
    assert (PIN in " ".join(told)) is not is_own


@pytest.mark.parametrize(
    ("branch", "pattern", "fits"),
    [
        ("main", "main", True),
        ("main", "ma*", True),
        ("main", "m[aeiou]in", True),
        ("main", "mai?", True),
        ("main", "**/*", True),
        ("main", "m.in", False),
        ("team/main", "*", False),
        ("team/main", "**", False),
        ("team/main", "*/*", True),
        ("team/main", "**/main", True),
        ("main[", "main[", True),
    ],
)
def test_environments_match_branches_as_ruby_does(branch: str, pattern: str, fits: bool) -> None:
    seen = {"default_branch": branch, "environment": inside(branches=(pattern,))}
    found = examine(world(seen, state_branch=branch), NOW)
    assert ("environment" not in {one.topic for one in found}) is fits
