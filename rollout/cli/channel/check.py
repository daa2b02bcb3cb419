"""`rollout channel check`: look up releases, and say what the channel offers."""

from __future__ import annotations

import click

from rollout.cli.channel.answers import answer, note, where
from rollout.cli.help import Command
from rollout.cli.options import Call, command_options


@click.command("check", cls=Command)
@command_options
def check(call: Call) -> None:
    """Is there something newer on the channel? Touches nothing."""
    from rollout.commands.channel import check
    from rollout.rendering.channel import check_document, check_view

    plan, looked = check.check(call.workspace.channel_desk(), call.train)
    note(looked)
    answer(
        call,
        lambda: check_document(call.train, plan, looked.fetched_at),
        lambda paint: check_view(plan, where=where(call, plan, looked), style=paint),
    )
