"""`rollout start`: begin a release at the first phase."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, also_argument, command_options
from rollout.cli.output import columns, progress, style, warn
from rollout.errors import InputError


@click.command(cls=Command)
@click.argument("release", metavar="VERSION", required=False)
@click.option("--version", metavar="V", help="The same as VERSION.")
@click.option("--commit", metavar="SHA", help="Its commit; else the newest one of the product's branch.")
@click.option(
    "--base",
    metavar="SHA",
    help="base..commit are its commits; else what completed last, else the current version's tag.",
)
@click.option("--rollback-to", metavar="V", help="Where a rollback goes; else the channel's current version.")
@click.option("--first", is_flag=True, help="The product's very first release: a rollback reverts only.")
@click.option("--reason", "-m", metavar="WHY", help="Why there is no version to return to; with --first.")
@command_options
def start(
    call: Call,
    release: str | None,
    version: str | None,
    commit: str | None,
    base: str | None,
    rollback_to: str | None,
    first: bool,
    reason: str | None,
) -> None:
    """Begin the release of VERSION, such as v1.2.3, at the first phase."""
    from rollout.commands import start
    from rollout.commands.checked import why_unchecked
    from rollout.commands.start import StartOptions
    from rollout.rendering.documents import status_document
    from rollout.rendering.ranges import range_document, range_view, why_alone
    from rollout.rendering.rollback import target_by_hand
    from rollout.rendering.terminal import status_view

    version = _version(release, version)
    if first != (reason is not None):
        missing = "--first needs --reason" if first else "--reason goes with --first"
        raise InputError(missing, hint="say why the product has no version to return to")
    space, train = call.workspace, call.train
    options = StartOptions(
        version, commit and space.whole_id(commit), base and space.whole_id(base), rollback_to, reason
    )
    started = start.start(
        space.store,
        space.history,
        space.clock,
        train,
        options,
        reverter=space.reverter,
        known=space.released,
        is_rerun=space.is_rerun,
    )
    state, cut = started.state, started.cut
    unchecked = why_unchecked(space.forge, state.contract, cut.commit)
    by_hand, silent = target_by_hand(state.rollout), space.silent_schedule()
    for warning in filter(None, (why_alone(state, cut.since), unchecked, by_hand, silent)):
        progress(f"warning: {warning}")
        warn(warning)
    call.summarize(state, [{"kind": "commit", "event": "start"}])
    call.answer(
        lambda: status_document(state, now=call.now, pull_request=None) | range_document(state),
        lambda: "\n\n".join(
            (
                range_view(state, cut.since),
                status_view(state, now=call.now, pull_request=None, columns=columns(), style=style),
            )
        ),
    )


def _version(argument: str | None, option: str | None) -> str:
    """Returns the version to release. Raises InputError where none is named, or two."""
    version = also_argument("version", argument, option)
    if version is None:
        raise InputError("which version to release is missing", hint="name it: rollout start v1.2.3")
    return version
