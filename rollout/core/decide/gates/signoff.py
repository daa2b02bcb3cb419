"""`signoff`: the checklist items that wait here are all signed for the release commit."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.contract import SignoffGate
from rollout.core.decide.view import Leaf, View
from rollout.core.state import Result


def evaluate(gate: SignoffGate, view: View) -> Iterable[Leaf]:
    wanted = f"every item before {gate.before} signed"
    missing = view.unsigned.get(gate.before)
    if missing is None:
        return [Leaf(Result.UNKNOWN, None, f"no item is before {gate.before}", wanted)]
    if missing:
        return [Leaf(Result.UNSATISFIED, None, f"{len(missing)} missing: {', '.join(missing)}"[:500], wanted)]
    if view.facts.unseen:
        return [Leaf(Result.UNKNOWN, None, f"all signed, and {view.facts.unseen} cannot be read now", wanted)]
    return [Leaf(Result.SATISFIED, None, "all signed", wanted)]
