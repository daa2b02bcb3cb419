"""What commands print: answers on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO, cast

import click

from rollout.errors import OutsideError


def nothing() -> None: ...


before_line: Callable[[], None] = nothing
"""Called before a line is printed: takes away what stands on the terminal only for a while."""


def open_streams() -> None:
    """Puts something in the place of standard streams that the caller closed.

    Else the next file that is opened would get their number. Standard output stays one that cannot be
    written, as on a full disk.
    """
    if sys.stdin is None:
        sys.stdin = _null(0, os.O_RDONLY, "r")
    if sys.stdout is None:
        sys.stdout = _null(1, os.O_RDONLY, "w")
    if sys.stderr is None:
        sys.stderr = _null(2, os.O_WRONLY, "w")


def _null(number: int, flags: int, mode: str) -> TextIO:
    opened = os.open(os.devnull, flags)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    return cast("TextIO", os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))


def out(text: str, *, nl: bool = True) -> None:
    """Prints an answer. Whoever reads it may stop reading: the command's exit code still counts.

    Raises OutsideError when it cannot be written, as on a full disk.
    """
    before_line()
    try:
        click.echo(_safe(text), nl=nl)
    except BrokenPipeError:
        nobody_reads()
    except OSError as error:
        nobody_reads()
        hint = "what the command did stays done; make room, or send its output elsewhere"
        raise OutsideError(
            f"standard output cannot be written: {error.strerror or error}", hint=hint
        ) from error


def show(text: str) -> None:
    """Prints a person's view, as `out` does; a narrow terminal gets shorter lines, a pipe gets whole ones."""
    if sys.stdout.isatty():
        from rollout.rendering.inert import fitted

        text = fitted(text, columns())
    out(text)


def nobody_reads() -> None:
    """Lets what is still to be printed go nowhere, instead of failing once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def progress(line: str) -> None:
    """Prints one line of progress for a person: on stderr, so that stdout stays the answer.

    Where nobody can be told the command goes on: a full disk must not stop a freeze.
    """
    tell(_safe(line))


def tell(line: str) -> None:
    """Prints a line on stderr as it is, if anybody reads it."""
    before_line()
    try:
        click.echo(line, err=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def warn(text: str, *, title: str = "") -> None:
    """Prints a warning that GitHub shows on the run's page, under Actions; nothing elsewhere."""
    if under_actions():
        from rollout.rendering.annotations import annotation

        tell(annotation("warning", text, title=title))


def under_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _safe(text: str) -> str:
    """Returns what a product said may stand at the beginning of a line, where a runner looks for commands."""
    if not under_actions():
        return text
    from rollout.rendering.annotations import tamed

    return tamed(text)


def style(text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> str:
    """Adds colour where the terminal shows it; click strips it elsewhere."""
    return click.style(text, fg=fg, bold=bold, dim=dim)


def columns() -> int:
    """Returns the width of a person's view."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
