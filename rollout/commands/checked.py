"""Which commit of the product's branch CI has judged."""

from __future__ import annotations

from itertools import islice

from rollout.core.contract import Contract
from rollout.core.decide.checks import facts_of, gate_globs, globs, judges
from rollout.core.state import CheckFact
from rollout.errors import OutsideError
from rollout.ports import ChecksBefore, Forge

MOST_COMMITS = 100
"""Commits that are looked at, newest first."""
_BELOW = 20
"""Commits that are looked at below one where the search may end: what CI ran on lies a few below a tip."""


def newest_checked(
    forge: Forge,
    contract: Contract,
    *,
    until: str | None = None,
    around: str | None = None,
    before: ChecksBefore | None = None,
) -> tuple[str, tuple[CheckFact, ...]] | None:
    """Returns the newest commit of the product's branch that has checks which the contract's gates ask for.

    One whose checks are all skipped, or that has none, is passed over. None when there is no such commit. The
    search ends above `until`, and a few commits below `around`. `before` is what is known of one of them.
    Raises OutsideError.
    """
    patterns, left = gate_globs(contract), MOST_COMMITS
    newest = forge.newest_commits(contract.product.branch, until, globs(contract), before)
    for found in islice(newest, MOST_COMMITS):
        checks = facts_of(found.runs, contract)
        if judges(checks, patterns):
            return found.commit, checks
        left = _BELOW if found.commit == around else left - 1
        if left <= 0:
            return None
    return None


def why_unchecked(forge: Forge, contract: Contract, commit: str) -> str:
    """Returns why the CI gates cannot hold on that commit as it is, and which newest commit has such checks.

    Empty when it has checks that say something, when no gate asks for CI, and when CI cannot be asked.
    """
    patterns, branch = gate_globs(contract), contract.product.branch
    if not patterns:
        return ""
    try:
        checks = facts_of(forge.check_runs(commit, globs(contract)), contract)
        if judges(checks, patterns):
            return ""
        found = newest_checked(forge, contract)
    except OutsideError:
        return ""
    has = "only skipped checks" if checks else "no check"
    newest = (
        f"the newest commit of {branch} that has one is {found[0]}"
        if found
        else f"no commit of {branch} has one"
    )
    return f"{commit[:10]} has {has} that a CI gate asks for ({', '.join(patterns)}); {newest}"
