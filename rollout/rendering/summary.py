"""The summary of a job: where the rollout stands, why, what comes next, and what this run did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rollout.core.contract import Contract, Phase
from rollout.core.state import Outcome, Rollout, Status, TrainState, Verdict
from rollout.rendering.advice import to_do, what_next
from rollout.rendering.gates import day_and_time, progress, release_name, rows, soak_bar, stepper, worst_first
from rollout.rendering.inert import Markdown, code, cut
from rollout.rendering.markdown import gate_rows, render

_MAX_DONE = 50
_TOLD = ("event", "branch", "number", "to_phase", "state", "description", "detail")


def job_summary(
    template: str,
    state: TrainState,
    *,
    now: datetime,
    done: Sequence[Mapping[str, object]],
    calls: int,
    refused: str = "",
) -> str:
    """Markdown for GITHUB_STEP_SUMMARY; a hold's first line says why, and when it can change.

    `template` is the text of job-summary.md.j2, `done` the rows of `Report.rows()`, `calls` the requests that
    were sent to GitHub, `refused` why an illegal step was undone.
    """
    rollout, status = state.rollout, state.status
    under_way = status if status is not None and rollout.outcome is Outcome.IN_PROGRESS else None
    headline, why = _first_line(rollout, under_way, refused)
    values: dict[str, object] = {
        "headline": Markdown(headline),
        "why": why,
        "earliest": _earliest(under_way, now),
        "train": rollout.train,
        "release": release_name(rollout.release.version) if rollout.release else "",
        "steps": stepper(state.contract, rollout) if rollout.release else "",
        "timeline": Markdown(timeline(state.contract, rollout, status)),
        "soak": soak_bar(progress(state.contract.phase(under_way.phase), under_way)) if under_way else "",
        "reasons": list(under_way.decision.reasons) if under_way else [],
        "next": [what_next(state), *to_do(state, now=now, pull_request=None)],
        "gates": _gates(under_way) if under_way else [],
        "triggers": list(_fired(under_way)) if under_way else [],
        "done": [Markdown(_row(row)) for row in done[:_MAX_DONE]] or [Markdown("nothing had to change")],
        "calls": calls,
    }
    return cut(render(template, values).strip() + "\n")


def refusal_summary(message: str, hint: str) -> str:
    """Markdown for a command that was refused or failed: the reason is the first line."""
    lines = [f"**Refused:** {code(line, 2000)}" for line in message.splitlines()[:1]]
    lines += [f"- {code(line, 2000)}" for line in message.splitlines()[1:_MAX_DONE]]
    return "\n\n".join(filter(None, ["\n".join(lines), f"What to do: {code(hint, 2000)}" if hint else ""]))


def _first_line(rollout: Rollout, status: Status | None, refused: str) -> tuple[str, str]:
    if refused:
        return "Refused, and frozen:", refused
    if rollout.frozen is not None:
        return "Frozen:", rollout.frozen.reason
    if status is None:
        return f"{rollout.outcome.replace('_', ' ').capitalize()}.", ""
    decision = status.decision
    if decision.verdict is Verdict.PROMOTE:
        return "Ready for", decision.to or ""
    return f"{decision.verdict.capitalize()}:", decision.reasons[0] if decision.reasons else ""


def _earliest(status: Status | None, now: datetime) -> str:
    if status is None or status.decision.verdict is not Verdict.HOLD:
        return ""
    earliest = status.decision.earliest
    return day_and_time(earliest) if earliest is not None and earliest > now else ""


def _gates(status: Status) -> list[dict[str, object]]:
    return [row for gate in worst_first(rows(status.gates)) for row in gate_rows(gate)]


def _fired(status: Status) -> Iterator[str]:
    for finding in status.triggers:
        if finding.fired:
            where = f"{finding.surface}: " if finding.surface else ""
            yield f"{finding.trigger}: {where}{finding.seen}, wanted {finding.wanted}"


def _row(row: Mapping[str, object]) -> str:
    """`commit promote`, `open pull request rollout/tau/v1/canary-1`."""
    kind = str(row["kind"]).replace("_", " ")
    said = (row.get(name) for name in _TOLD)
    return " ".join([kind, *(code(str(one)) for one in said if one not in (None, ""))])


# --- the timeline ----------------------------------------------------------------------------------------


def timeline(contract: Contract, rollout: Rollout, status: Status | None) -> str:
    """A mermaid timeline of the phases in a fenced block; every text in it is a name or made here."""
    names = [phase.name for phase in contract.phases]
    current = names.index(rollout.phase) if rollout.phase in names else -1
    lines = ["```mermaid", "timeline"]
    for index, phase in enumerate(contract.phases):
        events = _events(phase, index, current, rollout, status)
        lines.append(f"    {phase.name} {phase.canary_percent} % : {' : '.join(events)}")
    return "\n".join([*lines, "```"])


def _events(phase: Phase, index: int, current: int, rollout: Rollout, status: Status | None) -> list[str]:
    if index < current or rollout.outcome is Outcome.COMPLETE:
        return ["done"]
    if index > current:
        return ["to come"]
    events = ["frozen" if rollout.frozen else "now"]
    if status is not None and status.phase == phase.name:
        if status.entered_at is not None:
            events.append(f"entered {_moment(status.entered_at)}")
        events.append(f"soak {progress(phase, status).share}")
        if status.decision.earliest is not None:
            events.append(f"at the earliest until {_moment(status.decision.earliest)}")
    return events


def _moment(at: datetime) -> str:
    """Without colons: in a timeline they part events."""
    return day_and_time(at).replace(":", ".")
