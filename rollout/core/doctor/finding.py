"""What an examination says: one finding a question, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Worst first."""

    PROBLEM = "problem"
    """A rollout does not work like this."""
    WARNING = "warning"
    """It works, and costs something that its owner should know."""
    CANNOT_TELL = "cannot_tell"
    """The token may not ask, or there is nothing to go by yet."""
    OK = "ok"


@dataclass(frozen=True)
class Finding:
    topic: str
    """One or two words: what was looked at."""
    severity: Severity
    says: str
    fix: str = ""
    """The setting to change or the command to type; empty when there is nothing to do."""


def ok(topic: str, says: str) -> Finding:
    return Finding(topic, Severity.OK, says)


def problem(topic: str, says: str, fix: str) -> Finding:
    return Finding(topic, Severity.PROBLEM, says, fix)


def warning(topic: str, says: str, fix: str) -> Finding:
    return Finding(topic, Severity.WARNING, says, fix)


def cannot_tell(topic: str, says: str, fix: str) -> Finding:
    return Finding(topic, Severity.CANNOT_TELL, says, fix)


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Sorts problems first, then warnings, what cannot be told, and the rest; otherwise keeps their order."""
    order = list(Severity)
    return sorted(findings, key=lambda finding: order.index(finding.severity))
