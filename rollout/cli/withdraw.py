"""`rollout withdraw`: end a release that nobody has been exposed to."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import BY, REASON, Call, command_options
from rollout.cli.rollback import changed_document


@click.command(cls=Command)
@REASON
@BY
@command_options
def withdraw(call: Call, reason: str, by: str | None) -> None:
    """End a release that nobody has been exposed to: no incident, no quarantine."""
    from rollout.commands import withdraw

    space = call.workspace
    changed = withdraw.withdraw(
        space.store, space.clock, call.train, reason, by if by is not None else space.decider()
    )
    call.summarize(changed.state, [{"kind": "commit", "event": "withdraw"}] if changed.commit else [])
    call.answer(
        lambda: changed_document(call.train, changed),
        lambda: (
            f"withdrawn ({changed.commit[:10]}); to close what is open for it: rollout tick"
            if changed.commit
            else "withdrawn already"
        ),
    )
