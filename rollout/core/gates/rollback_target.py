"""`rollback_target`: the version to go back to was recorded when the rollout started."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.state import Result
from rollout.core.view import Leaf, View


def evaluate(view: View) -> Iterable[Leaf]:
    target = view.rollout.rollback_target
    wanted = "a version to go back to"
    if target is None:
        how = "none recorded; start again with --rollback-to, or record the channel's current version first"
        return [Leaf(Result.UNSATISFIED, None, how, wanted)]
    return [Leaf(Result.SATISFIED, None, f"{target.version} on {target.channel}", wanted)]
