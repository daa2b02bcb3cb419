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
    from rollout.rendering.gates import clock_time
    from rollout.rendering.inert import line

    changed = freeze.freeze(call.workspace.store, call.workspace.clock, call.train, reason)
    frozen = changed.state.rollout.frozen
    already = (
        f"already frozen since {clock_time(frozen.at, call.now)}: {line(frozen.reason)}" if frozen else ""
    )
    call.answer_commit(changed.commit, "frozen; the next reconcile closes an open promotion", already)
