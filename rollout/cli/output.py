"""What commands print: answers on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys

import click


def out(text: str, *, nl: bool = True) -> None:
    """Print an answer. Whoever reads it may stop reading: the command's exit code still counts."""
    try:
        click.echo(_safe(text), nl=nl)
    except BrokenPipeError:
        nobody_reads()


def nobody_reads() -> None:
    """Let what is still to be printed go nowhere, instead of failing once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def progress(line: str) -> None:
    """One line of progress for a person: on stderr, so that stdout stays the answer."""
    click.echo(_safe(line), err=True)


def warn(text: str, *, title: str = "") -> None:
    """Under Actions, a warning that GitHub shows on the run's page; nothing elsewhere."""
    if under_actions():
        from rollout.rendering.annotations import annotation

        click.echo(annotation("warning", text, title=title), err=True)


def under_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _safe(text: str) -> str:
    """What a product said may stand at the beginning of a line, where a runner looks for commands."""
    if not under_actions():
        return text
    from rollout.rendering.annotations import tamed

    return tamed(text)


def style(text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> str:
    """Colour where the terminal shows it; click strips it elsewhere."""
    return click.style(text, fg=fg, bold=bold, dim=dim)


def columns() -> int:
    """Width for a person's view."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
