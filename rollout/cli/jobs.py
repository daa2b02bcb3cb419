"""Commands that only workflows need: plan, check."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.common import Call, local_options

if TYPE_CHECKING:
    from rollout.ports import Forge


@click.command()
@click.option(
    "--runner", default="ubuntu-24.04", metavar="LABEL", help="For surfaces, and work, that name no runner."
)
@click.option("--only", metavar="LABEL", help="What this runner has to do, and no other.")
@local_options
def plan(call: Call, runner: str, only: str | None) -> None:
    """Say which surfaces are read on which runner; under Actions also as outputs of the step."""
    from rollout.adapters.actions import write_outputs
    from rollout.commands.plan import plan as group

    home = os.environ.get("GITHUB_REPOSITORY", "")
    planned = group(call.workspace.load_for_brake(call.named_train), home, runner)
    runners = [each for each in planned.runners if only in (None, each.label)]
    document = {
        "runners": [asdict(each) for each in runners],
        "product": planned.product,
        "branch": planned.branch,
        "submodules": planned.submodules,
        "lfs": planned.lfs,
    }
    owner, _, name = planned.product.partition("/")
    # What an App needs a token of its own for.
    elsewhere = "" if planned.product.lower() == home.lower() else name
    outputs = {
        **document,
        "owner": owner,
        "elsewhere": elsewhere,
        "surfaces": [name for each in runners for name in each.surfaces] if only else [],
        "performs": bool(only) and any(each.performs for each in runners),
        "due": bool(runners),
    }
    write_outputs(outputs, os.environ)
    lines = [f"{each.label}: {', '.join(each.surfaces) or 'requests only'}" for each in runners]
    nothing = f"nothing is read on {only}" if only and planned.runners else "no rollout is under way"
    call.answer(lambda: document, lambda: "\n".join(lines) or f"nothing: {nothing}")


@click.command()
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
    from rollout.commands.check import check as judge
    from rollout.commands.check import touched_trains

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
    if touched_trains(changed) and into and into != space.branch:
        trains, said = [], f"not judged: {into} is not the state branch {space.branch}"
    else:
        checked = judge(space.store, forge_of, space.clock, commit, changed, base=since)
        trains = [each.merged.train for each in checked]
        said = f"legal: {', '.join(trains)}" if trains else "no state is touched"
    write_summary(f"**{said[:1].upper()}{said[1:]}.** Requests to GitHub: {space.calls}", os.environ)
    call.answer(lambda: {"legal": True, "trains": trains}, lambda: said)
