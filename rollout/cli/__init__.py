"""argv -> command -> exit code. A command is imported when it is called, so that help comes quickly."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from rollout import __version__
from rollout.cli.help import Group

SECTIONS = {
    "Begin": {
        "init": "Write a contract and the first state into a repository.",
        "contract": "Check a contract, or print its JSON Schema.",
        "doctor": "Find out what stands in a rollout's way, and the fix.",
        "demo": "Watch a good release finish and a bad one rolled back.",
    },
    "Release": {
        "start": "Begin a release at the first phase.",
        "tick": "Collect, perform and reconcile here, once or with --watch.",
        "evaluate": "Explain the decision; touches nothing.",
        "signoff": "The sign-off checklist: look, and sign.",
        "channel": "The release channel: show, set, plan, apply, cache.",
        "local": "Be the reviewer, and CI, without GitHub.",
    },
    "Look": {
        "status": "Where the rollout stands and what you have to do.",
        "list": "Every train in a line, and what needs a person.",
        "history": "What happened, from git.",
        "verify": "Recompute each state commit from the one before.",
    },
    "Stop and go back": {
        "freeze": "Stop promotion until somebody unfreezes it.",
        "unfreeze": "Let promotion go on.",
        "withdraw": "End a release that nobody has been exposed to.",
        "rollback": "Roll back, join a rollback, or call off a false alarm.",
        "reopen": "Make the train idle after a finished rollback.",
        "quarantine": "Releases that nothing chooses: list, add, lift.",
        "rehearse": "Go through a rollback on a scratch copy.",
    },
    "What workflows run": {
        "collect": "Read the surfaces' health into an observation.",
        "perform": "Carry out the work that reconcile asked for.",
        "reconcile": "Fold in evidence, decide, record, open pull requests.",
        "plan": "Say which surfaces are read on which runner.",
        "check": "Judge what merging a pull request would do to state.",
    },
}
COMMANDS = {name: told for section in SECTIONS.values() for name, told in section.items()}


class LazyGroup(Group):
    """A group whose help is known without importing its commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if cmd_name == "list" else cmd_name  # the builtin's name is taken
        command = getattr(import_module(f"rollout.cli.{module}"), module)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{widest}}", told) for name, told in commands.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rollout")
def app() -> None:
    """Releases move through phases by evidence: state is YAML in git, a promotion is a pull request.

    \b
    Exit codes: 0 done (a hold is done), 2 bad input, 3 refused,
    4 something outside failed: try again, 1 a bug.
    """


_COMPLETE = "_ROLLOUT_COMPLETE"
"""Set by a shell that completes a command line; click's name for it."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code; nothing that goes wrong in it gets past here."""
    if _COMPLETE in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(app, {}, "rollout", _COMPLETE, os.environ[_COMPLETE])
    from rollout.cli.boundary import run

    given = sys.argv[1:] if arguments is None else arguments
    return run(app, given or ["--help"])
