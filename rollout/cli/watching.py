"""`--watch`: a command again and again, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rollout.cli.boundary import tell_error
from rollout.cli.options import Call
from rollout.cli.output import progress
from rollout.errors import InputError


def watch(call: Call, once: Callable[[Call], float], *, what: str, end: str) -> None:
    """Does `once`, which returns the seconds until the next time, with a fresh call each time.

    `what` names one time, `end` is said at Ctrl-C. Raises InputError under --now, and what the first time
    raises.
    """
    from rollout.adapters.clock import SystemClock
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands.tick import watch
    from rollout.rendering.gates import clock_time

    clock = call.workspace.clock
    if not isinstance(clock, SystemClock):
        raise InputError("--watch goes by the clock, which --now stops", hint="leave one of them out")

    def again() -> float:
        with call.again() as fresh:
            return once(fresh)

    def waits(until: datetime) -> None:
        now = clock.now()
        seconds = round((until - now).total_seconds())
        when = f"at {clock_time(until, now)}" if seconds > 60 else f"in {max(0, seconds)} s"
        progress(f"next {what} {when}; Ctrl-C ends it")

    with stopping_in_order():
        watch(clock, again, failed=tell_error, waits=waits)
    progress(end)
