"""`rollout reopen`: make the train idle after a finished rollback."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import REASON, Call, command_options
from rollout.cli.rollback import answer


@click.command(cls=Command)
@REASON
@command_options
def reopen(call: Call, reason: str) -> None:
    """Make the train idle again after a finished rollback."""
    from rollout.commands import reopen
    from rollout.core.state import TrainState

    space, train = call.workspace, call.train

    def finish(state: TrainState) -> None:
        responder = space.responder()

        def tell() -> None:
            for effect in responder.plan_issue(state):
                responder.tell(effect, space.clock.now())

        space.decorations.attempt(tell)

    changed = reopen.reopen(space.store, space.clock, train, reason, finish)
    told = "reopened; the next release: rollout start VERSION"
    answer(call, changed, told, "nothing to do: the train is idle")
