"""`rollout status`: where the rollout stands and what a person has to do."""

from __future__ import annotations

import sys

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, looking_options
from rollout.cli.output import columns, style
from rollout.cli.watching import watch

SECONDS_BETWEEN_LOOKS = 30
"""On GitHub a look costs a few requests of 5,000 an hour."""


@click.command(cls=Command)
@click.option("--watch", "watches", is_flag=True, help="Look again every 30 seconds, until Ctrl-C.")
@looking_options
def status(call: Call, watches: bool) -> None:
    """Where the rollout stands, what comes next, and what you have to do."""
    if watches:
        watch(call, _look_again, what="look", end="stopped")
    else:
        look(call)


def look(call: Call) -> None:
    """Answers with the status. Its to-do names files that cannot be used, so no warning does."""
    from rollout.commands import status
    from rollout.rendering.documents import status_document
    from rollout.rendering.terminal import status_view

    state, pull = status.status(call.workspace.store, call.workspace.forge, call.train)
    merge = call.workspace.how_to_merge(pull)
    call.leave_out(each.name for each in state.stood_in_for)
    call.answer(
        lambda: status_document(state, now=call.now, pull_request=pull, merge=merge),
        lambda: status_view(
            state, now=call.now, pull_request=pull, columns=columns(), merge=merge, style=style
        ),
    )


def _look_again(call: Call) -> float:
    if sys.stdout.isatty():
        click.clear()
    look(call)
    return SECONDS_BETWEEN_LOOKS
