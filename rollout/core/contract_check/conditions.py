"""Conditions on measurements that are never met, or never missed: bounds of proportions, and burn rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rollout.core.contract import (
    BurnRateGate,
    BurnRateTrigger,
    Contract,
    Phase,
    RatioGate,
    RatioTrigger,
    ThresholdGate,
    ThresholdTrigger,
)
from rollout.core.contract.metrics import Metrics, Part, Pick
from rollout.core.observation import MAX_WINDOWS

_Threshold = ThresholdGate | ThresholdTrigger
_BurnRate = BurnRateGate | BurnRateTrigger
_BOUNDS_ONLY = ("significance", "min_effect")


class _Condition(NamedTuple):
    """One gate or trigger on numbers."""

    where: str
    """The field of the contract."""
    is_: _Threshold | _BurnRate


def condition_problems(contract: Contract) -> Iterator[str]:
    """Yields each as `field: message`."""
    for where, condition in _conditions(contract):
        if isinstance(condition, _BurnRate):
            yield from _burn_rate(where, condition, contract)
        elif any(
            contract.proportion(surface, condition.field)
            for surface in contract.surfaces_of(condition.surfaces)
        ):
            yield from _of_proportion(where, condition)
        else:
            yield from (
                f"{where}.{key}: is for proportions, and {condition.field} is none"
                for key in _BOUNDS_ONLY
                if key in condition.model_fields_set
            )
    yield from _too_many_windows(contract)


def _conditions(contract: Contract) -> Iterator[_Condition]:
    for index, phase in enumerate(contract.phases):
        for number, gate in enumerate(phase.gates):
            if isinstance(gate, _Threshold | _BurnRate):
                yield _Condition(f"phases.{index}.gates.{number}", gate)
    for index, trigger in enumerate(contract.triggers):
        if isinstance(trigger, _Threshold | _BurnRate):
            yield _Condition(f"triggers.{index}", trigger)


# --- proportions ------------------------------------------------------------------------------------------


def _of_proportion(where: str, condition: _Threshold) -> Iterator[str]:
    effect = condition.min_effect
    if isinstance(condition, ThresholdTrigger):
        if condition.at_least is not None and condition.at_least + effect >= 1:
            yield f"{where}.at_least: no proportion is above 1, so it never fires; 0.01 is 1 %"
        if condition.at_most is not None and condition.at_most - effect <= 0:
            yield f"{where}.at_most: no proportion is below 0, so it never fires; 0.01 is 1 %"
        return
    if condition.max is not None and condition.max + effect <= 0:
        yield f"{where}.max: no number of samples shows that errors never happen; did you mean 0.001?"
    from rollout.core.decide.gates import proportion  # few contracts have any

    if proportion.of_gate(condition).holds_always:
        yield f"{where}.{_why_it_always_holds(condition)}"
    elif condition.max is not None and condition.max > 1:
        yield f"{where}.max: no proportion is above 1; 0.01 is 1 %"
    if condition.min is not None and condition.min - effect >= 1:
        yield f"{where}.min: no number of samples shows that it is always so; 0.99 is 99 %"


def _why_it_always_holds(gate: ThresholdGate) -> str:
    """Returns the key by which it does, and why."""
    if gate.max is not None and gate.max >= 1:
        return "max: no proportion is above 1, so it always holds; 0.01 is 1 %"
    if gate.max is None and gate.min is not None and gate.min <= 0:
        return "min: no proportion is below 0, so it always holds; 0.99 is 99 %"
    return "min_effect: no proportion is so far beyond the limit, so it always holds; 0.001 is 0.1 %"


def condition_doubts(contract: Contract) -> Iterator[str]:
    """Yields surfaces that the first phase with users judges by sums over the whole phase alone, as
    `field: message`.
    """
    for index, phase in enumerate(contract.phases):
        if not phase.canary_percent or not (judged := _judged_by_sums(contract, phase)):
            continue
        for surface, field in judged.items():
            yield (
                f"phases.{index}.gates: {phase.name} judges {surface} by {field} alone, a sum over the whole"
                " phase that errors late in it move slowly; add a burn_rate trigger"
            )
        return


def _judged_by_sums(contract: Contract, phase: Phase) -> dict[str, str]:
    """Returns surfaces of which nothing but proportions is judged in the phase, and one of these."""
    sums: dict[str, str] = {}
    others: set[str] = set()
    watching = (each for each in contract.triggers if contract.watches(each, phase.name))
    for condition in (*contract.gates_of(phase), *watching):
        if not isinstance(condition, _Threshold | _BurnRate | RatioGate | RatioTrigger):
            continue
        for surface in contract.surfaces_of(condition.surfaces):
            if isinstance(condition, _Threshold) and contract.proportion(surface, condition.field):
                sums.setdefault(surface, condition.field)
            else:
                others.add(surface)
    return {surface: field for surface, field in sums.items() if surface not in others}


# --- burn rates -------------------------------------------------------------------------------------------


def _burn_rate(where: str, condition: _BurnRate, contract: Contract) -> Iterator[str]:
    if condition.good == condition.total:
        yield f"{where}.total: is the query of good itself; name another one"
    fastest = 1 / (1 - condition.objective)
    for index, pair in enumerate(condition.windows):
        if pair.factor >= fastest:
            yield (
                f"{where}.windows.{index}.factor: where everything fails it burns {fastest:g} times as fast,"
                f" so it never burns faster than {pair.factor:g}"
            )
    for surface in contract.surfaces_of(condition.surfaces):
        metrics = contract.surfaces[surface].metrics
        if metrics is None:
            yield f"{where}.surfaces: {surface} has no queries to ask; name those that have metrics"
            continue
        for key, name in (("good", condition.good), ("total", condition.total)):
            if why := _why_not_over_windows(metrics, name):
                yield f"{where}.{key}: {why}"


def _why_not_over_windows(metrics: Metrics, name: str) -> str:
    query = metrics.queries.get(name)
    if query is None:
        return ""  # the check of names tells
    if query.is_proportion:
        return f"{name} is a proportion; name a query that counts"
    # Contracts without a burn rate should not wait for the languages of queries to load.
    from rollout.core.surfaces.metrics.questions import holes_in

    asked = query.parts[Part.VALUE]
    text = asked.path if isinstance(asked, Pick) else asked
    if any(hole.name == "window" for hole in holes_in(metrics, text)):
        return ""
    return f"{name} has no {{window}} in it, so it counts the same over each"


def _too_many_windows(contract: Contract) -> Iterator[str]:
    for surface, queries in contract.windows.items():
        for name, windows in queries.items():
            if len(windows) > MAX_WINDOWS:
                where = f"surfaces.{surface}.metrics.queries.{name}"
                yield f"{where}: is asked over {len(windows)} windows, and {MAX_WINDOWS} are the most"
