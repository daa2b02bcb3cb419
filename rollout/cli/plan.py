"""`rollout plan`: which surfaces are read on which runner; for workflows."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, local_options

if TYPE_CHECKING:
    from rollout.commands.plan import Runner


@click.command(cls=Command)
@click.option(
    "--runner", default="ubuntu-24.04", metavar="LABEL", help="For surfaces, and work, that name no runner."
)
@click.option("--only", metavar="LABEL", help="What this runner has to do for the product, and no other.")
@click.option("--metrics", is_flag=True, help="With --only: which metrics it reads, instead.")
@local_options
def plan(call: Call, runner: str, only: str | None, metrics: bool) -> None:
    """Say which surfaces are read on which runner; under Actions also as outputs of the step."""
    from rollout.adapters.actions import write_outputs
    from rollout.commands import plan

    home = os.environ.get("GITHUB_REPOSITORY", "")
    planned = plan.plan(call.workspace.load_for_brake(call.named_train), home, runner)
    chosen = (only, metrics)
    runners = [each for each in planned.runners if not only or (each.label, each.measures) == chosen]
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
        "collects": bool(only) and any(each.surfaces or each.harness for each in runners),
        "due": bool(runners),
    }
    write_outputs(outputs, os.environ)
    lines = [_line(each) for each in runners]
    nothing = f"nothing is read on {only}" if only and planned.runners else "no rollout is under way"
    call.answer(lambda: document, lambda: "\n".join(lines) or f"nothing: {nothing}")


def _line(runner: Runner) -> str:
    what = ", ".join(runner.surfaces) or "requests only"
    return f"{runner.label}: {what}{' (metrics)' if runner.measures else ''}"
