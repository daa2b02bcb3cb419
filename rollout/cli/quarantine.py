"""`rollout quarantine`: releases that nothing chooses."""

from __future__ import annotations

import click

from rollout.cli.help import Group
from rollout.cli.options import BY, REASON, Call, command_options, looking_options
from rollout.cli.output import columns, style


@click.group(cls=Group, no_args_is_help=False)
def quarantine() -> None:
    """Releases that nothing chooses: rolled back, or put there by a person, until a person lifts it."""


@quarantine.command("list")
@looking_options
def quarantine_list(call: Call) -> None:
    """Every release that was ever in quarantine, why, and who lifted it."""
    from rollout.rendering.quarantine import quarantine_document, quarantine_view

    state = call.workspace.load(call.named_train)
    call.answer(
        lambda: quarantine_document(state.quarantine),
        lambda: quarantine_view(state.quarantine, columns=columns(), style=style),
    )


@quarantine.command("add")
@click.argument("named", metavar="VERSION|COMMIT")
@REASON
@BY
@command_options
def quarantine_add(call: Call, named: str, reason: str, by: str | None) -> None:
    """Put a release in quarantine, by its version or its commit."""
    from rollout.commands.quarantine import ProductLookup, add
    from rollout.core.versions import is_valid
    from rollout.ports import Place

    space, train = call.workspace, call.train
    product = ProductLookup(
        space.history.tagged,
        space.history.versions_at,
        lambda commit: space.history.place(commit) is not Place.MISSING,
        lambda commit, release: not space.reverter.is_free_of(commit, release),
    )
    what = named if is_valid(named) else space.whole_id(named)
    who = by if by is not None else space.decider()
    changed = add(space.store, space.clock, train, what, reason, who, product)
    then = ": nothing that holds it starts until it is lifted"
    call.answer_commit(changed.commit, f"quarantined {named}", f"{named} is in quarantine already", then)


@quarantine.command("lift")
@click.argument("named", metavar="VERSION|COMMIT")
@REASON
@BY
@command_options
def quarantine_lift(call: Call, named: str, reason: str, by: str | None) -> None:
    """Let a release be chosen again, by its version or its commit."""
    from rollout.commands.quarantine import lift

    space = call.workspace
    changed = lift(
        space.store, space.clock, call.train, named, reason, by if by is not None else space.decider()
    )
    call.answer_commit(changed.commit, f"lifted {named}", "lifted already")
