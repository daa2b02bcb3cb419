"""What people are told of files of state that cannot be used, once a command has written what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rollout.core.decide.decision import why_held
from rollout.core.state import TrainState, UnusableFile
from rollout.errors import RolloutError


def what_is_left(found: Iterable[UnusableFile], load: Callable[[], TrainState]) -> list[str]:
    """Returns a line for each broken file that a command came across, by the train as `load` reads it
    afterwards.

    A command may write such a file anew, and with it a freeze or a rollback. The command line that takes the
    file back would then undo that as well, so it is shown only for a file that is still broken.
    """
    left = _left(load)
    return [_line(each, left) for each in found]


def _left(load: Callable[[], TrainState]) -> Mapping[str, UnusableFile] | None:
    """Returns what is still broken; None where that cannot be read."""
    try:
        return {each.name: each for each in load().stood_in_for}
    except RolloutError:
        return None


def _line(found: UnusableFile, left: Mapping[str, UnusableFile] | None) -> str:
    problem = found.problem.splitlines()[0]
    if left is None:
        return "; ".join(filter(None, (f"{why_held(found.name)}: {problem}", found.did)))
    if still := left.get(found.name):
        return f"{why_held(found.name)}: {still.problem.splitlines()[0]}; {still.hint}"
    return "; ".join(
        filter(None, (f"{found.name} could not be read: {problem}", found.did, written_anew(found)))
    )


def written_anew(found: UnusableFile) -> str:
    """Returns what is left to do about a file that was broken and no longer is."""
    return f"{found.name} is written anew and can be read again: leave it as it is"
