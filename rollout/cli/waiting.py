"""A line on the terminal that says what a command is doing, and for how long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rollout.cli import output

_SECOND = 1.0
_PATIENCE = 2
"""Seconds before the line is shown: most commands are done by then."""
_ERASE = "\r\x1b[K"


class WaitingLine:
    """Drawn once a second below what the command prints, until `is_over` says so."""

    def __init__(self, what: str, stream: TextIO, is_over: Callable[[float], bool]) -> None:
        """`is_over` waits for so many seconds, and says whether the work has ended."""
        self._what = what
        self._stream = stream
        self._is_over = is_over
        self._lock = threading.Lock()
        self._is_shown = False

    def run(self) -> None:
        seconds = 0
        while not self._is_over(_SECOND):
            seconds += 1
            if seconds >= _PATIENCE:
                self._draw(f"{self._what}, {seconds} s")
        self.erase()

    def erase(self) -> None:
        """Takes the line away, before something else is printed; it comes back a second later."""
        with self._lock:
            if self._is_shown:
                self._write(_ERASE)
                self._is_shown = False

    def _draw(self, text: str) -> None:
        with self._lock:
            self._write(_ERASE + text[: output.columns() - 1])
            self._is_shown = True

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # nobody reads any more
            self._is_shown = False


@contextmanager
def waiting(what: str, *, quiet: bool, stream: TextIO | None = None) -> Iterator[None]:
    """Shows on a terminal what is being done; nothing with `quiet`, under Actions or in a pipe.

    `stream` is standard error where it is left out.
    """
    stream = sys.stderr if stream is None else stream
    if quiet or output.under_actions() or not stream.isatty():
        yield
        return
    end = threading.Event()
    line = WaitingLine(what, stream, end.wait)
    thread = threading.Thread(target=line.run, daemon=True)
    before, output.before_line = output.before_line, line.erase
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        output.before_line = before
