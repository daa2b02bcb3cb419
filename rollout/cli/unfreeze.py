"""`rollout unfreeze`: let promotion go on."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import REASON, Call, command_options


@click.command(cls=Command)
@REASON
@command_options
def unfreeze(call: Call, reason: str) -> None:
    """Let promotion go on; refused while an incident is open."""
    from rollout.commands import unfreeze

    changed = unfreeze.unfreeze(call.workspace.store, call.workspace.clock, call.train, reason)
    call.answer_commit(changed.commit, "unfrozen; the next reconcile goes on", "nothing to do")
