"""`rollout channel set`: follow another channel."""

from __future__ import annotations

import click

from rollout.cli.channel.answers import DRY_RUN, done
from rollout.cli.help import Command
from rollout.cli.options import Call, command_options


@click.command("set", cls=Command)
@click.argument("to", type=click.Choice(["stable", "beta", "dev"]), metavar="stable|beta|dev")
@DRY_RUN
@command_options
def set_(call: Call, to: str, dry_run: bool) -> None:
    """Switch the channel; refused during a rollout."""
    from rollout.commands.channel.set_ import set_channel
    from rollout.core.state import ChannelName

    recorded = set_channel(call.workspace.channel_desk(), call.train, ChannelName(to), dry_run=dry_run)
    done(call, recorded, f"channel is {to}", f"channel is {to} already", dry_run=dry_run)
