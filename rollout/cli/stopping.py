"""Ends a command that runs the product's code in good order when the system asks for its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_REQUESTS = (signal.SIGTERM, signal.SIGHUP)


class StoppedError(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived. Handled everywhere as Ctrl-C is."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)


@contextmanager
def stopping_in_order() -> Iterator[None]:
    """Raises StoppedError at SIGTERM and SIGHUP; a second one ends the process at once.

    The product's commands run in sessions of their own, so they would outlive a process that just dies.
    A signal that is ignored stays ignored: that is how `nohup`, and a shell's `&` for SIGINT, protect a job.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handled = [number for number in _REQUESTS if signal.getsignal(number) is signal.SIG_DFL]
    for number in handled:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise StoppedError(number)
