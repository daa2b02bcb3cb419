"""The sides of a merge: which of them has anything to say about the train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import NamedTuple

from rollout.core.replay.recompute import PARTS
from rollout.core.state import TrainState
from rollout.ports import StateStore


class Idle(NamedTuple):
    """A side of a merge on which nothing was recorded since it parted from another."""

    side: TrainState
    other: TrainState
    """The side on which something was."""


def idle(store: StateStore, sides: Sequence[TrainState]) -> Iterator[Idle]:
    """Yields the sides of a merge that have no story of their own: an ancestor, or product work alone.

    Where two sides say that of each other, as merges crosswise can make it, neither is.
    """
    pairs = [(one, other) for one, other in permutations(sides, 2) if _recorded(one) != _recorded(other)]
    without = {(one.head, other.head) for one, other in pairs if _is_idle(store, one, other)}
    for one, other in pairs:
        if (one.head, other.head) in without and (other.head, one.head) not in without:
            yield Idle(one, other)


def taken_back(found: Idle, after: TrainState) -> str:
    """Returns how the merge undoes what was recorded on the other side; empty when it does not."""
    for part in PARTS:
        was, recorded = getattr(found.side, part), getattr(found.other, part)
        if was != recorded and getattr(after, part) == was:
            return (
                f"a merge that takes back what {found.other.head[:10]} holds: {part}.yaml is as in"
                f" {found.side.head[:10]}, which recorded nothing since"
            )
    return ""


def contradicting(store: StateStore, beginning: TrainState, sides: Sequence[TrainState]) -> TrainState | None:
    """Returns the side of a merge that has another history than one that grew from `beginning`; None when
    none has.

    A side that ends where `beginning` starts is what that was made of.
    """
    grown = [side for side in sides if beginning.head in store.forks(beginning.head, side.head)]
    if not grown:
        return None
    apart = (side for side in sides if side not in grown and _recorded(side) != _recorded(beginning))
    return next(apart, None)


def _is_idle(store: StateStore, side: TrainState, other: TrainState) -> bool:
    forks = store.load_many(side.train, store.forks(side.head, other.head))
    return any(not isinstance(fork, Exception) and _recorded(fork) == _recorded(side) for fork in forks)


def _recorded(state: TrainState) -> tuple[object, ...]:
    return tuple(getattr(state, part) for part in PARTS)
