"""Runs rollout for a job under act: in a process of its own, forked from one that has imported it already.

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
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from typing import NoReturn

_NUMBER = 4
"""Bytes of a length, and of an exit code."""
_STREAMS = (0, 1, 2)


@functools.cache
def serve() -> str:
    """The socket of this test process's program, which ends with the test process."""
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


def main(descriptor: int) -> NoReturn:
    """A child for each connection, until standard input ends."""
    _import_all()
    gc.freeze()  # no child looks through what all of them share
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
    import github  # noqa: F401  # imported by the tool only when a command needs it

    import rollout

    for module in pkgutil.walk_packages(rollout.__path__, "rollout."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


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
    sys.argv = ["rollout", *asked["arguments"]]
    code = _run()
    connection.sendall(code.to_bytes(_NUMBER))
    os._exit(0)


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
