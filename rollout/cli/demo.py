"""`rollout demo`: a good release that finishes, and a bad one that is rolled back."""

from __future__ import annotations

from pathlib import Path

import click

from rollout.cli.help import Command
from rollout.cli.output import columns, out, progress


@click.command(cls=Command)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the repository goes; else a new folder.",
)
@click.option(
    "--service",
    is_flag=True,
    help="A web service on a real Prometheus instead, by this machine's clock: about a minute.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a document for scripts; the story goes to standard error."
)
def demo(output: Path | None, service: bool, as_json: bool) -> None:
    """Watch a good release finish and a bad one rolled back, on a simulated clock."""
    import json

    if service:
        from rollout.demo.service import tell
    else:
        from rollout.demo import tell

    repository = tell(output, progress if as_json else out, columns())
    if as_json:
        out(json.dumps({"repository": str(repository)}, indent=2))
