"""`rollout check`: what merging a pull request would do to state; for workflows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, local_options

if TYPE_CHECKING:
    from rollout.ports import Forge


@click.command(cls=Command)
@click.option(
    "--merge",
    required=True,
    metavar="SHA",
    envvar="ROLLOUT_CHECK_MERGE",
    help="The commit that merging makes.",
)
@click.option(
    "--clone",
    envvar="ROLLOUT_CHECK_CLONE",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A clone that holds it and its parents, to see what it changes without asking GitHub.",
)
@click.option(
    "--since",
    metavar="SHA",
    envvar="ROLLOUT_CHECK_SINCE",
    help="The commit that it is merged into; else its first parent.",
)
@click.option(
    "--base",
    metavar="BRANCH",
    envvar="ROLLOUT_CHECK_BASE",
    help="The branch that it is merged into. Only the state branch is judged.",
)
@local_options
def check(call: Call, merge: str, clone: Path | None, since: str | None, base: str | None) -> None:
    """Would merging this be a legal change of state? Exit 3 when it would be undone."""
    from rollout.adapters.actions import write_summary
    from rollout.commands import check

    space = call.workspace
    commit = space.whole_id(merge)
    if clone is None and space.forge_kind == "local":
        space.commit(commit)
        clone = space.repo

    def forge_of(train: str) -> Forge:
        space.train(train)
        return space.forge

    # Of the repository of state: once a train is chosen, the forge looks for commits at its product's.
    if clone is not None:
        since, changed = space.changed_in(clone, commit, since)
    else:
        changed = space.forge.changed_paths(commit)
    into = (base or "").removeprefix("refs/heads/")
    if check.touched_trains(changed) and into and into != space.branch:
        trains, said = [], f"not judged: {into} is not the state branch {space.branch}"
    else:
        checked = check.check(space.store, forge_of, space.clock, commit, changed, base=since)
        trains = [each.merged.train for each in checked]
        said = f"legal: {', '.join(trains)}" if trains else "no state is touched"
    write_summary(f"**{said[:1].upper()}{said[1:]}.** Requests to GitHub: {space.calls}", os.environ)
    call.answer(lambda: {"legal": True, "trains": trains}, lambda: said)
