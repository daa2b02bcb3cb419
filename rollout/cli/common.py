"""Options that commands share, and how a command answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rollout.cli.output import out
from rollout.errors import InputError

if TYPE_CHECKING:
    from rollout.wiring import Workspace

Command = Callable[..., int | None]

_TRAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def _name(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """A train's name is part of paths and branches, so nothing else gets that far."""
    if text is not None and not _TRAIN.fullmatch(text):
        raise click.BadParameter(f"{text} is not a train's name: small letters, digits, dots and dashes")
    return text


_OPTIONS = (
    click.option(
        "--train", metavar="T", callback=_name, help="Which train; may be left out when there is one."
    ),
    click.option(
        "--repo",
        metavar="DIR",
        default=".",
        type=click.Path(path_type=Path),
        help="The repository; else this folder.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print a document for scripts."),
    click.option("--now", metavar="RFC3339", help="Take this for the time, so that a run can be repeated."),
    click.option(
        "--state-branch",
        metavar="B",
        envvar="ROLLOUT_STATE_BRANCH",
        help="The branch that carries state; else what the contract says, else the default branch.",
    ),
)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
"""git has no dates before, and nobody plans a rollout after."""
_NOW_HINT = "write it like 2026-11-23T10:00:00Z"


@dataclass(frozen=True)
class Call:
    """The options that every command has, and how it answers."""

    workspace: Workspace
    named_train: str | None
    json: bool

    @property
    def train(self) -> str:
        return self.workspace.train(self.named_train)

    @property
    def now(self) -> datetime:
        return self.workspace.clock.now()

    def answer(self, document: Callable[[], object], text: Callable[[], str]) -> None:
        """Print the document with --json, else the text for a person."""
        if self.json:
            import json

            out(json.dumps(document(), indent=2, ensure_ascii=False))
        else:
            out(text())


def command_options(function: Command) -> Command:
    """Adds the options that every command has, and passes a `Call` for them as the first argument."""

    @wraps(function)
    def with_call(**options: Any) -> int | None:
        from rollout.adapters.clock import FixedClock
        from rollout.wiring import Workspace

        moment = _moment(options.pop("now"))
        workspace = Workspace(
            options.pop("repo"),
            clock=FixedClock(moment) if moment is not None else None,
            state_branch=options.pop("state_branch"),
        )
        return function(Call(workspace, options.pop("train"), options.pop("as_json")), **options)

    for option in reversed(_OPTIONS):
        with_call = option(with_call)
    return with_call


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--now {text}: not a time", hint=_NOW_HINT) from error
    if moment.tzinfo is None:
        raise InputError(f"--now {text}: has no time zone", hint=_NOW_HINT)
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        raise InputError(f"--now {text}: not between {_FIRST_YEAR} and {_LAST_YEAR}", hint=_NOW_HINT)
    return moment
