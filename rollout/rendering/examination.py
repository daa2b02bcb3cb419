"""Findings of `rollout doctor` for a terminal, a job's summary, and scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from rollout.core.doctor import Finding, Severity
from rollout.rendering.gates import Style, count, no_style
from rollout.rendering.inert import code, line, prose

_SYMBOLS = {Severity.PROBLEM: "✗", Severity.WARNING: "!", Severity.CANNOT_TELL: "?", Severity.OK: "✓"}
_COLOURS = {
    Severity.PROBLEM: "red",
    Severity.WARNING: "yellow",
    Severity.CANNOT_TELL: "magenta",
    Severity.OK: "green",
}
_LONGEST = 500


def examination_text(
    about: str, findings: Sequence[Finding], *, columns: int, style: Style = no_style
) -> str:
    """Returns one finding after the other, worst first, each with its fix below it; then a count."""
    width = max((len(finding.topic) for finding in findings), default=0)
    lines = [line(about), ""]
    for finding in findings:
        lines += _finding(finding, width, columns, style)
    return "\n".join([*lines, "", _counted(findings)])


def _finding(finding: Finding, width: int, columns: int, style: Style) -> list[str]:
    symbol = style(_SYMBOLS[finding.severity], fg=_COLOURS[finding.severity], bold=True)
    indent = " " * (width + 4)
    room = max(columns - len(indent), 20)
    said = wrap(line(finding.says, _LONGEST), room, break_long_words=False, break_on_hyphens=False)
    lines = [f"{symbol} {finding.topic:{width}}  {said[0]}", *(indent + more for more in said[1:])]
    if finding.fix:
        fix = wrap(
            f"fix: {line(finding.fix, _LONGEST)}", room, break_long_words=False, break_on_hyphens=False
        )
        lines += [indent + more for more in fix]
    return lines


def _counted(findings: Sequence[Finding]) -> str:
    """Returns `1 problem, 2 warnings, 1 cannot be told, 5 fine`."""
    number = {severity: sum(one.severity is severity for one in findings) for severity in Severity}
    parts = [
        count(number[Severity.PROBLEM], "problem"),
        count(number[Severity.WARNING], "warning") if number[Severity.WARNING] else "",
        f"{number[Severity.CANNOT_TELL]} cannot be told" if number[Severity.CANNOT_TELL] else "",
        f"{number[Severity.OK]} fine",
    ]
    return ", ".join(part for part in parts if part).replace("0 problems", "no problem")


def examination_summary(about: str, findings: Sequence[Finding]) -> str:
    """Returns markdown for a job's summary."""
    rows = [
        f"| {_SYMBOLS[one.severity]} {one.topic} | {prose(one.says, _LONGEST)} | {code(one.fix, _LONGEST)} |"
        for one in findings
    ]
    head = [f"**{_counted(findings).capitalize()}** in {code(about)}", "", "| looked at | found | fix |"]
    return "\n".join([*head, "| --- | --- | --- |", *rows]) + "\n"


def examination_document(about: str, findings: Sequence[Finding]) -> Mapping[str, object]:
    """Returns the document for scripts."""
    return {
        "about": about,
        "problems": sum(finding.severity is Severity.PROBLEM for finding in findings),
        "findings": [
            {
                "topic": finding.topic,
                "severity": finding.severity.value,
                "says": finding.says,
                "fix": finding.fix,
            }
            for finding in findings
        ],
    }
