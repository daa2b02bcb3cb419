"""Every gate of a phase, judged on one view: leaves, one a surface, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from rollout.core.contract import APPLIED_GATE, SOAK_GATE, Gate
from rollout.core.decide import gates, soak
from rollout.core.decide.view import Leaf, View
from rollout.core.state import GateFinding, Result


def judge_gates(view: View) -> list[tuple[Gate, list[Leaf]]]:
    """Returns every gate of the view's phase with its leaves, in the contract's order."""
    return [
        (gate, _fail_closed(list(gates.evaluate(gate, view)))) for gate in view.contract.gates_of(view.phase)
    ]


def _fail_closed(leaves: list[Leaf]) -> list[Leaf]:
    # A gate that no surface can answer would pass by silence: a misspelt field must block instead.
    # Only what is not asked of surfaces can say by itself that it does not apply.
    if any(leaf.result is not Result.NOT_APPLICABLE or leaf.surface is None for leaf in leaves):
        return leaves
    wanted = leaves[0].wanted if leaves else ""
    return [Leaf(Result.UNKNOWN, None, "no surface reports it", wanted)]


def health_leaves(judged: Iterable[tuple[Gate, list[Leaf]]], view: View) -> list[Leaf]:
    """Returns the leaves that soak depends on."""
    return [leaf for gate, leaves in judged if _earns_soak(gate, view) for leaf in leaves]


def _earns_soak(gate: Gate, view: View) -> bool:
    if view.by_first_rules:
        return gates.reads_health(gate)
    return gates.earns_soak(gate, view.contract, view.phase)


def findings(
    judged: Iterable[tuple[Gate, list[Leaf]]], view: View, before: tuple[GateFinding, ...], at: datetime
) -> tuple[GateFinding, ...]:
    """Returns all leaves as findings, the gates that every phase has last.

    `since` is that of `before` where the result is the same.
    """
    last = {(finding.gate, finding.surface): finding for finding in before}
    found: list[GateFinding] = []
    for gate, leaves in judged:
        title = gate.title
        for leaf in leaves:
            found.append(_finding(title, leaf, last.get((title, leaf.surface)), at))
    for title, leaf in _standing_gates(view):
        found.append(_finding(title, leaf, last.get((title, None)), at))
    return tuple(found)


def _standing_gates(view: View) -> Iterator[tuple[str, Leaf]]:
    if view.applied is not None:
        percent = f"{view.rollout.canary_percent} % applied"
        result = Result.SATISFIED if view.applied else Result.UNKNOWN
        yield APPLIED_GATE, Leaf(result, None, percent if view.applied else view.not_applied, percent)
    yield SOAK_GATE, soak.judge(view)


def _finding(title: str, leaf: Leaf, last: GateFinding | None, at: datetime) -> GateFinding:
    result, surface, seen, wanted = leaf
    if last is not None and last.result is result:
        # Reusing the old record keeps a steady reconcile cheap: nothing is built anew.
        if last.seen == seen and last.wanted == wanted:
            return last
        at = last.since
    return GateFinding(
        gate=title, result=result, surface=surface, seen=seen[:500], wanted=wanted[:500], since=at
    )
