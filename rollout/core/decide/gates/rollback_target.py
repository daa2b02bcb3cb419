"""`rollback_target`: the version to return to, as it was fixed at the start, may still be chosen.

That it exists was asked by `start`; since then the rollback hints name it.
"""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.decide.view import Leaf, View
from rollout.core.rollback.target import REVERTS_ONLY, reverts_only, why_not_chosen
from rollout.core.state import Result

_WANTED = "a version to go back to"


def evaluate(view: View) -> Iterable[Leaf]:
    target, release = view.rollout.rollback_target, view.rollout.release
    if reverts_only(view.contract, view.rollout):
        return [Leaf(Result.NOT_APPLICABLE, None, REVERTS_ONLY, _WANTED)]
    if target is None:
        how = "none is recorded; withdraw the release, and start it again with --rollback-to V"
        return [Leaf(Result.UNSATISFIED, None, how, _WANTED)]
    why = why_not_chosen(target, release.version, view.quarantine) if release else ""
    if why and not view.by_first_rules:
        return [Leaf(Result.UNSATISFIED, None, why, _WANTED)]
    by_hand = f", written into channel.yaml by hand in {target.by_hand[:10]}" if target.by_hand else ""
    return [Leaf(Result.SATISFIED, None, f"{target.version} on {target.channel}{by_hand}", _WANTED)]
