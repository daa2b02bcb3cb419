"""`rollout list`: every train of the branch; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rollout.commands.status import open_pull_request
from rollout.core.state import TrainState
from rollout.errors import InputError
from rollout.ports import Forge


@dataclass(frozen=True)
class TrainSummary:
    """One train: its state with the number of its open pull request, or why it cannot be read."""

    train: str
    state: TrainState | None
    pull_request: int | None = None
    unreadable: str = ""


def list_trains(trains: Sequence[str], load: Callable[[str], TrainState], forge: Forge) -> list[TrainSummary]:
    """Returns each train as it stands. One that cannot be read does not hide the others."""
    return [_listed(train, load, forge) for train in trains]


def _listed(train: str, load: Callable[[str], TrainState], forge: Forge) -> TrainSummary:
    try:
        state = load(train)
    except InputError as error:
        return TrainSummary(train, None, unreadable=f"fix {error.message.splitlines()[0]}; {error.hint}")
    return TrainSummary(train, state, open_pull_request(forge, state))
