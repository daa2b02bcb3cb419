"""`rollout reconcile`: fold in evidence, decide, record it, and keep the pull requests."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from rollout.cli.help import Command
from rollout.cli.options import FILE, Call, command_options
from rollout.cli.output import columns, progress, style, warn
from rollout.cli.waiting import waiting

if TYPE_CHECKING:
    from rollout.commands.reconcile.report import Report
    from rollout.core.observation import Evidence
    from rollout.errors import RolloutError


def _handed_over(folder: Path | None, run: str | None) -> list[Evidence]:
    """Returns what the jobs of a run left in a folder of artifacts."""
    if folder is None:
        return []
    from rollout.adapters.artifacts import evidence_in
    from rollout.core.decide.intake import check_run

    evidence = evidence_in(folder)
    if run:
        check_run(evidence, run)
    return evidence


class _Collected(NamedTuple):
    """What another run has handed over."""

    evidence: list[Evidence]
    workflow: str = ""
    """The file's name."""
    refusal: RolloutError | None = None
    """Why nothing of it is taken."""


def _of_collecting(call: Call, folder: Path | None, run: str) -> _Collected:
    """Returns what another run has collected.

    No fault of the evidence keeps a decision on facts from being made.
    """
    from rollout.commands.reconcile.collecting import check_handed_over, why_empty
    from rollout.errors import InputError, OutsideError

    try:
        if not run.isdecimal():
            raise InputError(f"--run {run}: not the number of a run", hint="take it from the run's address")
        collecting = call.workspace.collecting
        found = collecting.run(run)
        workflow = check_handed_over(found, run, collecting)
        evidence = _handed_over(folder, run)
        if found is not None and not evidence:
            warn(why_empty(found, run, collecting.kept(run)), title="no evidence")
    except (InputError, OutsideError) as error:
        return _Collected([], refusal=error)
    return _Collected(evidence, workflow)


def _ask(call: Call, report: Report, usual: str, began: datetime, *, is_answer: bool) -> None:
    from rollout.commands.reconcile.collecting import ask, due_readings

    space = call.workspace
    brought = {taken.step.event for taken in report.steps} if is_answer else None
    due = due_readings(report.state, usual, began, brought=brought)
    for runner in ask(space.collecting, space.decorations, due, began):
        what = "metrics" if runner.measures else "a reading"
        progress(f"asked for {what} on {runner.label}")


def _evidence(path: Path) -> Evidence:
    from rollout.files.evidence import read_evidence

    return read_evidence(path)


@click.command(cls=Command)
@click.argument("files", type=FILE, nargs=-1, metavar="[FILE]...")
@click.option(
    "--observation",
    "observations",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="The same as FILE; may be given again.",
)
@click.option(
    "--evidence",
    "folder",
    type=FILE,
    metavar="DIR",
    help="A folder of artifacts (zip) with such files, as other jobs hand them over.",
)
@click.option(
    "--run",
    metavar="ID",
    help="The run of rollout-collect or rollout-metrics that the artifacts are of; else this one.",
)
@click.option(
    "--ask",
    "usual",
    metavar="LABEL",
    help="Start rollout-collect, and rollout-metrics, on each runner where a reading is due; LABEL is for"
    " surfaces that name none.",
)
@click.option("--dry-run", is_flag=True, help="Print the effects and change nothing.")
@command_options
def reconcile(
    call: Call,
    files: tuple[Path, ...],
    observations: tuple[Path, ...],
    folder: Path | None,
    run: str | None,
    usual: str | None,
    dry_run: bool,
) -> None:
    """Fold in evidence, decide, record it, and open, update or close the promotion pull request.

    Each FILE holds evidence: an observation of `collect` or results of `perform`. Without any it decides on
    facts alone.
    """
    began = call.now
    given = [*map(_evidence, (*files, *observations))]
    if run:
        report, refusal = _decided_by_run(call, given, folder, run, dry_run=dry_run)
    else:
        given += _handed_over(folder, os.environ.get("GITHUB_RUN_ID"))
        report, refusal = decide(call, given, dry_run=dry_run), None
    if usual and not dry_run:
        _ask(call, report, usual, began, is_answer=bool(run))
    answer(call, [report], dry_run=dry_run)
    if refusal is not None:
        refusal.documented = call.json
        raise refusal


def answer(call: Call, reports: Sequence[Report], *, dry_run: bool) -> None:
    """Tells what these runs, one after the other, found and did.

    Raises RefusedError for an illegal step, InputError for files of state that cannot be used or evidence
    that cannot be believed.
    """
    from rollout.commands.status import open_promotion
    from rollout.rendering.documents import reconcile_document

    call.leave_out(each.name for report in reports if not report.illegal for each in report.broken)
    call.tell_broken()
    for report in reports:
        for note in (*report.notes, *(f"left out: {error.message}" for error in report.refused)):
            progress(f"note: {note}")
            warn(note)
    rows, last = [row for report in reports for row in report.rows()], reports[-1]
    state = last.state
    call.answer(
        lambda: reconcile_document(state.rollout, state.status, rows, dry_run=dry_run),
        lambda: _told(call, last, rows, dry_run=dry_run),
    )
    call.summarize(
        state,
        rows,
        refused="; ".join(report.illegal for report in reports if report.illegal),
        pull_request=lambda: open_promotion(call.workspace.forge, state.train) if last.is_ready else None,
    )
    for report in reports:
        if report.froze:
            warn(report.froze, title=f"{state.train} is frozen")
    for report in reports:
        _refuse_what_is_wrong(report, call.now)


def _decided_by_run(
    call: Call, given: list[Evidence], folder: Path | None, run: str, *, dry_run: bool
) -> tuple[Report, RolloutError | None]:
    """Decides by what another run read, or by facts alone where that is refused; returns the refusal too."""
    from rollout.errors import InputError

    collected = _of_collecting(call, folder, run)
    evidence = [*given, *collected.evidence]
    try:
        return decide(call, evidence, dry_run=dry_run, workflow=collected.workflow), collected.refusal
    except InputError as error:
        if not evidence:
            raise
        return decide(call, [], dry_run=dry_run), error


def decide(call: Call, evidence: Sequence[Evidence], *, dry_run: bool, workflow: str = "") -> Report:
    reconciler = call.workspace.reconciler(dry_run=dry_run)
    with waiting("reconciling", quiet=call.json):
        return reconciler.run(call.train, evidence, workflow=workflow)


def _told(call: Call, report: Report, rows: Sequence[Mapping[str, object]], *, dry_run: bool) -> str:
    from rollout.commands.status import open_pull_request
    from rollout.core.decide.applying import awaited_branch
    from rollout.core.state import Outcome
    from rollout.rendering.terminal import reconciled_view

    space, state = call.workspace, report.state
    is_rolling_back = state.rollout.outcome is Outcome.ROLLING_BACK
    has_one = report.is_ready or is_rolling_back or bool(awaited_branch(state))
    number = open_pull_request(space.forge, state) if has_one else None
    return reconciled_view(
        state,
        rows,
        now=call.now,
        pull_request=number,
        columns=columns(),
        merge=space.how_to_merge(number),
        dry_run=dry_run,
        mistakes="" if report.illegal else "its mistakes, and the way back, are told below",
        style=style,
    )


def _refuse_what_is_wrong(report: Report, now: datetime) -> None:
    """Raises RefusedError for an illegal step, InputError for files of state that cannot be used."""
    from rollout.commands.broken import written_anew
    from rollout.errors import InputError, RefusedError
    from rollout.rendering.advice import after_undoing

    if report.illegal:
        said, hint = after_undoing(report.state, report.illegal, now=now)
        error: RolloutError = RefusedError(said, hint=hint)
    elif report.broken:
        problems = "\n".join(each.problem for each in report.broken)
        hints = (written_anew(each) if each in report.fixed else each.hint for each in report.broken)
        error = InputError(problems, hint="\n".join(hints))
    elif report.refused:
        error = report.refused[0]
    else:
        return
    error.documented = True
    raise error
