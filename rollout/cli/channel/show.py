"""`rollout channel show`: channel, version, and what is known of a newer one."""

from __future__ import annotations

import click

from rollout.cli.channel.answers import answer
from rollout.cli.help import Command
from rollout.cli.options import Call, looking_options


@click.command("show", cls=Command)
@looking_options
def show(call: Call) -> None:
    """Channel, current version, rollback hints, last plan and apply."""
    from rollout.core.state import Channel
    from rollout.rendering.channel import channel_document, channel_view

    state = call.workspace.load(call.named_train)
    stored = state.channel is not None
    shown = state.channel or Channel(train=state.train)
    answer(call, lambda: channel_document(shown, stored=stored), lambda _: channel_view(shown, stored=stored))
