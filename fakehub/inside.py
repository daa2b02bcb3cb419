"""Runs a Python file, and the rollout that it becomes, in this process.

A process that has just been forked has all of its caches yet to fill, which takes longer than most commands.
Environment, folder, arguments and streams are those of a process of its own, and are put back afterwards.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType
from typing import IO, NoReturn

from rollout.cli import main as rollout

_STREAMS = (0, 1, 2)


def call(
    file: Path, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
) -> tuple[int, str]:
    """Returns the exit code of the file, and what it printed."""
    with _arguments([str(file), *arguments]):
        return _printed(lambda: _run(file), environment, folder)


def call_rollout(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Returns the exit code of rollout, and what it printed."""
    return _printed(lambda: rollout([*arguments]), environment, folder)


def _printed(run: Callable[[], int], environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
    with tempfile.TemporaryFile() as printed, _environment(environment, folder), _streams(printed):
        code = run()
        sys.stdout.flush()
        sys.stderr.flush()
        printed.seek(0)
        return code, printed.read().decode(errors="replace")


def _run(file: Path) -> int:
    try:
        exec(_compiled(file.read_bytes(), str(file)), {"__name__": "__main__", "__file__": str(file)})  # noqa: S102
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # as the interpreter does at its end
        traceback.print_exc()
        return 1
    return 0


@functools.cache
def _compiled(source: bytes, name: str) -> CodeType:
    return compile(source, name, "exec")


def _become_rollout(program: str, arguments: Sequence[str]) -> NoReturn:
    assert os.path.basename(program) == "rollout", program
    sys.exit(rollout([*arguments[1:]]))


@contextmanager
def _arguments(words: list[str]) -> Iterator[None]:
    kept, become = sys.argv, os.execv
    sys.argv = words
    os.execv = _become_rollout  # type: ignore[assignment]  # nothing may take the place of this process
    try:
        yield
    finally:
        sys.argv, os.execv = kept, become


@contextmanager
def _environment(environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    kept, place = dict(os.environ), os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        yield
    finally:
        os.fchdir(place)
        os.close(place)
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def _streams(printed: IO[bytes]) -> Iterator[None]:
    """Sends standard output and error to the file, those of children too; standard input is empty."""
    named, kept = (sys.stdin, sys.stdout, sys.stderr), [os.dup(stream) for stream in _STREAMS]
    with ExitStack() as after, open(os.devnull, "rb") as nothing:
        for stream, was in zip(_STREAMS, kept, strict=True):
            after.callback(os.close, was)
            after.callback(os.dup2, was, stream)
        for file, stream in ((nothing, 0), (printed, 1), (printed, 2)):
            os.dup2(file.fileno(), stream)
        sys.stdin = after.enter_context(open(0, encoding="utf-8", closefd=False))
        sys.stdout = after.enter_context(open(1, "w", encoding="utf-8", closefd=False))
        sys.stderr = after.enter_context(
            open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
        )
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = named
