"""CI checks of the release commit, as far as a contract asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rollout.core.contract import CiChecksGate, Contract, ValidationTrigger, matching
from rollout.core.decide.gates.ci_checks import GREEN, PENDING
from rollout.core.decide.triggers import CI_FAILURES
from rollout.core.forge import CheckRun
from rollout.core.state import CheckFact

_SKIPPED = "skipped"
_NOT_YET = datetime.max.replace(tzinfo=UTC)
"""An attempt that waits to start is newer than any that has: what failed before it is being tried again."""


def globs(contract: Contract) -> tuple[str, ...]:
    """Returns the globs over check names that the contract's gates and triggers use, each once."""
    gates = (gate for phase in contract.phases for gate in phase.gates)
    asked = [gate.checks for gate in gates if isinstance(gate, CiChecksGate)]
    asked += [t.checks for t in contract.triggers if isinstance(t, ValidationTrigger) and t.checks]
    return tuple(dict.fromkeys(asked))


def gate_globs(contract: Contract) -> tuple[str, ...]:
    """Returns the globs over check names that the contract's gates use, each once."""
    gates = (gate for phase in contract.phases for gate in phase.gates)
    return tuple(dict.fromkeys(gate.checks for gate in gates if isinstance(gate, CiChecksGate)))


def judges(checks: Sequence[CheckFact], patterns: Iterable[str]) -> bool:
    """Returns whether some check that a glob matches says something of its commit: a skipped one does not."""
    ran = [check.name for check in checks if check.conclusion != _SKIPPED]
    return any(matching(pattern, ran) for pattern in patterns)


def facts_of(runs: Iterable[CheckRun], contract: Contract) -> tuple[CheckFact, ...]:
    """Returns the newest attempt of each check that the contract asks for."""
    return newest(runs, globs(contract))


def newest(attempts: Iterable[CheckRun], patterns: Iterable[str]) -> tuple[CheckFact, ...]:
    """Returns the newest attempt of each check that some glob matches, by name; no other check is a fact.

    A name that several sources report is as bad as the worst of them.
    """
    by_source: dict[tuple[str, str], CheckRun] = {}
    for attempt in attempts:
        key = (attempt.source, attempt.name)
        other = by_source.get(key)
        if other is None or _age(attempt) > _age(other):
            by_source[key] = attempt
    by_name: dict[str, str] = {}
    for attempt in by_source.values():
        conclusion = attempt.outcome or PENDING
        by_name[attempt.name] = max(by_name.get(attempt.name, GREEN), conclusion, key=_badness)
    wanted = {name for pattern in patterns for name in matching(pattern, by_name)}
    return tuple(CheckFact(name=name[:500], conclusion=by_name[name]) for name in sorted(wanted))


def _badness(conclusion: str) -> tuple[int, str]:
    """Sorts failures first, then what is not green, then what is unknown yet; equal ones by the word."""
    rank = {GREEN: 0, PENDING: 1}.get(conclusion, 2)
    return (3 if conclusion in CI_FAILURES else rank), conclusion


def _age(attempt: CheckRun) -> tuple[datetime, int]:
    return (attempt.started_at or _NOT_YET, attempt.id)
