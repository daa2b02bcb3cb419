"""The error boundary: every way a command can end becomes one line, a hint and an exit code."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

import click

from rollout.cli.output import nobody_reads, open_streams, out, tell, under_actions
from rollout.errors import InputError, OutsideError, RefusedError, RolloutError

BUG, INTERRUPTED = 1, 130
KILLED = 128
"""A shell's exit code for a process that a signal ended is this and the signal's number."""
LONGEST_LINE = 2000


def run(app: click.Group, arguments: list[str]) -> int:
    """Returns the exit code of the command that the arguments name."""
    open_streams()
    _print_any_text()
    try:
        with app.make_context("rollout", list(arguments)) as context:
            code = app.invoke(context)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except RolloutError as error:
        return _end(error, arguments)
    except click.UsageError as error:
        return _end(InputError(error.format_message(), hint=_hint(error)), arguments)
    except (click.Abort, KeyboardInterrupt) as interruption:
        return _interrupted(interruption)
    except BrokenPipeError:
        nobody_reads()
        return 0
    except OSError as error:
        _let_go_of_a_full_output()
        where = f"{error.filename}: " if error.filename else ""
        hint = "make room or fix the permissions, and try again"
        return _end(OutsideError(f"{where}{error.strerror or error}", hint=hint), arguments)
    except Exception as error:  # noqa: BLE001 -- the last resort: a bug is said to be one, with its trace
        import traceback

        traceback.print_exc()
        bug = RolloutError(
            f"a bug in rollout: {type(error).__name__}: {error}", hint="please report it with the lines above"
        )
        bug.exit_code = BUG
        return _end(bug, arguments)


def _hint(error: click.UsageError) -> str:
    """Returns how to write what lacks a part or has its options before the command, else the help page."""
    context = error.ctx
    if context is not None and context.parent is None and isinstance(error, click.NoSuchOption):
        return "options come after the command, such as: rollout status --repo DIR"
    if context is None or not isinstance(error, click.MissingParameter):
        return f"see: {context.command_path if context else 'rollout'} --help"
    needed = [_written(each, context) for each in context.command.params if each.required]
    return f"write it like this: {' '.join((context.command_path, *needed))}"


def _written(parameter: click.Parameter, context: click.Context) -> str:
    value = parameter.make_metavar(context)
    return f"{parameter.opts[0]} {value}" if isinstance(parameter, click.Option) else value


def _let_go_of_a_full_output() -> None:
    """Drops what is left in the buffer: it would fail once more at exit, and exit with 120."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        nobody_reads()


def _print_any_text() -> None:
    """Prints `?` for what the terminal's encoding lacks: names in git may hold any character."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _interrupted(interruption: BaseException) -> int:
    from rollout.cli.stopping import StoppedError

    stopped = interruption.signal if isinstance(interruption, StoppedError) else None
    tell(f"error: stopped by {stopped.name}" if stopped else "error: interrupted")
    tell("hint: run it again: what was committed stays, the rest is done then")
    return KILLED + stopped if stopped else INTERRUPTED


def _end(error: RolloutError, arguments: list[str]) -> int:
    _document(error, arguments)
    _summary(error)
    tell_error(error)
    return error.exit_code


def tell_error(error: RolloutError) -> None:
    """Prints the error and its hint on stderr; under Actions, each line of it as an annotation too."""
    from rollout.core.text import inert

    for text in error.message.splitlines():
        tell(f"error: {inert(text, LONGEST_LINE)}")
        if under_actions():
            from rollout.rendering.annotations import error_annotation

            tell(error_annotation(text, error.file))
    if error.hint:
        tell(f"hint: {inert(error.hint, LONGEST_LINE)}")


def _summary(error: RolloutError) -> None:
    """Writes the reason into the job's summary under Actions, unless the command wrote its own."""
    if error.documented or not os.environ.get("GITHUB_STEP_SUMMARY"):
        return
    from rollout.adapters.actions import write_summary
    from rollout.rendering.summary import refusal_summary

    with suppress(OSError):
        write_summary(refusal_summary(error.message, error.hint), os.environ)


def _document(error: RolloutError, arguments: list[str]) -> None:
    """Prints a refusal or an outside failure as a document with --json, unless the command has done so."""
    if "--json" not in arguments or error.documented:
        return
    if error.exit_code in (RefusedError.exit_code, OutsideError.exit_code):
        import json

        out(json.dumps({"error": error.message, "hint": error.hint, "exit_code": error.exit_code}, indent=2))
