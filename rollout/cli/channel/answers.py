"""What the commands about a channel answer alike."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from rollout.cli.options import Call
from rollout.cli.output import progress, style

if TYPE_CHECKING:
    from rollout.commands.channel.record import ChannelResult, Lookup
    from rollout.core.state import ChannelPlan
    from rollout.rendering.gates import Style

VERSION = click.argument("version", required=False, metavar="[VERSION]")
TARGET = click.option(
    "--target", metavar="V", help="This version; else the last plan's, or the newest of the channel."
)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")


def answer(call: Call, document: Callable[[], object], text: Callable[[Style], str]) -> None:
    """Prints it, and under Actions tell the job's summary too."""
    call.answer(document, lambda: text(style))
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        from rollout.adapters.actions import write_summary
        from rollout.rendering.channel import summary
        from rollout.rendering.gates import no_style

        write_summary(summary(text(no_style)), os.environ)


def done(call: Call, result: ChannelResult, done: str, nothing: str, *, dry_run: bool) -> None:
    from rollout.rendering.channel import diff_lines, outcome_document

    def text(paint: Style) -> str:
        if dry_run:
            return "\n".join(["dry run", *diff_lines(result.diff, paint)]) if result.diff else nothing
        told = said(result)
        return f"{done if result.commit else 'proposed'}: {told}" if told else nothing

    answer(
        call,
        lambda: {"train": call.train, "dry_run": dry_run, **outcome_document(*outcome(result))},
        text,
    )


def outcome(result: ChannelResult) -> tuple[str | None, int | None, str]:
    return result.commit, result.pull_request, result.diff


def said(result: ChannelResult) -> str:
    if result.pull_request is not None:
        return f"pull request #{result.pull_request}: it takes effect when it is merged"
    return f"recorded as {result.commit[:10]}" if result.commit else ""


def note(lookup: Lookup | None) -> None:
    if lookup is not None and lookup.note:
        progress(f"note: {lookup.note}")


def where(call: Call, made: ChannelPlan, lookup: Lookup | None) -> str:
    from rollout.rendering.channel import found_words

    if lookup is None:
        return found_words(made.lookup_source, None, call.now)
    return found_words(made.lookup_source, lookup.fetched_at, call.now)
