"""Refusals where it is not clear which train a command is about."""

from __future__ import annotations

from collections.abc import Sequence

from rollout.core.doctor.branch import set_train
from rollout.core.nearest import near
from rollout.errors import InputError

_NAMED_THERE = "a dispatch takes another as its input `train`"


def no_such_train(named: str, trains: Sequence[str], branch: str, *, is_job: bool) -> InputError:
    """Returns the refusal of a train that the branch does not hold."""
    nearest = near(named, trains)
    meant = f"did you mean {nearest}? " if nearest else ""
    told = f"; {_NAMED_THERE}" if is_job else ""
    return InputError(
        f"no train {named} on branch {branch}",
        hint=f"{meant}trains there: {', '.join(trains) or 'none'}{told}",
    )


def none_or_several(trains: Sequence[str], branch: str, *, is_job: bool) -> InputError:
    """Returns the refusal where none is named, and the branch does not hold exactly one."""
    if not trains:
        return InputError(f"no train on branch {branch}", hint="make one and commit it: rollout init")
    hint = f"say which with --train: {', '.join(trains)}"
    if is_job:
        hint = f"{set_train(trains)}; {_NAMED_THERE}"
    return InputError("there is more than one train", hint=hint)


def elsewhere(train: str | None, branch: str, others: Sequence[str]) -> InputError:
    """Returns the refusal where other branches hold it: the brake must not act on a copy left here."""
    missing = f"no train {train}" if train else "no train"
    return InputError(
        f"{missing} on branch {branch}, but on {', '.join(others)}",
        hint=f"name the branch that the workflows go by: --state-branch {others[0]}",
    )
