"""The summary of a job: where the rollout stands, why, what comes next, and what this run did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from rollout.core.contract import Contract, Phase
from rollout.core.state import Outcome, Rollout, Status, TrainState, Verdict
from rollout.rendering.advice import to_do, what_next
from rollout.rendering.gates import Progress, day_and_time, progress, release_name, stepper
from rollout.rendering.inert import Markdown, code, cut, prose, text
from rollout.rendering.markdown import holding, not_holding, render

_MAX_DONE = 50
_LONGEST = 2000
_PAGE = re.compile(r"https?://[\w.:-]+/[\w.-]+/[\w.-]+")
_TOLD = ("event", "branch", "number", "to_phase", "state", "description", "detail")


@dataclass(frozen=True)
class Run:
    """What the command did, for its summary."""

    done: Sequence[Mapping[str, object]] = ()
    """The rows of `Report.rows()`."""
    calls: int = 0
    """Requests that were sent to GitHub."""
    refused: str = ""
    """Why an illegal step was undone."""
    pull_request: int | None = None
    """The number of the open promotion pull request."""
    page: str = ""
    """Where the repository is on the web, such as `https://github.com/acme/tau`; empty for no links."""
    branch: str = "HEAD"
    """The state branch."""


def job_summary(template: str, state: TrainState, run: Run, *, now: datetime) -> str:
    """Returns markdown for GITHUB_STEP_SUMMARY; a hold's first line says why, and when it can change.

    `template` is the text of job-summary.md.j2.
    """
    status = state.status
    rollout = status.entered(state.rollout) if status else state.rollout
    under_way = status if status is not None and rollout.outcome is Outcome.IN_PROGRESS else None
    headline, why, note = _first_line(state, under_way, run, now)
    values: dict[str, object] = {
        "headline": Markdown(headline),
        "why": text(why, 500),
        "note": Markdown(note),
        "train": rollout.train,
        "release": release_name(rollout.release.version) if rollout.release else "",
        "steps": _steps(state.contract, rollout) if rollout.release else "",
        "soak": _soak(progress(state.contract.phase(under_way.phase), under_way)) if under_way else "",
        "to_do": [_todo(each, run) for each in to_do(state, now=now, pull_request=run.pull_request)],
        "next": prose(what_next(state, now=now), _LONGEST),
        "reasons": [text(each, 500) for each in _others(under_way, why)] if under_way else [],
        "gates": not_holding(under_way.gates) if under_way else [],
        "holding": holding(under_way.gates) if under_way else [],
        "triggers": list(_fired(under_way)) if under_way else [],
        "timeline": Markdown(timeline(state.contract, rollout, status) if rollout.release else ""),
        "done": [Markdown(_row(row)) for row in run.done[:_MAX_DONE]] or [Markdown("nothing had to change")],
        "calls": run.calls,
    }
    return cut(render(template, values).strip() + "\n")


def _steps(contract: Contract, rollout: Rollout) -> Markdown:
    """Returns `preflight ✓ → **canary-1 5 %** → canary-2`."""
    shown = text(stepper(contract, rollout), 2000).replace(" > ", " → ")
    return Markdown(shown.replace("\\[", "**").replace("\\]", "**"))


def _soak(soak: Progress) -> str:
    return f"{soak.share}, {soak.left} left" if soak.left else f"{soak.share}, done"


def _todo(sentence: str, run: Run) -> Markdown:
    """Renders a to-do. The promotion's number is a link: on GitHub a summary has no references."""
    if run.pull_request is None:
        return prose(sentence, _LONGEST)
    number = f"#{run.pull_request}"
    shown = _link(number, run.page, f"pull/{run.pull_request}") or number
    return Markdown(prose(sentence, _LONGEST).replace(text(number), shown))


def _others(status: Status, told: str) -> list[str]:
    """Returns what holds it up beside what the first line says."""
    promotes = status.decision.verdict is Verdict.PROMOTE
    return [] if promotes else [reason for reason in status.decision.reasons if reason != told]


def refusal_summary(message: str, hint: str) -> str:
    """Returns markdown for a command that was refused or failed: the reason is the first line."""
    lines = [f"**Refused:** {prose(line, _LONGEST)}" for line in message.splitlines()[:1]]
    lines += [f"- {prose(line, _LONGEST)}" for line in message.splitlines()[1:_MAX_DONE]]
    return "\n\n".join(
        filter(None, ["\n".join(lines), f"What to do: {prose(hint, _LONGEST)}" if hint else ""])
    )


def lost_summary(lost: Sequence[str]) -> str:
    """Returns markdown for decorations that failed, a line each."""
    lines = [f"- {prose(line, _LONGEST)}" for line in lost[:_MAX_DONE]]
    return "\n".join(["", "### Not shown on GitHub", "", *lines, "", _IS_RECORDED])


_IS_RECORDED = "What is recorded, and what was decided, is the same without. The next run tries it again."


def _first_line(state: TrainState, status: Status | None, run: Run, now: datetime) -> tuple[str, str, str]:
    """Returns what is (in bold), then why, then when it began or can change, or what to press."""
    rollout = state.rollout
    if run.refused:
        return f"Refused, and {'frozen' if rollout.frozen else 'undone'}:", run.refused, ""
    if rollout.frozen is not None:
        since = f"Since {day_and_time(rollout.frozen.at)}."
        incident = _link("incident", run.page, _incident_path(state, run.branch))
        return _stopped(rollout), rollout.frozen.reason, f"{since} {incident}".strip()
    if status is None:
        return f"{rollout.outcome.replace('_', ' ').capitalize()}.", "", ""
    decision = status.decision
    if decision.verdict is Verdict.PROMOTE:
        return "Ready for", decision.to or "", _merge(run)
    earliest = decision.earliest if decision.verdict is Verdict.HOLD else None
    note = (
        f"It can change at {day_and_time(earliest)} at the earliest." if earliest and earliest > now else ""
    )
    return f"{decision.verdict.capitalize()}:", decision.reasons[0] if decision.reasons else "", note


_STOPPED = {
    Outcome.ROLLING_BACK: "Frozen, rolling back",
    Outcome.ROLLED_BACK: "Rolled back",
    Outcome.WITHDRAWN: "Ended",
}


def _stopped(rollout: Rollout) -> str:
    what = _STOPPED.get(rollout.outcome, "Frozen")
    return f"{what} {release_name(rollout.release.version)}:" if rollout.release else f"{what}:"


def _merge(run: Run) -> str:
    if run.pull_request is None:
        return ""
    number = run.pull_request
    return f"Merge {_link(f'#{number}', run.page, f'pull/{number}') or f'#{number}'}."


def _incident_path(state: TrainState, branch: str) -> str:
    """Returns the path below the repository's page; empty when no incident froze it."""
    frozen = state.rollout.frozen
    if frozen is None or frozen.incident is None:
        return ""
    return f"blob/{quote(branch)}/state/{quote(state.train)}/incidents/{quote(frozen.incident)}.yaml"


def _link(text: str, page: str, path: str) -> str:
    """Returns markdown; empty when there is nowhere to go, or the page's address is not a plain one."""
    return f"[{text}]({page}/{path})" if path and _PAGE.fullmatch(page) else ""


def _fired(status: Status) -> Iterator[str]:
    for finding in status.triggers:
        if finding.fired:
            where = f"{finding.surface}: " if finding.surface else ""
            yield f"{finding.trigger}: {where}{finding.seen}, wanted {finding.wanted}"


def _row(row: Mapping[str, object]) -> str:
    """Returns `commit promote`, `open pull request rollout/tau/v1/canary-1`."""
    kind = str(row["kind"]).replace("_", " ")
    said = ((name, row.get(name)) for name in _TOLD)
    words = (
        code(str(one)) if name == "branch" else text(str(one)) for name, one in said if one not in (None, "")
    )
    return " ".join([kind, *words])


# --- the timeline ----------------------------------------------------------------------------------------


def timeline(contract: Contract, rollout: Rollout, status: Status | None) -> str:
    """Returns a mermaid timeline of the phases in a fenced block; every text in it is a name or made here."""
    names = [phase.name for phase in contract.phases]
    current = names.index(rollout.phase) if rollout.phase in names else -1
    lines = ["```mermaid", "timeline"]
    for index, phase in enumerate(contract.phases):
        events = _events(phase, index, current, rollout, status)
        # The percent goes first: a phase may be called `title` or `section`, which begin other things there.
        lines.append(f"    {phase.canary_percent} % {phase.name} : {' : '.join(events)}")
    return "\n".join([*lines, "```"])


def _events(phase: Phase, index: int, current: int, rollout: Rollout, status: Status | None) -> list[str]:
    if index < current or rollout.outcome is Outcome.COMPLETE:
        return ["done"]
    if index > current:
        return ["to come"]
    if rollout.outcome is Outcome.WITHDRAWN:
        return ["withdrawn"]
    events = ["frozen" if rollout.frozen else "now"]
    if status is not None and status.phase == phase.name:
        if status.entered_at is not None:
            events.append(f"entered {_moment(status.entered_at)}")
        events.append(f"soak {progress(phase, status).share}")
        if status.decision.earliest is not None:
            events.append(f"until {_moment(status.decision.earliest)} at the earliest")
    return events


def _moment(at: datetime) -> str:
    """Writes the time without colons: in a timeline they separate events."""
    return day_and_time(at).replace(":", ".")
