"""`rollout rehearse`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, command_options
from rollout.cli.output import style
from rollout.cli.waiting import waiting

if TYPE_CHECKING:
    from rollout.core.rollback.rehearsal import RehearsalOutcome


@click.command(cls=Command)
@click.option(
    "--product-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The product's checkout, where evidence is looked for; else the repository.",
)
@click.option("--by", metavar="WHO", help="Who rehearses; else whoever git or GitHub Actions says.")
@click.option("--dry-run", is_flag=True, help="Do not record it.")
@command_options
def rehearse(call: Call, product_dir: Path | None, by: str | None, dry_run: bool) -> None:
    """Go through a rollback's six steps on a scratch copy, and record that it was done."""
    from rollout.commands import rehearse
    from rollout.commands.rehearse import record
    from rollout.errors import RefusedError
    from rollout.rendering.rehearsal import rehearsal_document, rehearsal_view, why_stuck

    space, train = call.workspace, call.train
    who = by or space.decider()
    with waiting("rehearsing", quiet=call.json), space.rehearsal_stage(product_dir) as stage:
        rehearsed = rehearse.rehearse(stage, train, who, call.now)
    commit = None
    if rehearsed.passed and not dry_run:
        commit = record(space.store, space.clock, train, rehearsed, who).commit
    call.answer(
        lambda: rehearsal_document(train, rehearsed, commit),
        lambda: rehearsal_view(rehearsed, commit, style=style),
    )
    _summarize(rehearsed, commit)
    if not rehearsed.passed:
        error = RefusedError(
            f"{train}: {why_stuck(rehearsed)}",
            hint=f"{_fix(rehearsed)}, then rehearse again; nothing was recorded",
        )
        error.documented = True
        raise error


def _fix(rehearsed: RehearsalOutcome) -> str:
    is_only_unvalidated = rehearsed.stuck is None and rehearsed.unvalidated
    return "add a harness or ci_checks gate to a phase" if is_only_unvalidated else "fix that now"


def _summarize(rehearsed: RehearsalOutcome, commit: str | None) -> None:
    """Writes it into the job's summary too, under Actions."""
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        from rollout.adapters.actions import write_summary
        from rollout.rendering.rehearsal import rehearsal_summary

        write_summary(rehearsal_summary(rehearsed, commit), os.environ)
