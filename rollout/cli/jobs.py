"""Commands that only workflows need: plan, check."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.common import Call, command_options

if TYPE_CHECKING:
    from rollout.ports import Forge


@click.command()
@click.option(
    "--runner", default="ubuntu-24.04", metavar="LABEL", help="For surfaces, and work, that name no runner."
)
@command_options
def plan(call: Call, runner: str) -> None:
    """Say which surfaces are read on which runner; under Actions also as outputs of the step."""
    from rollout.adapters.actions import write_outputs
    from rollout.commands.plan import plan as group

    home = os.environ.get("GITHUB_REPOSITORY", "")
    planned = group(call.workspace.load_for_brake(call.named_train), home, runner)
    document = {
        "runners": [asdict(each) for each in planned.runners],
        "product": planned.product,
        "branch": planned.branch,
    }
    owner, _, name = planned.product.partition("/")
    # What an App needs a token of its own for.
    elsewhere = "" if planned.product.lower() == home.lower() else name
    write_outputs({**document, "owner": owner, "elsewhere": elsewhere}, os.environ)
    lines = [f"{each.label}: {', '.join(each.surfaces) or 'requests only'}" for each in planned.runners]
    call.answer(lambda: document, lambda: "\n".join(lines) or "nothing: no rollout is under way")


@click.command()
@click.option("--merge", required=True, metavar="SHA", help="The commit that merging makes.")
@click.option(
    "--clone",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A clone that holds it and its parents, to see what it changes without asking GitHub.",
)
@command_options
def check(call: Call, merge: str, clone: Path | None) -> None:
    """Would merging this be a legal change of state? Exit 3 when it would be undone."""
    from rollout.adapters.actions import write_summary
    from rollout.commands.check import check as judge

    space = call.workspace
    commit = space.whole_id(merge)
    if clone is None and space.forge_kind == "local":
        space.commit(commit)

    def forge_of(train: str) -> Forge:
        space.train(train)
        return space.forge

    # Of the repository of state: once a train is chosen, the forge looks for commits at its product's.
    changed = space.changed_in(clone, commit) if clone else space.forge.changed_paths(commit)
    checked = judge(space.store, forge_of, space.clock, commit, changed)
    trains = [each.merged.train for each in checked]
    said = f"legal: {', '.join(trains)}" if trains else "no state is touched"
    write_summary(f"**{said.capitalize()}.** Requests to GitHub: {space.calls}", os.environ)
    call.answer(lambda: {"legal": True, "trains": trains}, lambda: said)
