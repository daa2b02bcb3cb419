"""Pieces that several views share: gates in rows, the soak bar, the stepper, times in few words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never

from rollout.core.contract import SOAK_GATE, Contract, Phase, RunsSoak
from rollout.core.decide.group_unknown import told_once
from rollout.core.state import GateFinding, Outcome, Result, Rollout, Status
from rollout.core.values import format_duration, format_instant, to_utc_seconds

BAR_WIDTH = 12
NAMED_SURFACES = 3
"""So many surfaces are named; more are counted."""


class Style(Protocol):
    """Paints text for a terminal; `click.style` is one."""

    def __call__(
        self, text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None
    ) -> str: ...


def no_style(text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> str:
    """Leaves text as it is."""
    return text


# --- gates in rows ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GateRow:
    """One gate with the answers of all its surfaces."""

    gate: str
    result: Result
    """The worst of its findings; not applicable only when all of them are."""
    findings: tuple[GateFinding, ...]

    @property
    def holds(self) -> bool:
        return self.result in (Result.SATISFIED, Result.NOT_APPLICABLE)

    @property
    def open(self) -> tuple[GateFinding, ...]:
        """The findings that keep it from holding, failing ones first."""
        return tuple(f for result in _WORST_FIRST[:2] for f in self.findings if f.result is result)

    @property
    def since(self) -> datetime:
        """Since when all its findings are what they are."""
        return max(finding.since for finding in self.findings)


_WORST_FIRST = (Result.UNSATISFIED, Result.UNKNOWN, Result.SATISFIED, Result.NOT_APPLICABLE)


def rows(findings: Iterable[GateFinding]) -> tuple[GateRow, ...]:
    """Returns one row for each gate, in the order of the findings;
    the soak has a bar of its own, and none here.
    """
    by_gate: dict[str, list[GateFinding]] = {}
    for finding in findings:
        if finding.gate != SOAK_GATE:
            by_gate.setdefault(finding.gate, []).append(finding)
    return tuple(GateRow(gate, _worst(group), tuple(group)) for gate, group in by_gate.items())


def _worst(findings: Sequence[GateFinding]) -> Result:
    found = {finding.result for finding in findings}
    return next(result for result in _WORST_FIRST if result in found)


def worst_first(of: Iterable[GateRow]) -> list[GateRow]:
    """Returns the rows with failing ones first, then unknown ones; otherwise in their order."""
    return sorted(of, key=lambda row: _WORST_FIRST.index(row.result))


@dataclass(frozen=True)
class Silence:
    """Surfaces that cannot be read, and the gates that are unknown there for nothing but that."""

    surfaces: str
    seen: str
    gates: tuple[str, ...]
    since: datetime


def listed(findings: Iterable[GateFinding]) -> list[GateRow | Silence]:
    """Returns what a view lists of the gates, worst first; a gate that is only silent is part of the
    silence.
    """
    of = rows(findings)
    silent = [
        (finding, gates)
        for finding, gates in told_once(finding for row in of for finding in row.open)
        if len(gates) > 1
    ]
    heard = [row for row in (_without(row, {(f.surface, f.seen) for f, _ in silent}) for row in of) if row]
    failing = [row for row in heard if row.result is Result.UNSATISFIED]
    rest = worst_first(row for row in heard if row.result is not Result.UNSATISFIED)
    return [*failing, *_silences(silent), *rest]


def _without(row: GateRow, silent: Collection[tuple[str | None, str]]) -> GateRow | None:
    left = tuple(
        f for f in row.findings if f.result is not Result.UNKNOWN or (f.surface, f.seen) not in silent
    )
    if len(left) == len(row.findings):
        return row
    without = GateRow(row.gate, _worst(left), left) if left else None
    return without if without and not without.holds else None


def _silences(silent: Iterable[tuple[GateFinding, tuple[str, ...]]]) -> Iterator[Silence]:
    groups: dict[tuple[str, tuple[str, ...]], list[GateFinding]] = {}
    for finding, gates in silent:
        groups.setdefault((finding.seen, gates), []).append(finding)
    for (seen, gates), group in groups.items():
        yield Silence(_surfaces(group), seen, gates, max(finding.since for finding in group))


def alike(findings: Iterable[GateFinding]) -> list[tuple[str, GateFinding]]:
    """Groups findings that differ only in their surface: `voice, memory` or `5 surfaces`, and the first."""
    groups: dict[tuple[object, ...], list[GateFinding]] = {}
    for finding in findings:
        groups.setdefault((finding.result, finding.seen, finding.wanted, finding.since), []).append(finding)
    return [(_surfaces(group), group[0]) for group in groups.values()]


def _surfaces(findings: Sequence[GateFinding]) -> str:
    names = [finding.surface for finding in findings if finding.surface]
    return ", ".join(names) if len(names) <= NAMED_SURFACES else count(len(names), "surface")


def symbol(result: Result) -> str:
    match result:
        case Result.SATISFIED:
            return "✓"
        case Result.UNSATISFIED:
            return "✗"
        case Result.UNKNOWN:
            return "?"
        case Result.NOT_APPLICABLE:
            return "-"
        case _:
            assert_never(result)


def word(result: Result) -> str:
    match result:
        case Result.SATISFIED:
            return "satisfied"
        case Result.UNSATISFIED:
            return "FAILING"
        case Result.UNKNOWN:
            return "unknown"
        case Result.NOT_APPLICABLE:
            return "n/a"
        case _:
            assert_never(result)


# --- soak ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """Soak earned of soak required, never more: seconds, or complete runs when `runs` is set."""

    earned: int
    required: int
    runs: bool = False

    @property
    def full(self) -> bool:
        return self.earned >= self.required

    @property
    def share(self) -> str:
        """`18m of 30m`, `0 of 1 run`."""
        if self.runs:
            return f"{self.earned} of {count(self.required, 'run')}"
        return f"{short(self.earned)} of {short(self.required)}"

    @property
    def left(self) -> str:
        """`12m`, `1 run`; empty when nothing is."""
        missing = self.required - self.earned
        if missing <= 0:
            return ""
        return count(missing, "run") if self.runs else short(missing, up=True)


def progress(phase: Phase, status: Status | None) -> Progress:
    """Returns the phase's soak; nothing is earned while status still speaks of another phase."""
    soak = status.soak if status is not None and status.phase == phase.name else None
    if isinstance(phase.soak, RunsSoak):
        return Progress(min(soak.runs if soak else 0, phase.soak.runs), phase.soak.runs, runs=True)
    return Progress(min(soak.earned_seconds if soak else 0, phase.soak), phase.soak)


def soak_bar(soak: Progress) -> str:
    """Returns `[#######.....] 18m of 30m, 12m left`."""
    filled = BAR_WIDTH if soak.full else BAR_WIDTH * soak.earned // soak.required
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    return f"[{bar}] {soak.share}, {soak.left} left" if soak.left else f"[{bar}] {soak.share}, done"


# --- the phases ------------------------------------------------------------------------------------------


def stepper(contract: Contract, rollout: Rollout, style: Style = no_style, columns: int = 1000) -> str:
    """Returns `preflight ✓ > [canary-1 5 %] > canary-2 > general`, the current phase in brackets."""
    names = [phase.name for phase in contract.phases]
    current = names.index(rollout.phase) if rollout.phase in names else -1
    lines, used = [""], 0
    for index, phase in enumerate(contract.phases):
        text = ("> " if index else "") + _step(phase, index, current, rollout)
        if index and used + 1 + len(text) > columns:
            lines, used = [*lines, ""], 0
        lines[-1] += (" " if used else "") + _painted(text, index, current, rollout, style)
        used += len(text) + (1 if used else 0)
    return "\n".join(lines)


def _step(phase: Phase, index: int, current: int, rollout: Rollout) -> str:
    if _is_done(index, current, rollout):
        return f"{phase.name} ✓"
    if index != current:
        return phase.name
    # What a rollback records is not the phase's percent, and need not be what the product runs at.
    is_undone = rollout.outcome in (Outcome.ROLLING_BACK, Outcome.ROLLED_BACK)
    return f"[{phase.name}]" if is_undone else f"[{phase.name} {rollout.canary_percent} %]"


def _painted(text: str, index: int, current: int, rollout: Rollout, style: Style) -> str:
    if _is_done(index, current, rollout):
        return style(text, fg="green")
    if index == current:
        return style(text, fg="red" if rollout.frozen else "cyan", bold=True)
    return style(text, dim=True)


def _is_done(index: int, current: int, rollout: Rollout) -> bool:
    return index < current or rollout.outcome is Outcome.COMPLETE


# --- few words -------------------------------------------------------------------------------------------


def release_name(version: str) -> str:
    """Names a release as commits and people do: `0.1.5` -> `v0.1.5`."""
    return f"v{version}" if version[:1].isdigit() else version


def count(number: int, noun: str) -> str:
    """Returns `1 run`, `3 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(seconds: int, *, up: bool = False) -> str:
    """Returns a duration in whole minutes when it is a minute or more; `up` rounds what is left up."""
    if seconds < 60:
        return format_duration(seconds)
    return format_duration((seconds + (59 if up else 0)) // 60 * 60)


def day_and_time(moment: datetime) -> str:
    """Returns `2026-11-23 14:30 UTC`."""
    day, _, time = format_instant(moment).partition("T")
    return f"{day} {time[:5]} UTC"


def clock_time(moment: datetime, now: datetime) -> str:
    """Returns `14:30 UTC` when that is on the same day as `now`, else with the date."""
    same_day = to_utc_seconds(moment).date() == to_utc_seconds(now).date()
    return to_utc_seconds(moment).strftime("%H:%M UTC") if same_day else day_and_time(moment)
