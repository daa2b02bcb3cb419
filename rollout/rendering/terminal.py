"""What commands print for a person in a terminal. Every view is a text that ends without a line break."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, assert_never

from rollout.core.contract import Contract
from rollout.core.decide.pending import held_now
from rollout.core.decide.readings import heads_read, samples_of_release
from rollout.core.observation import Sample
from rollout.core.state import (
    GateFinding,
    Outcome,
    Result,
    Rollout,
    Status,
    TrainState,
    TriggerFinding,
    TriggerState,
    Verdict,
)
from rollout.core.values import seconds_between
from rollout.rendering.gates import (
    GateRow,
    Silence,
    Style,
    alike,
    clock_time,
    count,
    day_and_time,
    listed,
    no_style,
    progress,
    release_name,
    short,
    soak_bar,
    stepper,
    symbol,
    word,
)
from rollout.rendering.inert import in_columns, line

if TYPE_CHECKING:
    from rollout.core.forge import PullRequest
    from rollout.ports import LoggedCommit

SHORT_SHA = 10
DETAIL = 80
"""Characters of what was seen, where it is told in full elsewhere in the view."""
_NO_BREAK = "\u00a0%"
_SOAK = "soak: "
"""How a reason begins that only takes time."""
_UNOBSERVED = "no observation of "
_HEALTH_COLOURS = {"healthy": "green", "degraded": "yellow", "failing": "red", "unknown": "yellow"}
_COLOURS = {
    Result.SATISFIED: "green",
    Result.UNSATISFIED: "red",
    Result.UNKNOWN: "yellow",
    Result.NOT_APPLICABLE: None,
}


# --- status ----------------------------------------------------------------------------------------------


_NOTHING_OPEN = (Outcome.IDLE, Outcome.WITHDRAWN)
"""What status.yaml holds is the end of a release that nobody rolls out."""


def status_view(
    state: TrainState,
    *,
    now: datetime,
    pull_request: int | None,
    columns: int,
    merge: str = "",
    style: Style = no_style,
) -> str:
    """Shows where the train stands, what a person has to do, and everything that the decision rests on.

    `pull_request` is the number of the open promotion pull request, `merge` how it is merged, `columns` the
    terminal's width.
    """
    head, rest = _standing_sections(state, now, columns, style)
    advice = _advice(state, now, pull_request, merge, columns, style)
    return "\n\n".join(section for section in (*head, *advice, *rest) if section)


def reconciled_view(
    state: TrainState,
    effects: Sequence[Mapping[str, object]],
    *,
    now: datetime,
    pull_request: int | None,
    columns: int,
    merge: str = "",
    dry_run: bool = False,
    mistakes: str = "",
    style: Style = no_style,
) -> str:
    """Returns what was decided and done about it; at its end, as `status_view` begins, what a person has to
    do. `mistakes`: as for `to_do`.
    """
    rollout, status = state.rollout, state.status
    if status is not None and rollout.outcome in (Outcome.IN_PROGRESS, Outcome.COMPLETE):
        decided = _verdict_sections(rollout, status, state.contract, now, columns, style, said=(_UNOBSERVED,))
    else:
        head, rest = _standing_sections(state, now, columns, style)
        decided = [*head, *rest]
    done = effects_view(effects, columns=columns, dry_run=dry_run, style=style)
    advice = _advice(state, now, pull_request, merge, columns, style, mistakes)
    return "\n\n".join(section for section in (*decided, done, *advice) if section)


def _advice(
    state: TrainState,
    now: datetime,
    pull_request: int | None,
    merge: str,
    columns: int,
    style: Style,
    mistakes: str = "",
) -> tuple[str, str]:
    # It knows all of a rollback, which `evaluate` does not need.
    from rollout.rendering.advice import to_do, what_next

    todo = to_do(held_now(state, now), now=now, pull_request=pull_request, merge=merge, mistakes=mistakes)
    return (
        section("To do", _bullets(todo, columns), style),
        section("Next", _bullets([what_next(state, now=now)], columns), style),
    )


def _standing_sections(
    state: TrainState, now: datetime, columns: int, style: Style
) -> tuple[list[str], list[str]]:
    """Returns where the train stands, and what that rests on."""
    merged, state = _merged(held_now(state, now), now), held_now(state, now)
    rollout, status = state.rollout, state.status
    if status is not None:
        rollout = status.entered(rollout)
    head = [
        _header(replace(state, rollout=rollout), merged, now, style),
        _track(state.contract, rollout, status, columns, style),
    ]
    incident = state.incident
    if incident is not None and rollout.outcome is not Outcome.IN_PROGRESS:
        from rollout.rendering.rollback import step_lines

        return head, [section(f"Rollback {incident.id}", step_lines(incident, now, style), style)]
    if status is None or status.phase != rollout.phase or rollout.outcome in _NOTHING_OPEN:
        return head, []
    return head, [
        _why(status, columns, style, said=("frozen: ", _UNOBSERVED)),
        _gates(status.gates, now, columns, style),
        _surfaces(state.contract, status, now, columns, style),
        _triggers(status, now, columns, style),
    ]


def _merged(state: TrainState, now: datetime) -> str:
    """Returns the step that is merged and not entered yet, with what it waits for;
    empty when there is none.
    """
    rollout, status = state.rollout, state.status
    if status is None or status.entered(rollout) == rollout:
        return ""
    step = status.merged_step
    awaited = f": waits for {line(step.waits_for)} until {clock_time(step.until, now)}" if step else ""
    return f"merged: {rollout.phase} at {rollout.canary_percent} %, not entered yet{awaited}"


def _header(state: TrainState, merged: str, now: datetime, style: Style) -> str:
    rollout = state.rollout
    release = rollout.release
    if release is None:
        return style(f"{rollout.train}: no release", bold=True)
    stopped = rollout.frozen if rollout.outcome not in (Outcome.COMPLETE, Outcome.WITHDRAWN) else None
    colour = "red" if stopped else ("green" if rollout.outcome is Outcome.COMPLETE else None)
    title = f"{rollout.train}: {line(release_name(release.version))} {_standing(state)}"
    target = rollout.rollback_target
    back = f"rolls back to {line(release_name(target.version))}" if target else "a rollback reverts only"
    facts = f"{release.commit[:SHORT_SHA]}, started {day_and_time(release.started_at)}"
    if rollout.outcome not in _NOTHING_OPEN:
        facts = f"{facts}, {back}"
    lines = [style(title, fg=colour, bold=True), style(facts, dim=True)]
    if merged:
        lines.insert(1, style(merged, fg="yellow", bold=True))
    if stopped is not None:
        since = clock_time(stopped.at, now)
        lines.insert(1, style(f"FROZEN since {since}: {line(stopped.reason)}", fg="red", bold=True))
    elif rollout.outcome is Outcome.WITHDRAWN and rollout.frozen is not None:
        lines.insert(1, f"{clock_time(rollout.frozen.at, now)}: {line(rollout.frozen.reason)}")
    if state.incident is not None and rollout.outcome is Outcome.ROLLING_BACK:
        from rollout.rendering.by_hand import frozen_at

        told = partial(clock_time, now=now)
        percent = frozen_at(state.contract, rollout, state.status, state.incident, told)
        lines += [percent] if percent else []
    return "\n".join(lines)


def _standing(state: TrainState) -> str:
    rollout, status = state.rollout, state.status
    match rollout.outcome:
        case Outcome.COMPLETE:
            return "is complete"
        case Outcome.ROLLING_BACK:
            return f"is rolling back from {rollout.phase}"
        case Outcome.ROLLED_BACK:
            return f"was rolled back from {rollout.phase}"
        case Outcome.WITHDRAWN:
            return f"was withdrawn in {rollout.phase}"
        case Outcome.IDLE:
            return "was the last release, none is under way"
        case Outcome.IN_PROGRESS:
            from rollout.rendering.by_hand import standing_at  # `evaluate` does not need it

            where = f"in {rollout.phase}{standing_at(state.contract, rollout, status)}"
            return f"{where}, {'not entered yet' if status is None else _verdict(status)}"
        case _:
            assert_never(rollout.outcome)


def _verdict(status: Status) -> str:
    match status.decision.verdict:
        case Verdict.HOLD:
            return "soaking" if _is_soaking(status) else "on hold"
        case Verdict.PROMOTE:
            return f"ready for {status.decision.to}"
        case Verdict.ROLLBACK:
            return "to be rolled back"
        case Verdict.COMPLETE:
            return "ready to complete"
        case _:
            assert_never(status.decision.verdict)


def _is_soaking(status: Status) -> bool:
    """Returns whether only time is missing."""
    decision = status.decision
    soaks = [reason.startswith(_SOAK) for reason in decision.reasons]
    return decision.verdict is Verdict.HOLD and bool(soaks) and all(soaks)


def _track(contract: Contract, rollout: Rollout, status: Status | None, columns: int, style: Style) -> str:
    if rollout.release is None or rollout.outcome in _NOTHING_OPEN:
        return ""
    steps = stepper(contract, rollout, style, columns)
    if rollout.phase is None or rollout.outcome is not Outcome.IN_PROGRESS:
        return steps
    return f"{steps}\nsoak {soak_bar(progress(contract.phase(rollout.phase), status))}"


def _why(status: Status, columns: int, style: Style, said: tuple[str, ...] = ()) -> str:
    """Returns the reasons that neither the gates nor the soak show, nor what begins as something `said`
    elsewhere.
    """
    shown = (_SOAK, *said, *(start for gate in _open_gates(status) for start in _as_reasons(gate)))
    reasons = [reason for reason in status.decision.reasons if not reason.startswith(shown)]
    return section("Why", _bullets([line(reason, 500) for reason in reasons], columns), style)


def _open_gates(status: Status) -> list[GateFinding]:
    return [each for each in status.gates if each.result in (Result.UNSATISFIED, Result.UNKNOWN)]


def _as_reasons(finding: GateFinding) -> Iterator[str]:
    """Yields how a reason begins that says what the finding says."""
    if finding.surface is None:
        yield f"{finding.gate}: {finding.seen}"
    else:
        yield f"{finding.gate} ({finding.surface}): {finding.seen}"
        yield f"{finding.surface}: {finding.seen}"


# --- gates, surfaces, triggers ---------------------------------------------------------------------------


def _gates(findings: Sequence[GateFinding], now: datetime, columns: int, style: Style) -> str:
    shown = listed(findings)
    longest = max((len(_gate_name(each)) for each in shown), default=0)
    return section("Gates", [_gate(each, longest, now, columns, style) for each in shown], style)


def _gate_name(each: GateRow | Silence) -> str:
    return each.gate if isinstance(each, GateRow) else count(len(each.gates), "gate")


def _gate(each: GateRow | Silence, longest: int, now: datetime, columns: int, style: Style) -> str:
    result = each.result if isinstance(each, GateRow) else Result.UNKNOWN
    label = f"{symbol(result)} {word(result):<9}"
    lead = f"{label}  {_gate_name(each):<{longest}}  "
    if isinstance(each, GateRow):
        details = [_finding(*group, now) for group in alike(each.open)] or [_holding(each)]
    else:
        told = f"{each.surfaces}: {line(each.seen, DETAIL)} since {clock_time(each.since, now)}"
        details = [told, f"unknown there: {', '.join(each.gates)}"]
    text = hanging("  " + lead, details, columns)
    return text.replace(label, style(label, fg=_COLOURS[result]), 1)


def _finding(surfaces: str, finding: GateFinding, now: datetime) -> str:
    where = f"{surfaces}: " if surfaces else ""
    since = clock_time(finding.since, now)
    return f"{where}{line(finding.seen, DETAIL)} (wanted {line(finding.wanted)}) since {since}"


def _holding(row: GateRow) -> str:
    surfaces = [finding for finding in row.findings if finding.surface]
    if not surfaces:
        return ", ".join(line(finding.seen) for finding in row.findings)
    holding = [finding for finding in surfaces if finding.result is Result.SATISFIED]
    if len(surfaces) == 1 and holding:
        return line(holding[0].seen, DETAIL)
    without = [finding.surface or "" for finding in surfaces if finding.result is Result.NOT_APPLICABLE]
    parts = [count(len(holding), "surface")] if holding else []
    return ", ".join(parts + ([f"n/a: {' '.join(without)}"] if without else []))


def _surfaces(contract: Contract, status: Status, now: datetime, columns: int, style: Style) -> str:
    if status.observation is None:
        return ""
    samples = samples_of_release(status, contract)
    table = [("surface", "health", "streak", "queue", "age")]
    notes, measured = [], []
    for name in contract.surfaces:
        sample = samples.get(name)
        if sample is not None and sample.unknown is None and sample.measurements:
            measured.append(_measured(name, sample, contract, status, now, columns))
        else:
            table.append(_surface(name, sample, now))
        if sample is not None and sample.unknown is not None:
            notes.append(f"{name}: {line(sample.unknown)}")
    heads = heads_read(status.observation)
    ahead = [head[:SHORT_SHA] for head, is_ahead in heads.items() if is_ahead]
    if ahead:
        notes.append(f"read at {', '.join(ahead)}, ahead of the release")
    lines = [_painted_health(text, style) for text in in_columns(table)] if len(table) > 1 else []
    return section("Surfaces", [*lines, *measured, *_bullets(notes, columns)], style)


def _measured(
    name: str, sample: Sample, contract: Contract, status: Status, now: datetime, columns: int
) -> str:
    from rollout.rendering.readings import figures  # few contracts have metrics

    judged = {
        finding.gate: finding.seen
        for finding in status.gates
        if finding.surface == name and finding.result in (Result.SATISFIED, Result.UNSATISFIED)
    }
    age = f"{_age(sample, now)} old" if sample.updated_at else "of unknown age"
    text = f"{figures(contract.surfaces[name], sample, judged)}; {age}"
    return hanging(f"  {name}  ", [text], columns)


def _age(sample: Sample, now: datetime) -> str:
    return short(max(seconds_between(sample.updated_at, now), 0)) if sample.updated_at else "?"


def _surface(name: str, sample: Sample | None, now: datetime) -> tuple[str, str, str, str, str]:
    if sample is None or sample.unknown is not None:
        return (name, "unknown", "?", "?", "?")
    health = sample.health_state.value if sample.health_state else "unknown"
    streak, queue = _field(sample, "failure_streak"), _field(sample, "queue_depth")
    return (name, health, streak, queue, _age(sample, now))


def _field(sample: Sample, field: str) -> str:
    value = sample.fields.get(field)
    if value is not None:
        return f"{value:g}"
    return "n/a" if field in sample.not_applicable else "?"


def _painted_health(text: str, style: Style) -> str:
    for health, colour in _HEALTH_COLOURS.items():
        text = text.replace(f"  {health} ", f"  {style(health, fg=colour)} ", 1)
    return text


def _triggers(status: Status, now: datetime, columns: int, style: Style) -> str:
    """Returns a trigger that is unknown for the reason of a gate is named without it: the gates tell it."""
    findings, told = status.triggers, {(each.surface, each.seen) for each in _open_gates(status)}
    lines, followers = [], []
    for finding in findings:
        if finding.fired:
            text = hanging("  FIRED    ", [_trigger(finding, now)], columns)
            lines.append(text.replace("FIRED", style("FIRED", fg="red", bold=True), 1))
    for finding in findings:
        if finding.state is TriggerState.UNKNOWN and (finding.surface, finding.seen) in told:
            followers.append(f"{finding.trigger} ({finding.surface})" if finding.surface else finding.trigger)
        elif finding.state is TriggerState.UNKNOWN:
            text = hanging("  unknown  ", [_trigger(finding, now)], columns)
            lines.append(text.replace("unknown", style("unknown", fg="yellow"), 1))
    if followers:
        text = hanging("  unknown  ", [", ".join(followers)], columns)
        lines.append(text.replace("unknown", style("unknown", fg="yellow"), 1))
    for state, label in ((TriggerState.QUIET, "quiet"), (TriggerState.NOT_WATCHING, "off")):
        names = ", ".join(finding.trigger for finding in findings if finding.state is state)
        if names:
            lines.append(hanging(f"  {label:<9}", [names], columns))
    return section("Triggers", lines, style)


def _trigger(finding: TriggerFinding, now: datetime) -> str:
    where = f" {finding.surface}" if finding.surface else ""
    since = clock_time(finding.since, now)
    return f"{finding.trigger}{where}: {line(finding.seen, DETAIL)} ({line(finding.wanted)}) since {since}"


# --- evaluate, reconcile ---------------------------------------------------------------------------------


def decision_view(
    rollout: Rollout,
    status: Status,
    *,
    contract: Contract,
    now: datetime,
    columns: int,
    effects: Sequence[Mapping[str, object]] = (),
    dry_run: bool = False,
    style: Style = no_style,
) -> str:
    """Returns what was decided and why, with what was (or, in a dry run, would be) done about it."""
    sections = [
        *_verdict_sections(rollout, status, contract, now, columns, style),
        effects_view(effects, columns=columns, dry_run=dry_run, style=style),
    ]
    return "\n\n".join(section for section in sections if section)


def _verdict_sections(
    rollout: Rollout,
    status: Status,
    contract: Contract,
    now: datetime,
    columns: int,
    style: Style,
    said: tuple[str, ...] = (),
) -> list[str]:
    decision = status.decision
    colour = {Verdict.ROLLBACK: "red", Verdict.HOLD: "yellow"}.get(decision.verdict, "green")
    to = f" to {decision.to}" if decision.to else ""
    where = f"{rollout.train} {line(release_name(status.release))} {status.phase}"
    verdict = "SOAKING" if _is_soaking(status) else decision.verdict.upper()
    head = [f"{where}: {style(verdict + to, fg=colour, bold=True)}"]
    if status.phase:
        head.append(f"soak {soak_bar(progress(contract.phase(status.phase), status))}")
    return [
        "\n".join(head),
        _why(status, columns, style, said),
        _gates(status.gates, now, columns, style),
        _triggers(status, now, columns, style),
    ]


def effects_view(
    effects: Sequence[Mapping[str, object]], *, columns: int, dry_run: bool = False, style: Style = no_style
) -> str:
    """Returns each effect in a line; empty when there is none."""
    lines = [line(_effect(effect), 500) for effect in effects]
    return section("Would do" if dry_run else "Done", _bullets(lines, columns), style)


def _effect(effect: Mapping[str, object]) -> str:
    told = {key: line(str(value)) for key, value in effect.items() if value not in (None, "")}
    commit = told.get("commit", "")[:SHORT_SHA]
    match effect.get("kind"):
        case "commit":
            what = told["event"] + (f" ({told['detail']})" if "detail" in told else "")
            return f"commit {commit}: {what}" if commit else f"commit: {what}"
        case "open_pull_request":
            return f"open pull request {told['branch']}: to {told['to_phase']} at {told['canary_percent']} %"
        case "update_pull_request":
            return f"update the body of pull request #{told['number']}"
        case "close_pull_request":
            return f"close pull request #{told['number']}: {told['reason']}"
        case "set_status":
            return f"status of {commit}: {told['state']}, {told['description']}"
        case "propose_revert":
            return f"open pull request {told['branch']}: it reverts the release"
        case "push_revert":
            return f"push the revert of {commit}"
        case "write_percent":
            by = f"open pull request {told['branch']}: " if "branch" in told else ""
            return f"{by}write {told['canary_percent']} % in {told['path']}: {told['pointer']}"
        case "open_incident":
            return f"open issue: {told['title']}"
        case "update_incident":
            return f"update issue #{told['number']}: {told['title']}"
        case "close_incident":
            return f"close issue #{told['number']}: {told['reason']}"
        case "open_issue":
            return f"open issue {told['key']}: {told['detail']}"
        case "update_issue" | "close_issue" | "answer_comment" as kind:
            detail = f": {told['detail']}" if "detail" in told else ""
            return f"{kind.replace('_', ' ')} {told['key']}{detail}"
        case kind:
            return f"{kind}: {', '.join(f'{key} {value}' for key, value in told.items() if key != 'kind')}"


# --- the other views -------------------------------------------------------------------------------------


def history_view(commits: Iterable[LoggedCommit], *, columns: int, style: Style = no_style) -> str:
    """Returns one line a commit; one whose message is not the tool's shows its author."""
    lines, is_cut = [], False
    for commit in commits:
        lines.append(_logged(commit, columns, style))
        is_cut = is_cut or commit.is_cut
    if is_cut:
        lines.append(_CUT)
    return "\n".join(lines) or "no state commit matches"


def _logged(commit: LoggedCommit, columns: int, style: Style) -> str:
    sha, at = commit.commit[:SHORT_SHA], day_and_time(commit.at).removesuffix(" UTC")
    subject = line(commit.subject)
    if subject.startswith("rollout("):
        subject = subject.split(": ", 1)[-1]
    if "Rollout-Event" not in commit.trailers or commit.is_worked_out:
        event = f"{commit.trailers['Rollout-Event']} " if commit.is_worked_out else ""
        subject = f"{event}by {line(commit.author, 30)}: {subject}"
    return f"{at}  {style(sha, fg='yellow')}  {line(subject, max(columns - 30, 20))}"


def verify_view(
    checked: int,
    problems: Sequence[tuple[str, str]],
    remarks: Sequence[tuple[str, str]] = (),
    cut: str | None = None,
    *,
    columns: int,
    style: Style = no_style,
) -> str:
    """Returns how many state commits were recomputed; each problem is a commit and what is wrong with it.

    `cut` is the commit at which a shallow clone ends.
    """
    recomputed = count(checked, "state commit")
    if problems:
        head = style(f"✗ {len(problems)} of {recomputed} not as recorded", fg="red", bold=True)
    elif cut:
        head = style(f"✗ {recomputed} recomputed, as recorded; what came before is missing", fg="red")
    else:
        head = style(f"✓ {recomputed} recomputed, all as recorded", fg="green")
    told = [*problems, *([(cut, _CUT)] if cut else []), *remarks]
    lines = [hanging(f"  {commit[:SHORT_SHA]}  ", [line(what, 500)], columns) for commit, what in told]
    return "\n".join([head, *lines])


_CUT = "this clone is shallow, and history ends here; get the rest with: git fetch --unshallow"


def pull_requests_view(pulls: Sequence[PullRequest]) -> str:
    """Returns the local forge's pull requests, one line each."""
    if not pulls:
        return "no pull requests"
    table = [
        (f"#{pull.number}", pull.state.value, pull.kind.value, line(pull.title), line(pull.head))
        for pull in pulls
    ]
    return "\n".join(text.strip() for text in in_columns(table))


# --- layout ----------------------------------------------------------------------------------------------


def section(title: str, lines: Sequence[str], style: Style) -> str:
    return "\n".join([style(title, bold=True), *lines]) if lines else ""


def _bullets(texts: Iterable[str], columns: int) -> list[str]:
    return [hanging("  - ", [text], columns) for text in texts]


def _wrapped(text: str, room: int) -> list[str]:
    """Returns the lines of a text; a percent stays beside its sign."""
    parts = textwrap.wrap(text.replace(" %", _NO_BREAK), room, break_on_hyphens=False) or [""]
    return [part.replace(_NO_BREAK, " %") for part in parts]


def hanging(lead: str, texts: Sequence[str], columns: int) -> str:
    """Returns the texts below each other after `lead`, wrapped to the columns with a hanging indent."""
    if len(texts) == 1 and len(lead) + len(texts[0]) <= columns:
        return (lead + texts[0]).rstrip()
    indent = len(lead) if len(lead) <= 6 or columns - len(lead) >= 30 else 6
    room = max(columns - indent, 12)
    lines = [part for text in texts for part in _wrapped(text, room)]
    if indent == len(lead):
        return (lead + ("\n" + " " * indent).join(lines)).rstrip()
    return "\n".join([lead.rstrip(), *(" " * indent + each for each in lines)])
