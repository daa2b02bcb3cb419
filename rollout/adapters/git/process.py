"""Running git: its environment, its processes, and what it complains of."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from rollout.core.text import inert
from rollout.errors import OutsideError

Done = subprocess.CompletedProcess[bytes]
RETRY_HINT = "run the command again; if it stays, look at the repository with `git status` and `git fsck`"
LITERAL: Mapping[str, str] = {"GIT_LITERAL_PATHSPECS": "1"}
NOTHING: Mapping[str, str] = {}
_CONFIG = (
    "core.hooksPath=/dev/null",
    "i18n.commitEncoding=UTF-8",
    "log.showSignature=false",
    "log.showRoot=true",
)
_OPTIONS = tuple(part for setting in _CONFIG for part in ("-c", setting))

# Of `git rev-parse --local-env-vars`, what would point git elsewhere when a hook or alias runs us.
_REPOSITORY_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)

_STATES_AN_ERROR = ("fatal: ", "error: ", " ! [")

TOOL_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "rollout"), ("EMAIL", "rollout@localhost"))
}
"""Who commits where git knows nobody."""


class Runner:
    """Runs git in one folder, and keeps its complaints to a line."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        """Where git is run."""
        self.environment = environment

    def start(self, arguments: Sequence[str], env: Mapping[str, str] = NOTHING) -> subprocess.Popen[bytes]:
        return start(self.home, arguments, {**self.environment, **env})

    def attempt(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] = NOTHING) -> Done:
        """How it ended, whatever its exit code."""
        return finish(self.start(arguments, env), arguments, stdin)

    def run(self, command: str, *arguments: str, env: Mapping[str, str] = NOTHING) -> bytes:
        """What it prints. Raises OutsideError when it fails."""
        return output(command, self.attempt(command, *arguments, env=env))

    def feed(self, command: str, *arguments: str, stdin: bytes) -> bytes:
        """As `run`, with something to read."""
        return output(command, self.attempt(command, *arguments, stdin=stdin))


def usual_environment() -> dict[str, str]:
    """This process's, without what would lead git elsewhere or let it ask a person."""
    kept = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def start(folder: Path, arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", "-C", str(folder), *_OPTIONS, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
    except FileNotFoundError as error:
        raise OutsideError("git is not installed", hint="install git, or add it to PATH") from error
    except OSError as error:
        raise OutsideError(f"git cannot be started: {error.strerror}", hint=RETRY_HINT) from error


def finish(process: subprocess.Popen[bytes], arguments: Sequence[str], stdin: bytes) -> Done:
    with process:
        out, err = process.communicate(stdin)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            pipe(stream).close()
    process.wait()


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream


def output(command: str, done: Done) -> bytes:
    if done.returncode:
        raise OutsideError(f"git {command} failed: {complaint(done)}", hint=RETRY_HINT)
    return done.stdout


def complaint(done: Done) -> str:
    return error_line(done.stderr) or f"exit code {done.returncode}"


def error_line(stderr: bytes) -> str:
    """Returns the first line in which git states an error, else its last one: advice follows the error."""
    lines = stderr.decode(errors="replace").strip("\n").splitlines()
    stated = next((line for line in lines if line.startswith(_STATES_AN_ERROR)), "")
    shown = stated or (lines[-1] if lines else "")
    return inert(shown.removeprefix("fatal: ").removeprefix("error: "))
