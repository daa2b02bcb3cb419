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


@click.group(no_args_is_help=False)
def signoff() -> None:
    """The sign-off checklist."""


@signoff.command("check")
@command_options
def signoff_check(call: Call) -> None:
    """What is signed and what is missing."""
    from rollout.rendering.documents import signoff_document
    from rollout.rendering.terminal import signoff_view

    state = call.workspace.load(call.named_train)
    call.answer(
        lambda: signoff_document(state.contract, state.rollout, state.signoff),
        lambda: signoff_view(state.contract, state.rollout, state.signoff, columns=columns(), style=style),
    )


@signoff.command("record")
@click.argument("item")
@click.argument("evidence")
@click.option("--by", metavar="WHO", help="Who signs; else who git says you are.")
@command_options
def signoff_record(call: Call, item: str, evidence: str, by: str | None) -> None:
    """Sign ITEM with EVIDENCE: a link, or a path in the repository."""
    from rollout.commands.signoff import record

    space = call.workspace
    changed = record(space.store, space.clock, call.train, item, evidence, by or space.person())
    _done(call, changed.commit, f"signed {item}", "signed so already")
