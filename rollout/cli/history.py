"""`rollout history`: what happened, from git."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, looking_options
from rollout.cli.output import columns, style


@click.command(cls=Command)
@click.option("--release", metavar="V", help="Only this release.")
@click.option("--event", metavar="E", help="Only this event, such as rollback.")
@looking_options
def history(call: Call, release: str | None, event: str | None) -> None:
    """What happened, newest first, from git."""
    from rollout.commands import history
    from rollout.core.nearest import suggest
    from rollout.core.state import Event
    from rollout.errors import InputError
    from rollout.rendering.documents import history_document
    from rollout.rendering.terminal import history_view

    if event is not None and event not in set(Event):
        raise InputError(f"--event {event}: there is no such event", hint=suggest(event, Event, "one of "))
    commits = list(history.history(call.workspace.store, call.train, release, event))
    call.answer(
        lambda: history_document(commits), lambda: history_view(commits, columns=columns(), style=style)
    )
