"""`rollout channel apply`: carry out what was planned."""

from __future__ import annotations

import click

from rollout.cli.channel.answers import DRY_RUN, TARGET, VERSION, answer, note, outcome, said, where
from rollout.cli.help import Command
from rollout.cli.options import Call, also_argument, command_options


@click.command("apply", cls=Command)
@VERSION
@TARGET
@DRY_RUN
@command_options
def apply(call: Call, version: str | None, target: str | None, dry_run: bool) -> None:
    """Make VERSION, else what was planned, the current one; exit 3 when a guard blocks it."""
    from rollout.commands.channel.apply import make_apply
    from rollout.core.state import ApplyStatus
    from rollout.errors import RefusedError
    from rollout.rendering.channel import apply_document, apply_view, guard_advice, outcome_document

    space, target = call.workspace, also_argument("target", version, target)
    asked_at = None if target else space.asked_at()
    result = make_apply(
        space.channel_desk(),
        call.train,
        target,
        dry_run=dry_run,
        asked_at=asked_at,
        is_rerun=space.is_rerun,
    )
    made = result.apply
    note(result.lookup)
    answer(
        call,
        lambda: {"train": call.train, **apply_document(made), **outcome_document(*outcome(result))},
        lambda paint: apply_view(
            made,
            where=where(call, made, result.lookup),
            done=said(result),
            diff=result.diff,
            style=paint,
        ),
    )
    if made.status is ApplyStatus.BLOCKED:
        error = RefusedError(
            f"{call.train}: {made.guard_code}: {made.guard_reason}", hint=guard_advice(made.guard_code)
        )
        error.documented = True
        raise error
