"""Commands that jobs run: collect, perform, evaluate, reconcile."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.common import Call, command_options, looking_options
from rollout.cli.output import columns, out, progress, style, warn

if TYPE_CHECKING:
    from rollout.commands.reconcile import Report
    from rollout.core.contract import Contract
    from rollout.core.observation import Evidence
    from rollout.errors import RolloutError

WORKERS = 8
_FILE = click.Path(path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
"""Of a folder that is not there evidence would be captured for good, and be nothing. Collect says unknown."""
_VERDICT_CODES = {"hold": 10, "promote": 11, "rollback": 12, "complete": 13}


@click.command()
@click.option("--surface", "surfaces", multiple=True, metavar="S", help="Only this one; may be given again.")
@click.option(
    "--output", type=_FILE, metavar="FILE", help="Where the observation goes; else standard output."
)
@click.option("--product-dir", type=_FILE, metavar="DIR", help="The product's checkout; else the repository.")
@click.option("--round", "round_id", metavar="ID", help="Files of one round are merged by reconcile.")
@click.option(
    "--runner", metavar="LABEL", help="This machine's, where others read the rest: that stays as it was read."
)
@click.option(
    "--evidence-dir",
    type=_FILE,
    metavar="DIR",
    help="Where the output of a command that fails is kept; else `evidence` beside --output, else nowhere.",
)
@command_options
def collect(
    call: Call,
    surfaces: tuple[str, ...],
    output: Path | None,
    product_dir: Path | None,
    round_id: str | None,
    runner: str | None,
    evidence_dir: Path | None,
) -> None:
    """Read the surfaces and the harness report into an observation."""
    from rollout.adapters.evidence_file import check_output, dump_evidence, write_evidence
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands.collect import collect as observe

    check_output(output)
    state = call.workspace.load_for_brake(call.named_train)
    with stopping_in_order():
        observation = observe(
            state.contract,
            state.contract_digest,
            state.rollout,
            state.status,
            call.workspace.product(product_dir, _evidence_dir(state.contract, evidence_dir, output)),
            call.workspace.clock,
            surfaces=surfaces or None,
            round_id=round_id,
            workers=WORKERS,
            progress=progress,
            runner=runner,
        )
    for name, sample in observation.samples.items():
        if sample.unknown:
            warn(sample.unknown, title=f"{name} is unknown")
    if output is not None:
        write_evidence(output, observation)
    if output is None or call.json:
        out(dump_evidence(observation), nl=False)


@click.command()
@click.option("--output", type=_FILE, metavar="FILE", help="Where the results go; else standard output.")
@click.option(
    "--product-dir", type=_FOLDER, metavar="DIR", help="The product's checkout; else the repository."
)
@click.option(
    "--evidence-dir",
    type=_FILE,
    metavar="DIR",
    help="Where an incident's evidence is copied to; else `evidence` beside --output, else nowhere.",
)
@command_options
def perform(call: Call, output: Path | None, product_dir: Path | None, evidence_dir: Path | None) -> None:
    """Carry out what reconcile asked for: percent, harness, a rollback's steps. Nothing pending is fine."""
    from rollout.adapters.evidence_file import check_output, dump_evidence, write_evidence
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands.perform import perform as carry_out

    check_output(output)
    state = call.workspace.load_for_brake(call.named_train)
    copies_to = _evidence_dir(state.contract, evidence_dir, output)
    product = call.workspace.product(product_dir, copies_to)
    clock, channel, copies = call.workspace.clock, state.channel, copies_to is not None
    with stopping_in_order():
        results = carry_out(
            state.contract, state.rollout, state.status, product, clock, progress, channel, copies=copies
        )
    if results is None:
        progress("nothing pending")
        if call.json:
            out("null")
        return
    if copies_to is None and any(result.captured for result in results.results):
        wanted = state.contract.rollback.evidence_copies == "always"
        why = "for copies give --evidence-dir DIR" if wanted else "rollback.evidence_copies is never"
        progress(f"note: evidence was read and not copied; {why}")
    if output is not None:
        write_evidence(output, results)
    if output is None or call.json:
        out(dump_evidence(results), nl=False)


def _evidence_dir(contract: Contract, named: Path | None, output: Path | None) -> Path | None:
    """Where copies go; None where there are to be none."""
    if contract.rollback.evidence_copies == "never":
        return None
    return named or (output.parent / "evidence" if output is not None else None)


@click.command()
@click.option(
    "--observation", type=_FILE, metavar="FILE", help="Judge this one; else the last that was recorded."
)
@click.option("--exit-code", is_flag=True, help="Exit 10 hold, 11 promote, 12 rollback, 13 complete.")
@looking_options
def evaluate(call: Call, observation: Path | None, exit_code: bool) -> int:
    """Explain gates, triggers and decision as they would be now; touches nothing."""
    from rollout.commands.evaluate import evaluate as judge

    space = call.workspace
    evidence = _evidence(observation) if observation is not None else None
    state = judge(space.store, space.forge, space.clock, call.train, evidence)
    status = state.status
    assert status is not None

    def document() -> object:
        from rollout.rendering.documents import evaluate_document

        return evaluate_document(state.rollout, status)

    def text() -> str:
        from rollout.rendering.terminal import decision_view

        return decision_view(
            state.rollout, status, contract=state.contract, now=call.now, columns=columns(), style=style
        )

    call.answer(document, text)
    return _VERDICT_CODES[status.decision.verdict] if exit_code else 0


def _handed_over(folder: Path | None, run: str | None) -> list[Evidence]:
    """What the jobs of a run left in a folder of artifacts."""
    if folder is None:
        return []
    from rollout.adapters.artifacts import evidence_in
    from rollout.commands.evidence import check_run

    evidence = evidence_in(folder)
    if run:
        check_run(evidence, run)
    return evidence


def _of_collecting(call: Call, folder: Path | None, run: str) -> tuple[list[Evidence], RolloutError | None]:
    """What another run has collected, and why it is not taken.

    No fault of the evidence keeps a decision on facts from being made.
    """
    from rollout.commands.collecting import check_handed_over, why_empty
    from rollout.errors import InputError, OutsideError

    try:
        if not run.isdecimal():
            raise InputError(f"--run {run}: not the number of a run", hint="take it from the run's address")
        collecting = call.workspace.collecting
        found = collecting.run(run)
        check_handed_over(found, run, collecting)
        evidence = _handed_over(folder, run)
        if found is not None and not evidence:
            warn(why_empty(found, run, collecting.kept(run)), title="no evidence")
    except (InputError, OutsideError) as error:
        return [], error
    return evidence, None


def _ask(call: Call, report: Report, usual: str, began: datetime, *, is_answer: bool) -> None:
    import json

    from rollout.commands.collecting import ask, wanted
    from rollout.commands.plan import plan

    space = call.workspace
    brought = {taken.step.event for taken in report.steps} if is_answer else None
    due = wanted(report.state, usual, began, brought=brought)
    runs_on = {
        each.label: "" if each.runs_on == each.label else json.dumps(each.runs_on)
        for each in plan(report.state, "", usual).runners
    }
    for label in ask(space.collecting, space.decorations, due, began, runs_on):
        progress(f"asked for a reading on {label}")


def _evidence(path: Path) -> Evidence:
    from rollout.adapters.evidence_file import read_evidence

    return read_evidence(path)


@click.command()
@click.option(
    "--observation",
    "observations",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Evidence to fold in; may be given again.",
)
@click.option(
    "--evidence",
    "folder",
    type=_FILE,
    metavar="DIR",
    help="A folder of artifacts (zip) with such files, as other jobs hand them over.",
)
@click.option(
    "--run", metavar="ID", help="The run of rollout-collect that the artifacts are of; else this one."
)
@click.option(
    "--ask",
    "usual",
    metavar="LABEL",
    help="Start rollout-collect on each runner where a reading is due; LABEL is for surfaces that name none.",
)
@click.option("--dry-run", is_flag=True, help="Print the effects and change nothing.")
@command_options
def reconcile(
    call: Call,
    observations: tuple[Path, ...],
    folder: Path | None,
    run: str | None,
    usual: str | None,
    dry_run: bool,
) -> None:
    """Fold in evidence, decide, record it, and open, update or close the promotion pull request."""
    from rollout.commands.looking import open_promotion
    from rollout.rendering.documents import reconcile_document

    space, train, began = call.workspace, call.train, call.now
    given = [*map(_evidence, observations)]
    if run:
        report, refusal = _decided_by_run(call, given, folder, run, dry_run=dry_run)
    else:
        given += _handed_over(folder, os.environ.get("GITHUB_RUN_ID"))
        report, refusal = _decided(call, given, dry_run=dry_run), None
    if usual and not dry_run:
        _ask(call, report, usual, began, is_answer=bool(run))
    call.tell_broken()
    for note in (*report.notes, *(f"left out: {error.message}" for error in report.refused)):
        progress(f"note: {note}")
        warn(note)
    rows, state = report.rows(), report.state
    call.answer(
        lambda: reconcile_document(state.rollout, state.status, rows, dry_run=dry_run),
        lambda: _told(report, call.now, dry_run=dry_run),
    )
    call.summarize(
        state,
        rows,
        refused=report.illegal,
        pull_request=lambda: open_promotion(space.forge, train) if report.is_ready else None,
    )
    if report.froze:
        warn(report.froze, title=f"{train} is frozen")
    _refuse_what_is_wrong(report, call.now)
    if refusal is not None:
        refusal.documented = call.json
        raise refusal


def _decided_by_run(
    call: Call, given: list[Evidence], folder: Path | None, run: str, *, dry_run: bool
) -> tuple[Report, RolloutError | None]:
    """By what a run of rollout-collect read, and by facts alone where that is refused; with the refusal."""
    from rollout.errors import InputError

    collected, refusal = _of_collecting(call, folder, run)
    evidence = [*given, *collected]
    try:
        return _decided(call, evidence, dry_run=dry_run), refusal
    except InputError as error:
        if not evidence:
            raise
        return _decided(call, [], dry_run=dry_run), error


def _decided(call: Call, evidence: list[Evidence], *, dry_run: bool) -> Report:
    from rollout.commands.reconcile import Reconciler

    space = call.workspace
    reconciler = Reconciler(
        space.store,
        space.forge,
        space.clock,
        space.promotion_body(),
        responder=space.responder(),
        desk=space.signoff_desk(dry_run=dry_run),
        targets=space.target_lookup(),
        decorations=space.decorations,
        dry_run=dry_run,
    )
    return reconciler.run(call.train, evidence)


def _told(report: Report, now: datetime, *, dry_run: bool) -> str:
    from rollout.core.state import Outcome
    from rollout.rendering.terminal import decision_view, effects_view, status_view

    state, rows = report.state, report.rows()
    rollout, status = state.rollout, state.status
    if status is None or rollout.outcome not in (Outcome.IN_PROGRESS, Outcome.COMPLETE):
        view = status_view(state, now=now, pull_request=None, columns=columns(), style=style)
        done = effects_view(rows, columns=columns(), dry_run=dry_run, style=style)
        return f"{view}\n\n{done}" if done else view
    return decision_view(
        rollout,
        status,
        contract=state.contract,
        now=now,
        columns=columns(),
        effects=rows,
        dry_run=dry_run,
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
        hints = (written_anew(each) if each in report.mended else each.hint for each in report.broken)
        error = InputError(problems, hint="\n".join(hints))
    elif report.refused:
        error = report.refused[0]
    else:
        return
    error.documented = True
    raise error
