"""`rollout list`: every train of the branch, and what a person has to do."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, looking_options
from rollout.cli.output import style


@click.command("list", cls=Command)
@click.option("--needs-me", is_flag=True, help="Only trains for which a person has to do something.")
@looking_options
def list_(call: Call, needs_me: bool) -> None:
    """Every train of the branch in a line: release, phase, percent, soak, what a person has to do."""
    from rollout.commands.list_ import list_trains
    from rollout.rendering.advice import needs_person
    from rollout.rendering.trains import advice, list_document, list_view

    space, now = call.workspace, call.now
    trains = space.trains()
    if call.named_train is not None or not trains:
        trains = (call.train,)
    rows = [
        (
            each.train,
            each.state,
            [each.unreadable]
            if each.state is None
            else advice(each.state, now=now, pull_request=each.pull_request, how_to_merge=space.how_to_merge),
        )
        for each in list_trains(trains, space.load_for_brake, space.forge)
    ]
    if needs_me:
        rows = [row for row in rows if any(map(needs_person, row[2]))]
    call.answer(lambda: list_document(rows, now=now), lambda: list_view(rows, now=now, style=style))
