"""Options that commands share, and how a command answers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rollout.cli.help import CommonOption
from rollout.cli.output import out, progress, show, under_actions, warn
from rollout.errors import InputError

if TYPE_CHECKING:
    from rollout.core.state import TrainState, UnusableFile
    from rollout.wiring import ForgeKind, Workspace

Command = Callable[..., int | None]
Given = TypeVar("Given", str, Path)

_TRAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w.-]+")


def _name(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Checks the name: it becomes part of paths and branches."""
    text = stripped(_context, _option, text)
    if text and not _TRAIN.fullmatch(text):
        raise click.BadParameter(f"{text} is not a train's name: small letters, digits, dots and dashes")
    return text


def stripped(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Strips blanks, which people paste into forms and variables; nothing but blanks is None."""
    return (text and text.strip()) or None


FILE = click.Path(path_type=Path)
REASON = click.option(
    "--reason", "-m", required=True, metavar="WHY", help="Why, for whoever reads the history."
)
BY = click.option("--by", metavar="WHO", help="Who decides; else who git says you are.")
_common = partial(click.option, cls=CommonOption)
_OPTIONS = (
    _common(
        "--train",
        "-t",
        metavar="T",
        envvar="ROLLOUT_TRAIN",
        callback=_name,
        help="Which train; may be left out when there is one.",
    ),
    _common(
        "--repo",
        "-C",
        metavar="DIR",
        default=".",
        type=click.Path(path_type=Path),
        help="The repository; else this folder. OWNER/NAME picks one of its remotes.",
    ),
    _common("--json", "as_json", is_flag=True, help="Print a document for scripts."),
    _common("--now", metavar="RFC3339", help="Take this for the time, so that a run can be repeated."),
    _common(
        "--state-branch",
        metavar="B",
        envvar="ROLLOUT_STATE_BRANCH",
        callback=stripped,
        help="The branch that carries state; else what the contract says, else the default branch.",
    ),
    _common(
        "--forge",
        type=click.Choice(["local", "github"]),
        help="Where state and pull requests live; else github under GitHub Actions, and in a clone of a"
        " repository there whose workflows run the train.",
    ),
)
_COMMON = ("train", "repo", "as_json", "now", "state_branch", "forge")
"""Their names as parameters."""
_LAST_YEAR = 2999
"""Nobody plans a rollout after."""
_NOW_HINT = "write it like 2026-11-23T10:00:00Z"


def also_argument(name: str, argument: Given | None, option: Given | None) -> Given | None:
    """Returns what was given as an argument or by the option --NAME.
    Raises InputError where the two differ.
    """
    if argument is not None and option not in (None, argument):
        raise InputError(f"--{name} {option} and {argument} contradict each other", hint="give one of them")
    return argument if argument is not None else option


class Reach(Enum):
    """What a command is about: docs/design/laptop.md has each command."""

    TRAIN = "the train, which may be on GitHub"
    LOOK = "the same; without a token, its state as it was last fetched"
    BRAKE = "the same; without a token, one commit that git pushes"
    HERE = "this clone, or its local forge"


@dataclass(frozen=True)
class Call:
    """The options that every command has, and how it answers."""

    workspace: Workspace
    named_train: str | None
    json: bool
    unusable: list[UnusableFile]
    """The broken files that the command comes across."""
    again: Callable[[], AbstractContextManager[Call]]
    """The same call on the train as it is then, for a command that goes on for long."""
    told: set[UnusableFile] = field(default_factory=set)

    @property
    def train(self) -> str:
        return self.workspace.train(self.named_train)

    @property
    def now(self) -> datetime:
        return self.workspace.clock.now()

    def answer(self, document: Callable[[], object], text: Callable[[], str]) -> None:
        """Prints the document with --json, else the text for a person.

        A document tells under `lost` which decorations failed, if any did.
        """
        self.tell_broken()
        if self.json:
            import json

            answered, lost = document(), self.workspace.decorations.told()
            if lost and isinstance(answered, dict):
                answered = {**answered, "lost": lost}
            out(json.dumps(answered, indent=2, ensure_ascii=False))
        else:
            show(text())

    def answer_commit(self, commit: str | None, done: str, nothing: str, then: str = "") -> None:
        """Answers with the commit that was made, or that there was `nothing` to do."""
        self.answer(
            lambda: {"train": self.train, "commit": commit, "changed": commit is not None},
            lambda: f"{done} ({commit[:10]}){then}" if commit else nothing,
        )

    def tell_broken(self) -> None:
        """Reports each file that cannot be used, once, with what is left to do about it.

        Not before the command has written what it writes.
        """
        found = {each.name: each for each in self.unusable if each not in self.told}
        if not found:
            return
        from rollout.commands.broken import what_is_left

        lines = what_is_left(found.values(), lambda: self.workspace.load_for_brake(self.named_train))
        self.told.update(self.unusable)
        for text in lines:
            progress(f"warning: {text}")
            warn(text)

    def leave_out(self, names: Iterable[str]) -> None:
        """Leaves the broken files of these names to the answer, which tells of them."""
        wanted = set(names)
        self.told.update(each for each in self.unusable if each.name in wanted)

    def summarize(
        self,
        state: TrainState,
        done: Sequence[Mapping[str, object]],
        *,
        refused: str = "",
        pull_request: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Writes where the rollout stands and what this command did into the job's summary, under Actions."""
        if not os.environ.get("GITHUB_STEP_SUMMARY"):
            return
        from rollout.adapters.actions import repository_page, write_summary
        from rollout.adapters.resources import templates_dir
        from rollout.rendering.summary import Run, job_summary

        template = (templates_dir() / "job-summary.md.j2").read_text(encoding="utf-8")
        number, page = pull_request(), repository_page(os.environ)
        run = Run(done, self.workspace.calls, refused, number, page, self.workspace.branch)
        write_summary(job_summary(template, state, run, now=self.now), os.environ)


def command_options(function: Command, reach: Reach = Reach.TRAIN) -> Command:
    """Adds the options that every command has, and passes a `Call` for them as the first argument."""

    @wraps(function)
    def with_call(**options: Any) -> int | None:
        common = {name: options.pop(name) for name in _COMMON}
        with _opened(reach, **common) as call:
            return function(call, **{name: _made_whole(name, value) for name, value in options.items()})

    for option in reversed(_OPTIONS):
        with_call = option(with_call)
    return with_call


@contextmanager
def _opened(
    reach: Reach,
    *,
    train: str | None,
    repo: Path,
    as_json: bool,
    now: str | None,
    state_branch: str | None,
    forge: ForgeKind | None,
) -> Iterator[Call]:
    """Yields the call that these options mean; at its end, reports what was unusable and what was lost."""
    from rollout.adapters.clock import FixedClock
    from rollout.wiring import Workspace

    unusable: list[UnusableFile] = []
    folder, remote = _folder_and_remote(repo, forge, reach)
    workspace = Workspace(
        folder,
        state_branch=state_branch,
        forge_kind=forge or ("github" if under_actions() else "local"),
        tell=unusable.append,
        note=lambda text: progress(f"note: {text}"),
    )
    if reach is not Reach.HERE and not under_actions():
        _go_to_train(workspace, forge, remote)
    moment = _moment(now, workspace.forge_kind)
    if moment is not None:
        workspace.clock = FixedClock(moment)
    if reach in (Reach.LOOK, Reach.BRAKE) and (
        told := workspace.do_without_token(pushes=reach is Reach.BRAKE)
    ):
        progress(f"note: {told}")

    def again() -> AbstractContextManager[Call]:
        return _opened(
            reach,
            train=train,
            repo=repo,
            as_json=as_json,
            now=now,
            state_branch=state_branch,
            forge=forge,
        )

    call = Call(workspace, train, as_json, unusable, again)
    try:
        yield call
    finally:
        call.tell_broken()
        _tell_lost(workspace.decorations.told())


looking_options = partial(command_options, reach=Reach.LOOK)
"""`command_options` of a command that only looks at state."""
brake_options = partial(command_options, reach=Reach.BRAKE)
"""`command_options` of a command that stops a rollout."""
local_options = partial(command_options, reach=Reach.HERE)
"""`command_options` of a command that is about the clone, wherever its train is."""


def _folder_and_remote(repo: Path, asked: str | None, reach: Reach) -> tuple[Path, str | None]:
    """Returns what --repo names: a folder, or by OWNER/NAME a remote of the clone in this one."""
    finds_train = reach is not Reach.HERE and not under_actions() and not _says_where(asked)
    is_name = _REPOSITORY.fullmatch(str(repo)) and not repo.exists()
    return (Path(), str(repo)) if is_name and finds_train else (repo, None)


def _says_where(asked: str | None) -> bool:
    """Returns whether no remote of the clone is to be looked for."""
    return asked == "local" or (asked == "github" and bool(os.environ.get("GITHUB_REPOSITORY")))


def _go_to_train(workspace: Workspace, asked: str | None, remote: str | None) -> None:
    """Acts on GitHub where the clone's train is there, unless `--forge local` was given."""
    if _says_where(asked):
        if asked == "github":
            return
        there = ", ".join(map(str, workspace.remotes_with_train))
        if there:
            progress(f"note: on this clone alone; the train itself is on GitHub: {there}")
        return
    found = workspace.go_to_github(remote)
    if found is not None and asked is None:
        progress(f"note: on GitHub: {found.place}")
    if found is None and workspace.place is not None:
        progress(
            f"note: on this clone alone: nothing fetched of {workspace.place} shows rollout's workflows;"
            " if they run there, git fetch first"
        )


def _tell_lost(lost: Sequence[str]) -> None:
    """Reports decorations that failed, on stderr and under Actions as warnings and in the job's summary."""
    for each in lost:
        progress(f"warning: {each}")
        warn(each)
    if lost and os.environ.get("GITHUB_STEP_SUMMARY"):
        from rollout.adapters.actions import add_to_summary
        from rollout.rendering.summary import lost_summary

        with suppress(OSError):
            add_to_summary(lost_summary(lost), os.environ)


def _made_whole(name: str, value: object) -> object:
    """Returns an option's text with escapes for bytes that are no UTF-8 and for what nobody sees."""
    if not isinstance(value, str) or value.isascii():
        return value
    from rollout.core.text import escaped, whole

    option, text = name.replace("_", "-"), whole(value)
    if text != value:
        progress(f"note: --{option} is not UTF-8: its other bytes are written as \\xNN")
    shown = escaped(text)
    if shown != text:
        progress(f"note: --{option} holds invisible characters: they are written as \\uNNNN")
    return shown


def _moment(given: str | None, forge: ForgeKind) -> datetime | None:
    """Returns what is to be taken for the time; None for the time that it is.

    Only a GitHub on this machine, as tests have it, may be told another: elsewhere decisions would be
    recorded at times that never were. For it the environment may say so too (ROLLOUT_NOW).
    """
    simulated = "GITHUB_API_URL" in os.environ and _is_simulated()
    if given is not None and forge == "github" and not simulated:
        raise InputError("--now is not for --forge github", hint="leave it out, or try it with --forge local")
    text = given or (os.environ.get("ROLLOUT_NOW") if simulated else None)
    return _parsed(text) if text is not None else None


def _is_simulated() -> bool:
    from rollout.adapters.github.address import is_on_loopback

    return is_on_loopback(os.environ)


def _parsed(text: str) -> datetime:
    from rollout.core.observation import EARLIEST

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--now {text}: not a time", hint=_NOW_HINT) from error
    if moment.tzinfo is None:
        raise InputError(f"--now {text}: has no time zone", hint=_NOW_HINT)
    if not EARLIEST.year <= moment.year <= _LAST_YEAR:
        raise InputError(f"--now {text}: not between {EARLIEST.year} and {_LAST_YEAR}", hint=_NOW_HINT)
    return moment
