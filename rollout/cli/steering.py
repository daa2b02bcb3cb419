"""Commands by which people steer: start, freeze, unfreeze, signoff."""

from __future__ import annotations

import click

from rollout.cli.common import Call, command_options
from rollout.cli.output import columns, style


def _done(call: Call, commit: str | None, done: str, nothing: str) -> None:
    call.answer(
        lambda: {"train": call.train, "commit": commit, "changed": commit is not None},
        lambda: f"{done} ({commit[:10]})" if commit else nothing,
    )


@click.command()
@click.option("--version", required=True, metavar="V", help="The release's version, such as v1.2.3.")
@click.option("--commit", required=True, metavar="SHA", help="The release's commit.")
@click.option("--base", metavar="SHA", help="base..commit are the release's commits; else the commit alone.")
@click.option("--rollback-to", metavar="V", help="Where a rollback goes; else the channel's current version.")
@command_options
def start(call: Call, version: str, commit: str, base: str | None, rollback_to: str | None) -> None:
    """Begin a release at the first phase."""
    from rollout.commands.start import StartOptions
    from rollout.commands.start import start as begin
    from rollout.rendering.documents import status_document
    from rollout.rendering.terminal import status_view

    space = call.workspace
    options = StartOptions(version, space.whole_id(commit), base and space.whole_id(base), rollback_to)
    train = call.train
    changed = begin(space.store, space.forge, space.clock, train, options, reverter=space.reverter)
    state = changed.state
    call.summarize(state, [{"kind": "commit", "event": "start"}])
    call.answer(
        lambda: status_document(state, now=call.now, pull_request=None),
        lambda: status_view(state, now=call.now, pull_request=None, columns=columns(), style=style),
    )


@click.command()
@click.option("--reason", required=True, metavar="R", help="Why, for whoever reads the history.")
@command_options
def freeze(call: Call, reason: str) -> None:
    """Stop promotion until somebody unfreezes it."""
    from rollout.commands.freeze import freeze as stop

    changed = stop(call.workspace.store, call.workspace.clock, call.train, reason)
    _done(
        call,
        changed.commit,
        "frozen; `rollout reconcile` closes the promotion pull request",
        "was frozen already",
    )


@click.command()
@click.option("--reason", required=True, metavar="R", help="Why, for whoever reads the history.")
@command_options
def unfreeze(call: Call, reason: str) -> None:
    """Let promotion go on; refused while an incident is open."""
    from rollout.commands.freeze import unfreeze as resume

    changed = resume(call.workspace.store, call.workspace.clock, call.train, reason)
    _done(call, changed.commit, "unfrozen; `rollout reconcile` goes on from here", "nothing to do")
