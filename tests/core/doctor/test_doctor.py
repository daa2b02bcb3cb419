"""`rollout doctor`: a world with one thing changed -> the finding that must say so, and the fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.core.doctor import Finding, Severity, examine, examine_laptop
from rollout.core.doctor.cron import Rhythm, rhythm
from rollout.core.doctor.facts import (
    APP_ID,
    APP_KEY,
    Actions,
    Bypass,
    Environment,
    JobPermission,
    Laptop,
    RateLimit,
    Rule,
    TrainFacts,
    UnknownFact,
    Who,
)
from tests.core.doctor.doctor_world import (
    ADMIN,
    ADMIN_WITHOUT_APP,
    FLOWS,
    NOW,
    OK,
    ON_STATE_BRANCH,
    OWN_STATUS,
    PIN,
    PROBLEM,
    SECRET,
    STATUS,
    TEN_MINUTES,
    TRAINS,
    UNTOLD,
    WARNING,
    WITHOUT_APP,
    ago,
    schedule,
    world,
)


def test_a_good_world_has_nothing_to_mend() -> None:
    found = examine(world({}), NOW)
    assert {finding.severity for finding in found} == {OK}
    assert [finding.topic for finding in found] == [
        "state branch",
        "contract",
        "state commits",
        "required status",
        "token",
        "App key",
        "permissions",
        "pull requests",
        "workflows",
        "pins",
        "limits",
        "schedule",
    ]


@pytest.mark.parametrize(
    ("settings", "severity", "topic", "says", "fix"),
    [
        # --- the state branch
        ({"archived": True}, PROBLEM, "state branch", "is archived", "unarchive"),
        # --- a fork
        ({"fork": True}, PROBLEM, "schedule", "is a fork: its scheduled", "gh variable set ROLLOUT_IN_FORK"),
        (
            {"fork": True, "variables": {"ROLLOUT_IN_FORK": "false"}},
            PROBLEM,
            "schedule",
            "its scheduled and pushed runs do nothing where ROLLOUT_IN_FORK is 'false'",
            "gh variable set ROLLOUT_IN_FORK --body true",
        ),
        (
            {"fork": True, "variables": SECRET},
            UNTOLD,
            "schedule",
            "whether ROLLOUT_IN_FORK lets this fork run by itself",
            "gh variable set ROLLOUT_IN_FORK --body true",
        ),
        (
            {"named_like_ours": frozenset({"rollout-revert"})},
            PROBLEM,
            "branch names",
            "a branch is called rollout-revert",
            "gh api -X POST repos/acme/tau/branches/rollout-revert/rename -f new_name=old-rollout-revert",
        ),
        (
            {"named_like_ours": frozenset({"rollout/tau/v0.1.5"})},
            PROBLEM,
            "branch names",
            "a branch is called rollout/tau/v0.1.5: no branch rollout/tau/v0.1.5/... can be made",
            "branches/rollout%2Ftau%2Fv0.1.5/rename -f new_name=old-rollout-tau-v0.1.5",
        ),
        # --- state commits
        ({"rules": SECRET}, UNTOLD, "state commits", "this token may not ask", "Settings > Rules"),
        (
            {"rules": (Rule("pull_request", "protect", Bypass.NO),)},
            PROBLEM,
            "state commits",
            "protect wants a pull request, and the App may not bypass it",
            "Settings > Rules > Rulesets > protect > Bypass list: add the App, always",
        ),
        (
            {"rules": (Rule("merge_queue", "queue", Bypass.HIDDEN),)},
            UNTOLD,
            "state commits",
            "queue wants the merge queue; who may bypass it is not shown",
            "add the App",
        ),
        (
            {**ADMIN, "rules": (replace(STATUS, bypass=Bypass.SOME_APP),)},
            OK,
            "state commits",
            "an App may bypass it: see that it is the one of the tool",
            "",
        ),
        (
            {**ADMIN, "rules": (replace(STATUS, bypass=Bypass.NO),)},
            PROBLEM,
            "state commits",
            "may not",
            "add",
        ),
        (
            {**WITHOUT_APP, "rules": (replace(STATUS, bypass=Bypass.NO),)},
            PROBLEM,
            "state commits",
            "a run's own token cannot bypass it",
            "take the rule away",
        ),
        ({"rules": (STATUS, Rule("deletion", "keep", Bypass.NO))}, OK, "state commits", "the App may", ""),
        ({"rules": ()}, OK, "state commits", "no rule of main is in the way", ""),
        (
            {"rules": (Rule("file_path_restriction", "paths", Bypass.NO),)},
            WARNING,
            "state commits",
            "paths restricts commits (file_path_restriction)",
            "Settings > Rules > Rulesets > paths",
        ),
        ({"classic": SECRET}, UNTOLD, "state commits", "classic branch protection", "Settings > Branches"),
        ({"classic": ()}, PROBLEM, "state commits", "an App cannot bypass it", "Settings > Branches"),
        # --- the required status
        ({}, OK, "required status", "rollout-check is required; a promotion that turns red", ""),
        (
            {"rules": ()},
            WARNING,
            "required status",
            "rollout-check is not required: an illegal promotion can be merged",
            "New branch ruleset: target main, require rollout-check, bypass list: the App, always",
        ),
        ({"rules": (), "classic": ("rollout-check",)}, OK, "required status", "is required", ""),
        (
            {"rules": (OWN_STATUS,)},
            PROBLEM,
            "required status",
            "pull requests that are no promotion wait indefinitely",
            "require rollout-check instead",
        ),
        (WITHOUT_APP, OK, "required status", "as it has to be without an App", ""),
        # --- the token
        (
            {"environment": None},
            PROBLEM,
            "token",
            f"{APP_KEY} is not",
            "then gh api -X PUT repos/{owner}/{repo}/environments/rollout, then"
            f" gh secret set {APP_KEY} --env rollout",
        ),
        (
            {"environment": Environment(frozenset(), restricted=True)},
            PROBLEM,
            "token",
            f"{APP_KEY} is not",
            f"--body CLIENT_ID, then gh secret set {APP_KEY} --env rollout < KEY.pem",
        ),
        ({"secrets": SECRET}, OK, "token", "jobs use a GitHub App", ""),
        ({"environment": SECRET}, OK, "token", "jobs use a GitHub App", ""),
        ({"environment": SECRET, "secrets": frozenset({APP_KEY})}, OK, "token", "use a GitHub App", ""),
        (
            {"secrets": frozenset({APP_KEY})},
            WARNING,
            "App key",
            f"whoever may push a branch can read {APP_KEY}",
            f"gh secret set {APP_KEY} --env rollout < KEY.pem, then gh secret delete {APP_KEY}",
        ),
        (
            {"environment": Environment(frozenset({APP_KEY}), restricted=False)},
            WARNING,
            "App key",
            "every branch may use the environment rollout",
            "Settings > Environments > rollout > Deployment branches: only main",
        ),
        (
            {**ADMIN_WITHOUT_APP, "secrets": frozenset({APP_KEY})},
            WARNING,
            "token",
            f"{APP_ID} is not: the App is not used",
            f"gh variable set {APP_ID}",
        ),
        (ADMIN_WITHOUT_APP, WARNING, "token", "its commits start nothing", "a GitHub App"),
        (WITHOUT_APP, WARNING, "token", "each step waits for the schedule", "a GitHub App"),
        ({**ADMIN, "variables": SECRET}, UNTOLD, "token", "variables are not shown", "gh variable list"),
        # --- what it may do
        (ADMIN, UNTOLD, "permissions", "cannot be seen with that of ada", "gh workflow run rollout-doctor"),
        (
            {"permissions": {JobPermission.CONTENTS: True, JobPermission.STATUSES: False}},
            PROBLEM,
            "permissions",
            "the token lacks statuses: write",
            "statuses: write",
        ),
        (
            {"permissions": {JobPermission.ISSUES: UnknownFact("410", fix="tick `Issues`")}},
            UNTOLD,
            "permissions",
            "not answered: issues: write",
            "tick `Issues`",
        ),
        (
            {"permissions": {JobPermission.CONTENTS: True, JobPermission.PULLS: SECRET}},
            UNTOLD,
            "permissions",
            "not answered: pull-requests: write",
            "again",
        ),
        # --- pull requests
        (
            {**WITHOUT_APP, "may_open_pulls": False},
            PROBLEM,
            "pull requests",
            "no promotion is ever proposed",
            "Allow GitHub Actions to create and approve pull requests",
        ),
        (
            {**ADMIN, "variables": SECRET},
            WARNING,
            "pull requests",
            "fine with an App",
            "Allow GitHub Actions to create and approve pull requests",
        ),
        ({**ADMIN, "variables": SECRET, "may_open_pulls": True}, OK, "pull requests", "Actions may open", ""),
        ({**WITHOUT_APP, "may_open_pulls": True}, OK, "pull requests", "Actions may open them", ""),
        (
            {**WITHOUT_APP, "may_open_pulls": True},
            WARNING,
            "pull requests",
            "until a person approves",
            "click",
        ),
        (
            {**WITHOUT_APP, "may_open_pulls": SECRET},
            UNTOLD,
            "pull requests",
            "whether Actions may",
            "look at",
        ),
        # --- workflows
        (
            {"actions": Actions(enabled=False, allowed="all")},
            PROBLEM,
            "workflows",
            "Actions are switched off",
            "Settings > Actions > General",
        ),
        (
            {"actions": Actions(enabled=True, allowed="selected")},
            UNTOLD,
            "allowed actions",
            "whether actions/cache/restore@*",
            "Settings > Actions > General",
        ),
        ({"actions": SECRET}, OK, "workflows", "all are on main and enabled", ""),
        (
            {"workflows": FLOWS[:3]},
            PROBLEM,
            "workflows",
            "rollout-start.yml: not on main, the only branch whose schedules run",
            "rollout init --workflows, and merge it to main",
        ),
        (
            {"workflows": schedule(state="disabled_inactivity")},
            PROBLEM,
            "workflows",
            "rollout-schedule.yml was disabled after 60 days without activity",
            "gh workflow enable rollout-schedule.yml",
        ),
        ({"workflows": schedule(state="disabled_manually")}, PROBLEM, "workflows", "by somebody", "enable"),
        ({"workflows": schedule(state="")}, UNTOLD, "workflows", "whether they are enabled", "gh workflow"),
        # --- the schedule
        ({"workflows": schedule(crons=())}, WARNING, "schedule", "has no schedule", "dispatches"),
        (
            {"workflows": schedule(crons=("3 4 1 * *",))},
            UNTOLD,
            "schedule",
            "does not run every week alike: 3 4 1 * *",
            "max_gap",
        ),
        (
            {"workflows": schedule(crons=("7 * * * *",))},
            PROBLEM,
            "schedule",
            "runs are up to 1h apart, and more than 30m between observations earns no soak",
            "a shorter cron",
        ),
        (
            {"workflows": schedule(crons=("*/2 * * * *",))},
            WARNING,
            "schedule",
            "2 minutes apart, and GitHub gives one in 5",
            "5 minutes or more",
        ),
        ({"runs": SECRET}, UNTOLD, "schedule", "when it last ran", "gh run list"),
        ({"runs": ()}, UNTOLD, "schedule", "no scheduled run yet", "gh workflow run rollout-schedule.yml"),
        (
            {"runs": ago(5, 52, 62)},
            WARNING,
            "schedule",
            "of the last 3 scheduled runs two were 47m apart: more than 30m earns no soak",
            "POST /repos/acme/tau/dispatches with event_type rollout-reconcile",
        ),
        ({"runs": ago(45)}, WARNING, "schedule", "45m", "sampling.max_gap"),
        ({"runs": ago(30 * 60)}, PROBLEM, "schedule", "at 2026-11-22T06:00:00Z, 30 hours ago", "enable"),
        ({"runs": ago(61 * 24 * 60)}, PROBLEM, "schedule", "61 days ago", "gh workflow enable"),
        # --- pins
        (
            {"workflows": schedule(uses=(PIN, "actions/checkout@v7"))},
            PROBLEM,
            "pins",
            "rollout-schedule.yml: actions/checkout@v7 is not pinned by a commit",
            "uses: actions/checkout@SHA",
        ),
        # --- limits
        ({"limit": SECRET}, UNTOLD, "limits", "at most 3,312 requests", "gh api rate_limit"),
        (
            {"limit": RateLimit(1000, 60, NOW)},
            WARNING,
            "limits",
            "60 of 1000 an hour are left until 2026-11-23T12:00:00Z",
            "who else spends them",
        ),
        (
            {"limit": RateLimit(90, 90, NOW)},
            WARNING,
            "limits",
            "at most 3,312 requests",
            "a slower cron",
        ),
        ({"workflows": ()}, OK, "limits", "4900 of 5000 an hour are left", ""),
        (
            {"private": True},
            WARNING,
            "minutes",
            "about 4,320 billed minutes a month while nothing is under way, and 576 a day with a release"
            " under way and 1 job that reads: 17,280 a month",
            "a slower cron in rollout-schedule.yml",
        ),
    ],
)
def test_one_thing_is_different(
    settings: dict[str, Any], severity: Severity, topic: str, says: str, fix: str
) -> None:
    expect(examine(world(settings), NOW), severity, topic, says, fix)


@pytest.mark.parametrize(
    ("changes", "severity", "topic", "says", "fix"),
    [
        (
            {"branch_problem": "there is no ops in acme/tau"},
            PROBLEM,
            "state branch",
            "there is no ops",
            "push",
        ),
        (
            {"trains": (TrainFacts("tau", measures=True),)},
            OK,
            "limits",
            "at most 5,040 requests a day at this schedule",
            "",
        ),
        ({"trains": ()}, PROBLEM, "state branch", "no train on main", "rollout init"),
        (
            {"trains": (TrainFacts("tau", problem="state/tau/contract.yaml: phases: missing"), *TRAINS)},
            PROBLEM,
            "contract",
            "phases: missing",
            "rollout contract check --train tau",
        ),
        ({"trains": (TrainFacts("tau", product="acme/app"),)}, OK, "product", "acme/app can be read", ""),
        (
            {"state_branch": "ops"},
            OK,
            "required status",
            "rollout-check is required; a promotion that turns red",
            "",
        ),
        ({"trains": (TrainFacts("tau", max_gap=0),)}, OK, "schedule", "at most 11m between the last 3", ""),
        (
            {"trains": (TrainFacts("tau", notes=("apply: no command",)),)},
            WARNING,
            "contract",
            "tau: apply: no command",
            "add apply to state/tau/contract.yaml, or do it by hand",
        ),
        (
            {"trains": (TrainFacts("tau", copies_evidence=True), TrainFacts("web"))},
            WARNING,
            "evidence",
            "the repository is public: anybody can download the evidence of an incident of tau",
            "rollback.evidence_copies: never",
        ),
    ],
)
def test_another_state(changes: dict[str, Any], severity: Severity, topic: str, says: str, fix: str) -> None:
    expect(examine(world({}, **changes), NOW), severity, topic, says, fix)


@pytest.mark.parametrize(("who", "whose"), [(Who.RUN, "a run's own token"), (Who.APP, "this token")])
def test_a_product_out_of_reach(who: Who, whose: str) -> None:
    elsewhere = world(
        {"who": who, "unseen": {"acme/app": SECRET}}, trains=(TrainFacts("tau", product="acme/app"),)
    )
    expect(
        examine(elsewhere, NOW),
        PROBLEM,
        "product",
        f"{whose} does not reach acme/app",
        "ROLLOUT_PRODUCT_TOKEN",
    )


def test_a_state_branch_of_its_own_can_require_the_trains_own_status() -> None:
    own = world({"rules": (OWN_STATUS,)}, state_branch="ops")
    expect(examine(own, NOW), OK, "required status", "rollout/tau is required: a red promotion cannot", "")
    neither = examine(world({"rules": ()}, state_branch="ops"), NOW)
    says, fix = "rollout-check is not required", "target ops, require rollout-check"
    expect(neither, WARNING, "required status", says, fix)


def test_the_default_branch_as_state_branch_has_its_price() -> None:
    says = "main carries tau, and is the default branch: state commits put open pull requests behind"
    expect(examine(world({}), NOW), OK, "state branch", says, "")
    strict = world({"rules": (replace(STATUS, strict=True),)})
    says = "a rule wants them up to date"
    expect(examine(strict, NOW), WARNING, "state branch", says, "a branch of its own")
    own = world({"rules": (replace(OWN_STATUS, strict=True),)}, state_branch="ops")
    says = "ops carries tau; protect wants pull requests up to date, and each observation puts a promotion"
    fix = "Settings > Rules > Rulesets > protect > Require status checks: untick"
    expect(examine(own, NOW), WARNING, "state branch", says, fix)


def test_a_state_branch_of_its_own_has_the_workflows_of_its_events() -> None:
    bare = examine(world({"workflows": FLOWS[1:]}, state_branch="ops"), NOW)
    says = "rollout-check.yml, rollout-closed.yml: not on ops, whose pull requests and pushes need them there"
    expect(bare, PROBLEM, "workflows", says, "rollout init --workflows, then git push origin ops")
    whole = {"workflows": FLOWS[1:], "rules": (OWN_STATUS,), "on_state_branch": ON_STATE_BRANCH}
    assert {one.severity for one in examine(world(whole, state_branch="ops"), NOW)} == {OK}


def test_a_workflow_of_the_state_branch_alone_may_be_disabled_too() -> None:
    there = (replace(ON_STATE_BRANCH[0], state="disabled_manually"), ON_STATE_BRANCH[1])
    whole = {"workflows": FLOWS[1:], "rules": (OWN_STATUS,), "on_state_branch": there}
    found = examine(world(whole, state_branch="ops"), NOW)
    fix = "gh workflow enable rollout-check.yml"
    expect(found, PROBLEM, "workflows", "rollout-check.yml was disabled by somebody", fix)
    assert topics(found, "workflows") == 1, "and not that all are enabled"


def test_a_state_branch_needs_the_key_where_reconcile_runs_on_it() -> None:
    loose = {"environment": Environment(frozenset({APP_KEY}), restricted=False)}
    for there, branches in ((ON_STATE_BRANCH, "only main"), (FLOWS, "only main, ops")):
        found = examine(world({**loose, "on_state_branch": there}, state_branch="ops"), NOW)
        (fix,) = (one.fix for one in found if one.topic == "App key")
        assert fix == f"Settings > Environments > rollout > Deployment branches: {branches}"


def test_both_branches_call_one_rollout() -> None:
    other = (replace(ON_STATE_BRANCH[0], uses=(PIN.replace("5", "6"),)), ON_STATE_BRANCH[1])
    found = examine(world({"on_state_branch": other}, state_branch="ops"), NOW)
    says = "ops calls acme/rollout@666666666666, and main acme/rollout@555555555555"
    expect(found, WARNING, "pins", says, "rollout init --workflows --update --action OWNER/REPO@SHA")
    loose = (replace(ON_STATE_BRANCH[0], uses=("acme/rollout/.github/actions/rollout@v1",)),)
    found = examine(world({"on_state_branch": loose}, state_branch="ops"), NOW)
    says = "rollout-check.yml: acme/rollout/.github/actions/rollout@v1 is not"
    expect(found, PROBLEM, "pins", says, "@SHA")


def test_each_thing_is_said_once() -> None:
    """A ruleset wants two things, a schedule is disabled and silent, rules cannot be seen."""
    both = (STATUS, Rule("pull_request", "protect", Bypass.NO))
    assert topics(examine(world({"rules": both}), NOW), "state commits") == 1
    silent = {"workflows": schedule(state="disabled_inactivity"), "runs": ago(90 * 24 * 60)}
    assert topics(examine(world(silent), NOW), "schedule") == 0
    assert topics(examine(world({"rules": SECRET}), NOW), "required status") == 0
    assert topics(examine(world({"actions": Actions(enabled=False, allowed="all")}), NOW), "workflows") == 1


def test_the_worst_comes_first() -> None:
    everything = {**ADMIN_WITHOUT_APP, "archived": True, "limit": SECRET}
    order = [list(Severity).index(finding.severity) for finding in examine(world(everything), NOW)]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2, 3}


def expect(found: list[Finding], severity: Severity, topic: str, says: str, fix: str) -> None:
    fitting = [one for one in found if (one.topic, one.severity) == (topic, severity) and says in one.says]
    assert fitting, "\n".join(map(str, found))
    assert fix in fitting[0].fix
    # Whatever is not fine says what to do.
    assert [one for one in found if (one.severity is not OK) != bool(one.fix)] == []


def topics(found: list[Finding], topic: str) -> int:
    return sum(finding.topic == topic for finding in found)


# --- without GitHub --------------------------------------------------------------------------------------


def test_evidence_of_a_private_repository_is_nobodys() -> None:
    found = examine(world({"private": True}, trains=(TrainFacts("tau", copies_evidence=True),)), NOW)
    assert "evidence" not in {finding.topic for finding in found}


BY_HAND = TrainFacts("tau", notes=("apply: no command",))
MEASURED = TrainFacts("tau", variables=("PROM_TOKEN",))
ELSEWHERE = TrainFacts("tau", missing=("product.branch: there is no branch main here",))
LAPTOP = Laptop("Ada", "main", "", (TrainFacts("tau"),), ())


@pytest.mark.parametrize(
    ("changes", "severity", "topic", "says", "fix"),
    [
        ({}, OK, "state branch", "main carries tau", ""),
        ({}, OK, "contract", "tau: good", ""),
        ({}, OK, "git identity", "commits are by Ada", ""),
        ({}, OK, "schedule", "none on the local forge", ""),
        ({"person": None}, WARNING, "git identity", "does not know who you are", "git config user.name"),
        ({"branch_problem": "no branch main"}, PROBLEM, "state branch", "no branch main", "rollout init"),
        ({"trains": ()}, PROBLEM, "state branch", "no train on main", "rollout init"),
        ({"trains": (TrainFacts("tau", problem="broken"),)}, PROBLEM, "contract", "broken", "contract check"),
        (
            {"trains": (TrainFacts("tau", problem="state/tau/status.yaml:2: not YAML"),)},
            PROBLEM,
            "state",
            "status.yaml:2: not YAML",
            "git log -3 -- state/tau/",
        ),
        ({"contract_problems": ("f: x: y",)}, PROBLEM, "contract", "f: x: y", "rollout contract check"),
        ({"trains": (BY_HAND,)}, WARNING, "contract", "tau: apply: no command", "add apply to state/tau/"),
        (
            {"trains": (MEASURED,), "unset": ("PROM_TOKEN",)},
            PROBLEM,
            "metrics",
            "tau: PROM_TOKEN is not set here, so its queries are unknown",
            "export PROM_TOKEN=VALUE",
        ),
        (
            {"trains": (ELSEWHERE,)},
            PROBLEM,
            "contract",
            "tau: product.branch: there is no branch",
            "fix state/",
        ),
    ],
)
def test_a_laptop(changes: dict[str, Any], severity: Severity, topic: str, says: str, fix: str) -> None:
    expect(examine_laptop(replace(LAPTOP, **changes)), severity, topic, says, fix)


def test_a_mistake_that_worktree_and_branch_share_is_told_once() -> None:
    same = "state/tau/contract.yaml: phases: missing"
    found = examine_laptop(
        replace(LAPTOP, trains=(TrainFacts("tau", problem=same),), contract_problems=(same,))
    )
    assert [finding.says for finding in found].count(same) == 1


# --- cron ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crons", "expected"),
    [
        ((TEN_MINUTES,), Rhythm(144, 10, 10)),
        (("*/15 * * * *",), Rhythm(96, 15, 15)),
        (("5/20 * * * *",), Rhythm(72, 20, 20)),
        (("0 9-17/4 * * *",), Rhythm(3, 16 * 60, 4 * 60)),
        (("0 6 * * *",), Rhythm(1, 24 * 60, 24 * 60)),
        (("0 6 * * *", "30 18 * * *"), Rhythm(2, 750, 690)),
        (("0 6 * * 1-5",), Rhythm(1, 3 * 24 * 60, 24 * 60)),
        (("0 6 * * 7", "0 6 * * MON"), Rhythm(1, 6 * 24 * 60, 24 * 60)),
        (("0 6 1 * *",), None),
        (("61 * * * *",), None),
        (("* 24 * * *",), None),
        (("*/0 * * * *",), None),
        (("a * * * *",), None),
        (("* * *",), None),
        ((), None),
    ],
)
def test_rhythms(crons: tuple[str, ...], expected: Rhythm | None) -> None:
    assert rhythm(crons) == expected


TWO = (TrainFacts("tau", max_gap=1800), TrainFacts("web", max_gap=1800))


@pytest.mark.parametrize(
    ("variables", "told", "severity", "says", "fix"),
    [
        (
            {},
            None,
            PROBLEM,
            "more than one train (tau, web) and no ROLLOUT_TRAIN: runs fail",
            "one of tau, web",
        ),
        (
            {"ROLLOUT_TRAIN": "tua"},
            None,
            PROBLEM,
            "ROLLOUT_TRAIN is tua, and there is no such",
            "gh variable set",
        ),
        (
            {"ROLLOUT_TRAIN": "tau"},
            None,
            WARNING,
            "nothing reads or decides for web at fixed times",
            "scheduler",
        ),
        (SECRET, None, UNTOLD, "whether ROLLOUT_TRAIN names one of tau, web", "gh variable list"),
        # In a job its value is told, whatever the token may see.
        (
            SECRET,
            "",
            PROBLEM,
            "no ROLLOUT_TRAIN: runs fail, the rollback's too",
            "gh variable set ROLLOUT_TRAIN",
        ),
        (SECRET, "web", WARNING, "ROLLOUT_TRAIN is web: nothing reads or decides for tau", "--train T"),
    ],
)
def test_runs_have_to_know_which_of_two_trains_they_are_about(
    variables: Any, told: str | None, severity: Severity, says: str, fix: str
) -> None:
    found = examine(world({"variables": variables}, trains=TWO, told_train=told), NOW)
    expect(found, severity, "trains", says, fix)


def test_the_only_train_needs_no_name_and_a_wrong_one_is_told() -> None:
    for told in (None, "", "tau"):
        assert not [one for one in examine(world({}, told_train=told), NOW) if one.topic == "trains"]
    found = examine(world({}, told_train="tua"), NOW)
    expect(found, PROBLEM, "trains", "there is no such train", "gh variable set ROLLOUT_TRAIN --body tau")
