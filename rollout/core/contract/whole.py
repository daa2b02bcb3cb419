"""The contract as a whole."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from rollout.core.contract.channel import ChannelPolicy
from rollout.core.contract.gates import BurnRateGate, CounterGate, Gate
from rollout.core.contract.phases import Phase
from rollout.core.contract.product import (
    Apply,
    FlagFile,
    Harness,
    Prepare,
    Product,
    Runner,
    RunnerName,
    Sampling,
    StateBranch,
    Surface,
)
from rollout.core.contract.rollback import Rollback
from rollout.core.contract.signoff import SignoffPolicy
from rollout.core.contract.triggers import (
    BurnRateTrigger,
    NewCounterTrigger,
    RatioTrigger,
    Trigger,
    ValidationTrigger,
)
from rollout.core.values import Model, Name

if TYPE_CHECKING:
    from rollout.core.contract.metrics import Query

_JUDGES_HEALTH = {"prepare", "surfaces", "harness", "apply", "sampling", "phases", "triggers"}


class Contract(Model):
    schema_: Literal[1] = Field(alias="schema")
    train: Name
    product: Product = Product.model_construct()
    runners: dict[RunnerName, Runner] = {}
    """Runner as surfaces and `product` name it -> what a job's `runs-on` says; any other name is a label."""
    state: StateBranch = StateBranch.model_construct()
    prepare: Prepare | None = None
    surfaces: dict[Name, Surface] = Field(min_length=1)
    harness: Harness | None = None
    apply: Apply | None = None
    sampling: Sampling = Sampling.model_construct()
    phases: tuple[Phase, ...] = Field(min_length=2)
    triggers: tuple[Trigger, ...] = ()
    rollback: Rollback = Rollback.model_construct()
    signoff: SignoffPolicy = SignoffPolicy.model_construct()
    channel: ChannelPolicy = ChannelPolicy.model_construct()

    @cached_property
    def health_digest(self) -> str:
        """sha256 of the sections by which health is judged; a change of any other resets no soak."""
        judged = self.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_JUDGES_HEALTH)
        return sha256(json.dumps(judged, sort_keys=True).encode()).hexdigest()

    def phase(self, name: str) -> Phase:
        """Returns the phase of that name.

        One without gates where the contract has none: what has ended may name a phase that was renamed or
        removed since. A rollout that is under way never does.
        """
        for phase in self.phases:
            if phase.name == name:
                return phase
        return Phase.model_construct(name=name, canary_percent=0, soak=0)

    def next_phase(self, name: str) -> Phase | None:
        """Returns the phase after that one; None after the last, and after one that the contract does not
        have.
        """
        names = [phase.name for phase in self.phases]
        after = names.index(name) + 1 if name in names else len(names)
        return self.phases[after] if after < len(names) else None

    def max_gap(self, phase: Phase) -> int:
        """Returns seconds: the longest interval between observations that earns soak in that phase."""
        return self.sampling.max_gap if phase.max_gap is None else phase.max_gap

    def gates_of(self, phase: Phase) -> tuple[Gate, ...]:
        """Returns the phase's gates, inherited ones first, each name once (the phase's own wins)."""
        return self._gates.get(phase.name, ())

    @cached_property
    def _gates(self) -> dict[str, tuple[Gate, ...]]:
        return {phase.name: self._with_inherited(phase) for phase in self.phases}

    def _with_inherited(self, phase: Phase) -> tuple[Gate, ...]:
        inherited = self._with_inherited(self.phase(phase.inherit)) if phase.inherit else ()
        own = {gate.title for gate in phase.gates}
        return tuple(gate for gate in inherited if gate.title not in own) + phase.gates

    def surfaces_of(self, named: tuple[str, ...] | None) -> tuple[str, ...]:
        """Returns the surfaces that a gate or trigger looks at, in the contract's order."""
        return tuple(self.surfaces if named is None else [name for name in self.surfaces if name in named])

    @cached_property
    def counters(self) -> dict[str, tuple[str, ...]]:
        """Surface -> the counters that some gate or trigger asks about, sorted."""
        wanted: dict[str, set[str]] = {surface: set() for surface in self.surfaces}
        for counter, named in self._asked_counters():
            for surface in self.surfaces_of(named):
                wanted[surface].add(counter)
        return {surface: tuple(sorted(names)) for surface, names in wanted.items()}

    def _asked_counters(self) -> Iterator[tuple[str, tuple[str, ...] | None]]:
        for phase in self.phases:
            for gate in phase.gates:
                if isinstance(gate, CounterGate):
                    yield gate.counter, gate.surfaces
        for trigger in self.triggers:
            if isinstance(trigger, NewCounterTrigger):
                yield from ((counter, trigger.surfaces) for counter in trigger.counters)

    @cached_property
    def windows(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """Surface -> query -> seconds of each further window that a gate or trigger asks it over, sorted."""
        wanted: dict[str, dict[str, set[int]]] = {}
        for each in self._burn_rates():
            seconds = {window for pair in each.windows for window in (pair.long, pair.short)}
            for surface in self.surfaces_of(each.surfaces):
                for query in (each.good, each.total):
                    wanted.setdefault(surface, {}).setdefault(query, set()).update(seconds)
        return {
            surface: {query: tuple(sorted(found)) for query, found in queries.items()}
            for surface, queries in wanted.items()
        }

    @property
    def flag_file(self) -> FlagFile | None:
        """Where `reconcile` writes the percent; None where a command or a person brings it."""
        return self.apply.flag_file if self.apply else None

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables that hold the secrets of metrics servers, each once."""
        sources = (surface.metrics for surface in self.surfaces.values())
        named = (name for source in sources if source and source.auth for name in source.auth.variables)
        return tuple(dict.fromkeys(named))

    @property
    def measures(self) -> bool:
        """Whether a surface is metrics."""
        return any(surface.metrics is not None for surface in self.surfaces.values())

    def _burn_rates(self) -> Iterator[BurnRateGate | BurnRateTrigger]:
        for phase in self.phases:
            yield from (gate for gate in phase.gates if isinstance(gate, BurnRateGate))
        yield from (trigger for trigger in self.triggers if isinstance(trigger, BurnRateTrigger))

    @cached_property
    def proportions(self) -> "dict[str, dict[str, Query]]":
        """Surface -> field -> its query, of the fields that are proportions."""
        return {
            name: {field: query for field, query in surface.metrics.queries.items() if query.is_proportion}
            for name, surface in self.surfaces.items()
            if surface.metrics is not None
        }

    def proportion(self, surface: str, field: str) -> "Query | None":
        """Returns the query of a field that is a proportion; None for any other field."""
        return self.proportions.get(surface, {}).get(field)

    def unit(self, surface: str, field: str) -> str:
        """Returns the unit of a field, which its query states; empty for none."""
        metrics = self.surfaces[surface].metrics
        query = metrics.queries.get(field) if metrics is not None else None
        return (query.unit or "") if query is not None else ""

    def __copy__(self) -> Self:
        # A changed copy must not answer with what was worked out of the fields before.
        copied = super().__copy__()
        for name in ("_gates", "counters", "windows", "proportions", "health_digest"):
            copied.__dict__.pop(name, None)
        return copied

    def rolls_back(self, trigger: str) -> bool:
        """Returns whether the trigger of that name starts a rollback; else it freezes and nothing more."""
        return all(each.rolls_back for each in self.triggers if each.name == trigger)

    def watches_health(self, phase: str) -> bool:
        """Returns whether a trigger reads surfaces in that phase;
        one of harness or CI is quiet where nothing ran.
        """
        return any(
            self.watches(trigger, phase)
            for trigger in self.triggers
            if not isinstance(trigger, ValidationTrigger)
        )

    def watches(self, trigger: Trigger, phase: str) -> bool:
        """Returns whether the trigger watches that phase; by default all but the first.

        One that compares with a baseline watches only where there is one.
        """
        if isinstance(trigger, RatioTrigger) and not self.phase(phase).has_baseline:
            return False
        if trigger.phases is None:
            return phase != self.phases[0].name
        return phase in trigger.phases


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Returns the names that a contract's glob matches, case-sensitive, in their order."""
    return [name for name in names if fnmatchcase(name, pattern)]
