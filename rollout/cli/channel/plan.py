"""`rollout channel plan`: record what there is to do about a version."""

from __future__ import annotations

import click

from rollout.cli.channel.answers import DRY_RUN, TARGET, answer, note, outcome, said, where
from rollout.cli.help import Command
from rollout.cli.options import Call, command_options


@click.command("plan", cls=Command)
@TARGET
@DRY_RUN
@command_options
def plan(call: Call, target: str | None, dry_run: bool) -> None:
    """Record what there is to do about a version. A version that a guard blocks is an answer too."""
    from rollout.commands.channel.plan import make_plan
    from rollout.rendering.channel import outcome_document, plan_document, plan_view

    result = make_plan(call.workspace.channel_desk(), call.train, target, dry_run=dry_run)
    made = result.plan
    note(result.lookup)
    answer(
        call,
        lambda: {"train": call.train, **plan_document(made), **outcome_document(*outcome(result))},
        lambda paint: plan_view(
            made,
            where=where(call, made, result.lookup),
            done=said(result),
            diff=result.diff,
            style=paint,
        ),
    )
