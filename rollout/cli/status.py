"""`rollout status`: where the rollout stands and what a person has to do."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, looking_options
from rollout.cli.output import columns, style


@click.command(cls=Command)
@looking_options
def status(call: Call) -> None:
    """Where the rollout stands, what comes next, and what you have to do."""
    from rollout.commands import status
    from rollout.rendering.documents import status_document
    from rollout.rendering.terminal import status_view

    state, pull = status.status(call.workspace.store, call.workspace.forge, call.train)
    merge = call.workspace.how_to_merge(pull)
    call.answer(
        lambda: status_document(state, now=call.now, pull_request=pull, merge=merge),
        lambda: status_view(
            state, now=call.now, pull_request=pull, columns=columns(), merge=merge, style=style
        ),
    )
