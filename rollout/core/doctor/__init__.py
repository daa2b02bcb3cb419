"""`rollout doctor`: rules over facts. Each rule answers one question; none of them asks GitHub anything."""

from __future__ import annotations

from datetime import datetime

from rollout.core.doctor import branch, contracts, jobs, limits, metrics, rules, tokens, workflows
from rollout.core.doctor.facts import Laptop, World
from rollout.core.doctor.finding import Finding, Severity, worst_first
from rollout.core.doctor.laptop import laptop

__all__ = ["Finding", "Severity", "examine", "examine_laptop"]

RULES = (
    branch.state_branch,
    branch.trains,
    branch.branch_names,
    branch.state_commits,
    branch.required_status,
    rules.other_branches,
    rules.plan,
    tokens.token_mode,
    tokens.permissions,
    tokens.pull_requests,
    tokens.product,
    jobs.product_secret,
    metrics.metrics,
    workflows.installed,
    jobs.allowed_actions,
    jobs.environments,
    workflows.pins,
    limits.limits,
    contracts.contracts,
    contracts.evidence,
)


def examine(world: World, now: datetime) -> list[Finding]:
    """Returns every finding about a repository on GitHub, worst first."""
    found = [finding for rule in RULES for finding in rule(world)]
    return worst_first([*found, *workflows.schedule(world, now)])


def examine_laptop(facts: Laptop) -> list[Finding]:
    """Returns every finding about a repository without GitHub, worst first."""
    return worst_first(list(laptop(facts)))
