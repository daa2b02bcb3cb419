"""argv -> command -> exit code. A command is imported when it is called, so that help comes quickly."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple

import click

from rollout import __version__


class Lazy(NamedTuple):
    module: str
    attribute: str
    help: str


COMMANDS = {
    "init": Lazy("setting_up", "init", "Write a contract and the first state into a repository."),
    "contract": Lazy("setting_up", "contract", "Check a contract, or print its JSON Schema."),
    "start": Lazy("steering", "start", "Begin a release at the first phase."),
    "collect": Lazy("working", "collect", "Read the surfaces' health into an observation."),
    "perform": Lazy("working", "perform", "Carry out the work that reconcile asked for."),
    "evaluate": Lazy("working", "evaluate", "Explain the decision; touches nothing."),
    "reconcile": Lazy("working", "reconcile", "Fold in evidence, decide, record, open pull requests."),
    "plan": Lazy("jobs", "plan", "Say which surfaces are read on which runner."),
    "check": Lazy("jobs", "check", "Judge what merging a pull request would do to state."),
    "freeze": Lazy("steering", "freeze", "Stop promotion until somebody unfreezes it."),
    "unfreeze": Lazy("steering", "unfreeze", "Let promotion go on."),
    "rehearse": Lazy("rehearsing", "rehearse", "Go through a rollback on a scratch copy."),
    "rollback": Lazy("rollbacks", "rollback", "Roll back, join a rollback, or call off a false alarm."),
    "reopen": Lazy("rollbacks", "reopen", "Make the train idle after a finished rollback."),
    "withdraw": Lazy("rollbacks", "withdraw", "End a release that nobody has been exposed to."),
    "quarantine": Lazy("rollbacks", "quarantine", "Releases that nothing chooses: list, add, lift."),
    "signoff": Lazy("signing", "signoff", "The sign-off checklist: look, and sign."),
    "channel": Lazy("channel", "channel", "The release channel: show, set, plan, apply, cache."),
    "status": Lazy("looking", "status", "Where the rollout stands and what you have to do."),
    "history": Lazy("looking", "history", "What happened, from git."),
    "verify": Lazy("looking", "verify", "Recompute each state commit from the one before."),
    "doctor": Lazy("examining", "doctor", "Find out what stands in a rollout's way, and the fix."),
    "local": Lazy("looking", "local", "Be the reviewer, and CI, without GitHub."),
    "demo": Lazy("setting_up", "demo", "Watch a good release finish and a bad one rolled back."),
}


class LazyGroup(click.Group):
    """A group whose help is known without importing its commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        command = getattr(import_module(f"rollout.cli.{lazy.module}"), lazy.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rollout")
def app() -> None:
    """Releases move through phases by evidence: state is YAML in git, a promotion is a pull request.

    \b
    Exit codes: 0 done (a hold is done), 2 bad input, 3 refused,
    4 something outside failed: try again, 1 a bug.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; nothing that goes wrong in it gets past here."""
    from rollout.cli.boundary import run

    given = sys.argv[1:] if arguments is None else arguments
    return run(app, given or ["--help"])
