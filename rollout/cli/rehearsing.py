"""`rollout rehearse`."""

from __future__ import annotations

from pathlib import Path

import click

from rollout.cli.common import Call, command_options
from rollout.cli.output import style


@click.command()
@click.option(
    "--product-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The product's checkout, where evidence is looked for; else the repository.",
)
@click.option("--by", metavar="WHO", help="Who rehearses; else whoever git or GitHub Actions says.")
@click.option("--dry-run", is_flag=True, help="Do not record it.")
@command_options
def rehearse(call: Call, product_dir: Path | None, by: str | None, dry_run: bool) -> None:
    """Go through a rollback's six steps on a scratch copy, and record that it was done."""
    from rollout.commands.rehearse import record
    from rollout.commands.rehearse import rehearse as play
    from rollout.errors import RefusedError
    from rollout.rendering.rehearsal import rehearsal_document, rehearsal_view

    space, train = call.workspace, call.train
    who = by or space.decider()
    with space.rehearsal_stage(product_dir) as stage:
        rehearsed = play(stage, train, who, call.now)
    commit = None
    if rehearsed.passed and not dry_run:
        commit = record(space.store, space.clock, train, rehearsed, who).commit
    call.answer(
        lambda: rehearsal_document(train, rehearsed, commit),
        lambda: rehearsal_view(rehearsed, commit, style=style),
    )
    if not rehearsed.passed:
        stuck = rehearsed.stuck
        where = f"{stuck.step.replace('_', ' ')}: {stuck.result}" if stuck else "the product has no branch"
        error = RefusedError(
            f"{train}: a rollback of {rehearsed.release} would need a person: {where}",
            hint="Mend that now, then rehearse again; nothing was recorded.",
        )
        error.documented = True
        raise error
