"""Which commit of the product's branch CI has judged."""

from __future__ import annotations

from itertools import islice

from rollout.commands.facts import facts_of
from rollout.core.checks import gate_globs, judges
from rollout.core.contract import Contract
from rollout.core.state import CheckFact
from rollout.ports import Forge

MOST_COMMITS = 100
"""Commits that are looked at, newest first."""
_BELOW = 20
"""Commits that are looked at below one where the search may end: what CI ran on lies a few below a tip."""


def newest_checked(
    forge: Forge, contract: Contract, *, until: str | None = None, around: str | None = None
) -> tuple[str, tuple[CheckFact, ...]] | None:
    """The newest commit of the product's branch that has checks which the contract's gates ask for.

    One whose checks are all skipped, or that has none, is passed over. None when there is no such commit. The
    search ends above `until`, and a few commits below `around`. Raises OutsideError.
    """
    patterns, left = gate_globs(contract), MOST_COMMITS
    for found in islice(forge.newest_commits(contract.product.branch, until), MOST_COMMITS):
        checks = facts_of(found.runs, contract)
        if judges(checks, patterns):
            return found.commit, checks
        left = _BELOW if found.commit == around else left - 1
        if left <= 0:
            return None
    return None
