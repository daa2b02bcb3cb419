"""Repositories on GitHub for `rollout doctor`: a good one, and its usual variations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rollout.core.doctor import Severity
from rollout.core.doctor.facts import (
    APP_ID,
    APP_KEY,
    Actions,
    Bypass,
    Environment,
    JobPermission,
    RateLimit,
    Rule,
    Settings,
    TrainFacts,
    UnknownFact,
    Who,
    Workflow,
    World,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PIN = f"acme/rollout/.github/actions/rollout@{'5' * 40}"
TEN_MINUTES = "3,13,23,33,43,53 * * * *"
SECRET = UnknownFact("this token may not ask")
PROBLEM, WARNING, UNTOLD, OK = Severity

ON_STATE_BRANCH = (
    Workflow("rollout-check.yml", "", (), (PIN,)),
    Workflow("rollout-closed.yml", "", (), ()),
)
FLOWS = (
    Workflow("rollout-check.yml", "active", (), (PIN,)),
    Workflow("rollout-schedule.yml", "active", (TEN_MINUTES,), (PIN, "./.github/actions/rollout")),
    Workflow("rollout-collect.yml", "active", (), (PIN,)),
    Workflow("rollout-reconcile.yml", "active", (), (PIN,)),
    Workflow("rollout-rollback.yml", "active", (), (PIN,)),
    Workflow("rollout-start.yml", "active", (), (PIN, f"docker://alpine@sha256:{'a' * 64}")),
)
STATUS = Rule("required_status_checks", "protect", Bypass.YES, ("rollout-check",))
OWN_STATUS = replace(STATUS, contexts=("rollout/tau",))


def ago(*minutes: int) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(minutes=number) for number in minutes)


def schedule(**changes: Any) -> tuple[Workflow, ...]:
    return (FLOWS[0], replace(FLOWS[1], **changes), *FLOWS[2:])


SETTINGS = Settings(
    repository="acme/tau",
    login="rollout-app[bot]",
    who=Who.APP,
    default_branch="main",
    private=False,
    archived=False,
    fork=False,
    rules=(STATUS,),
    classic=None,
    may_open_pulls=False,
    actions=Actions(enabled=True, allowed="all"),
    variables={APP_ID: "Iv1"},
    secrets=frozenset(),
    environment=Environment(frozenset({APP_KEY}), restricted=True),
    workflows=FLOWS,
    runs=ago(4, 15, 23),
    permissions=dict.fromkeys(JobPermission, True),
    limit=RateLimit(5000, 4900, NOW + timedelta(minutes=30)),
)
TRAINS = (TrainFacts("tau", max_gap=1800, intervals=(600,)),)
WITHOUT_APP: dict[str, Any] = {
    "who": Who.RUN,
    "variables": SECRET,
    "secrets": SECRET,
    "environment": SECRET,
    "rules": (),
}
ADMIN: dict[str, Any] = {"who": Who.PERSON, "login": "ada", "permissions": None}
ADMIN_WITHOUT_APP: dict[str, Any] = {**ADMIN, "variables": {}, "environment": None, "rules": ()}


def world(settings: dict[str, Any], **changes: Any) -> World:
    base = World(replace(SETTINGS, **settings), "main", "", TRAINS)
    return replace(base, **changes)
