"""`rollout freeze`: stop promotion until somebody unfreezes it."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import REASON, Call, brake_options


@click.command(cls=Command)
@REASON
@brake_options
def freeze(call: Call, reason: str) -> None:
    """Stop promotion until somebody unfreezes it."""
    from rollout.commands import freeze

    changed = freeze.freeze(call.workspace.store, call.workspace.clock, call.train, reason)
    done = "frozen; `rollout reconcile` closes the promotion pull request"
    call.answer_commit(changed.commit, done, "was frozen already")
