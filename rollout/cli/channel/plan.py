"""`rollout channel plan`: record what there is to do about a version."""

from __future__ import annotations

import click

from rollout.cli.channel.answers import DRY_RUN, TARGET, VERSION, answer, note, outcome, said, where
from rollout.cli.help import Command
from rollout.cli.options import Call, also_argument, command_options


@click.command("plan", cls=Command)
@VERSION
@TARGET
@DRY_RUN
@command_options
def plan(call: Call, version: str | None, target: str | None, dry_run: bool) -> None:
    """Plan an upgrade to VERSION, else to the channel's newest. A blocked version is recorded as blocked."""
    from rollout.commands.channel.plan import make_plan
    from rollout.rendering.channel import outcome_document, plan_document, plan_view

    target = also_argument("target", version, target)
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
