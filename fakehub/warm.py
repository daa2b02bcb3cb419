"""Runs rollout, or a Python file, for a job: in a process of its own, forked from one that has imported it.

Imports are most of a short command's time, and a run of a workflow makes them four times. This file is also
the program that waits and forks; `serve` starts it, and the `rollout` that `bin/uv` "installs" is its client.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from pydantic import BaseModel

_NUMBER = 4
"""Bytes of a length, and of an exit code."""
_STREAMS = (0, 1, 2)


@functools.cache
def serve() -> str:
    """Starts this test process's program, which ends with it; returns its socket."""
    folder = tempfile.TemporaryDirectory(prefix="warm-")  # short: a socket's path has 108 bytes at most
    path = f"{folder.name}/socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        program = subprocess.Popen(
            [sys.executable, "-P", __file__, str(listening.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listening.fileno()],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    atexit.register(folder.cleanup)
    atexit.register(program.wait)
    atexit.register(program.kill)
    return path


def install(folder: Path, server: str) -> None:
    """Makes the folder, and in it a program `rollout` that runs by that server."""
    folder.mkdir(parents=True)
    program = folder / "rollout"
    client = Path(__file__).with_name("bin") / "rollout-warm"
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -I -S "{client}" "{server}" "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)


def call(
    server: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, *, program: str
) -> tuple[int, str]:
    """Runs the Python file `program`: its exit code, and what it printed."""
    asked = {
        "arguments": arguments,
        "environment": dict(environment),
        "folder": str(folder),
        "program": program,
    }
    body = json.dumps(asked).encode()
    reading, writing = os.pipe()
    with (
        open(os.devnull, "rb") as nothing,
        open(reading, "rb") as printed,
        socket.socket(socket.AF_UNIX) as line,
    ):
        line.connect(server)
        socket.send_fds(line, [len(body).to_bytes(_NUMBER)], [nothing.fileno(), writing, writing])
        os.close(writing)
        line.sendall(body)
        said = printed.read()
        code = line.recv(_NUMBER)
    return int.from_bytes(code) if code else 1, said.decode(errors="replace")


def main(descriptor: int) -> NoReturn:
    """Forks a child for each connection, until standard input ends."""
    _import_all()
    gc.freeze()  # no child looks through what all of them share ...
    gc.disable()  # ... or lives long enough to look at all
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    listening = socket.socket(fileno=descriptor)
    while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _serve(connection)
        connection.close()
    sys.exit()


def _import_all() -> None:
    for late in ("github", "jinja2", "jmespath", "semver"):  # a command imports them where it needs them
        importlib.import_module(late)
    import rollout

    for module in pkgutil.walk_packages(rollout.__path__, "rollout."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    _build_all(BaseModel)
    _compile_templates()


def _compile_templates() -> None:
    """Compiles the templates of what people read; rendering keeps them."""
    from rollout.adapters.resources import templates_dir
    from rollout.rendering import markdown

    for file in templates_dir().glob("*.j2"):
        markdown._compiled(file.read_text(encoding="utf-8"))


def _build_all(model: type[BaseModel]) -> None:
    """Builds every model once, which each child would do: pydantic defers it to a model's first use."""
    for each in model.__subclasses__():
        if each.__module__.partition(".")[0] == "rollout" and "[" not in each.__name__:
            each.model_rebuild()
        _build_all(each)


def _serve(connection: socket.socket) -> NoReturn:
    """Becomes the command that the client asks for."""
    size, streams, _, _ = socket.recv_fds(connection, _NUMBER, len(_STREAMS))
    with connection.makefile("rb") as reader:
        asked = json.loads(reader.read(int.from_bytes(size)))
    for stream, own in zip(streams, _STREAMS, strict=True):
        os.dup2(stream, own)
        os.close(stream)
    # They last as long as the process.
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    program = asked.get("program", "")
    sys.argv = [program or "rollout", *asked["arguments"]]
    code = _run_file(program) if program else _run()
    connection.sendall(code.to_bytes(_NUMBER))
    os._exit(0)


def _run_file(program: str) -> int:
    """Runs a Python file as rollout; returns its exit code."""
    os.execv = _become_rollout  # type: ignore[assignment]  # this process ends with it, as it would
    try:
        runpy.run_path(program, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001  # as the interpreter does at its end
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _become_rollout(program: str, arguments: Sequence[str]) -> NoReturn:
    assert os.path.basename(program) == "rollout", program
    sys.argv = list(arguments)
    sys.exit(_run())


def _run() -> int:
    from rollout.__main__ import main as rollout

    try:
        rollout()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001  # as the interpreter does at its end
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main(int(sys.argv[1]))
