"""`rollout channel import`: take over the product's own files."""

from __future__ import annotations

from pathlib import Path

import click

from rollout.cli.channel.answers import DRY_RUN, done
from rollout.cli.help import Command
from rollout.cli.options import Call, command_options
from rollout.cli.output import progress


@click.command("import", cls=Command)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR")
@DRY_RUN
@command_options
def import_(call: Call, folder: Path, dry_run: bool) -> None:
    """Take over the release metadata that the product keeps in DIR, such as .tau."""
    from rollout.adapters.product_metadata import read_documents
    from rollout.commands.channel.import_ import import_channel
    from rollout.commands.channel.record import channel_of
    from rollout.core.channel.product_metadata import FILES

    documents = read_documents(folder, FILES)
    result = import_channel(call.workspace.channel_desk(), call.train, documents, dry_run=dry_run)
    for note in result.notes:
        progress(f"note: {note}")
    channel = channel_of(result.state)
    said = f"{channel.channel} at {channel.current_version or 'no version'}"
    done(call, result, f"took over {said}", "nothing to take over", dry_run=dry_run)
