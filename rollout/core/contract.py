"""The contract: the policy that people write, as typed sections.

Types catch what one field can get wrong. `find_problems` catches what only the whole can show
(an unknown phase in `inherit`, percents that do not rise, a soak that sampling can never earn).
"""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from rollout.core.values import Duration, Identifier, Line, Model, Name, RelativePath, format_duration

COMPLETE = "complete"
"""The `before` of sign-off items that completion waits for, where others name a phase."""

Argument = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Command = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=200)]
# The length is no part of the pattern: `\w{0,200}` takes a fifth of a second to compile.
BranchName = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9][\w./-]*$")]


class Adapter(StrEnum):
    """Which parser reads what a surface prints."""

    TAU_STATUS = "tau-status"
    TAU_TRANSPORT_HEALTH = "tau-transport-health"
    TAU_BROWSER_SUMMARY = "tau-browser-summary"
    JSON = "json"


class JsonMapping(Model):
    """Where the generic `json` adapter finds things: JMESPath expressions over the payload."""

    health_state: str | None = None
    """Gives `healthy`, `degraded` or `failing`; translate other words with `health_states`."""
    health_states: dict[str, Literal["healthy", "degraded", "failing"]] = {}
    """The product's own word -> ours."""
    updated_unix_ms: str | None = None
    """Gives the source's own time in milliseconds; without it the time of reading counts."""
    fields: dict[Identifier, str] = {}
    """Numeric fields that threshold gates and triggers read; true and false count as 1 and 0."""
    labels: dict[Identifier, str] = {}
    """Text fields that `equals` gates read."""
    counters: str | None = None
    """Gives an object of absolute totals: name -> whole number."""
    timeline: str | None = None
    """Gives a list of steps `{id, status, error}`; fine is a status of ok or success and an empty error."""


class Surface(Model):
    """A part of the product that reports its health, by a command or in a file."""

    adapter: Adapter
    command: Command | None = None
    file: RelativePath | None = None
    workdir: RelativePath = "."
    timeout: Duration = 120
    events: RelativePath | None = None
    """An append-only JSON-lines log, counted where the payload has no `reason_code_counts`."""
    map: JsonMapping | None = None
    runner: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | None = None
    """The label of the Actions runner that can reach this surface."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.command is None) == (self.file is None):
            raise ValueError("give either command or file")
        if (self.adapter is Adapter.JSON) != (self.map is not None):
            raise ValueError("the json adapter, and only it, needs a map")
        return self


class Harness(Model):
    """The product's validation run and the files it leaves."""

    command: Command | None = None
    """Run by `perform` when reconcile asks for it; without it a person or CI runs the harness."""
    workdir: RelativePath = "."
    timeout: Duration = 1800
    report: RelativePath
    manifest: RelativePath


class Apply(Model):
    """Brings the canary percent to the product; `{percent}`, `{phase}` and `{version}` are filled in."""

    command: Command
    workdir: RelativePath = "."
    timeout: Duration = 600


class Sampling(Model):
    """How often health is read and how old it may be."""

    interval: Duration = 600
    """How often observations are meant to come."""
    min_interval: Duration = 300
    """Observations of a surface closer than this are one check of a streak."""
    max_age: Duration = 1200
    """A sample whose source is older is unknown."""
    max_gap: Duration = 1800
    """A longer interval between observations earns no soak, and makes a recorded promotion stale."""


class RunsSoak(Model):
    """Soak counted in complete runs: harness runs where the phase has a harness gate, else healthy checks."""

    runs: int = Field(ge=1, le=1000)


# --- gates -----------------------------------------------------------------------------------------------


class _Gate(Model):
    name: Identifier | None = None
    """Shown to people; the default says kind and subject."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it looks at."""

    @property
    def title(self) -> str:
        return self.name or self.subject


class _SurfaceGate(_Gate):
    surfaces: tuple[Name, ...] | None = None
    """Which surfaces it looks at; all when left out."""


class HealthStateGate(_SurfaceGate):
    kind: Literal["health_state"]
    is_: Literal["healthy"] = Field(default="healthy", alias="is")

    @property
    def subject(self) -> str:
        return "health_state"


class ThresholdGate(_SurfaceGate):
    """A numeric field within bounds, both inclusive."""

    kind: Literal["threshold"]
    field: Identifier
    max: float | None = None
    min: float | None = None

    @property
    def subject(self) -> str:
        return self.field

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.max is None and self.min is None:
            raise ValueError("give max, min or both")
        return self


class EqualsGate(_SurfaceGate):
    """A text field with exactly this value."""

    kind: Literal["equals"]
    field: Identifier
    value: Line

    @property
    def subject(self) -> str:
        return self.field


class NoNewGate(_SurfaceGate):
    """A counter that has not risen since the phase's baseline, for good."""

    kind: Literal["no_new"]
    counter: Identifier

    @property
    def subject(self) -> str:
        return f"no_new.{self.counter}"


class FlatGate(_SurfaceGate):
    """A counter that does not rise; a rise fails once, resets the soak and is the new baseline."""

    kind: Literal["flat"]
    counter: Identifier

    @property
    def subject(self) -> str:
        return f"flat.{self.counter}"


class AdvancingGate(_SurfaceGate):
    """A counter that has risen since the phase was entered. A condition to leave, not a reading of health."""

    kind: Literal["advancing"]
    counter: Identifier

    @property
    def subject(self) -> str:
        return f"advancing.{self.counter}"


class TimelineGate(_SurfaceGate):
    """Every step of a surface's timeline is ok and has no error code."""

    kind: Literal["timeline_clean"]

    @property
    def subject(self) -> str:
        return "timeline_clean"


class NoTriggerGate(_Gate):
    """No trigger of the contract fires."""

    kind: Literal["no_trigger"]

    @property
    def subject(self) -> str:
        return "no_trigger"


class HarnessGate(_Gate):
    """The newest complete harness run, started after the rollout did, has exactly these figures."""

    kind: Literal["harness"]
    total: int = Field(ge=1)
    passed: int = Field(ge=1)
    failed: int = Field(default=0, ge=0)

    @property
    def subject(self) -> str:
        return "harness"


class CiChecksGate(_Gate):
    """Check runs of the release commit: all that match are green, and at least so many are there."""

    kind: Literal["ci_checks"]
    checks: Line
    """A glob over the display names that GitHub shows, such as `Live smoke *`."""
    at_least: int = Field(default=1, ge=1)

    @property
    def subject(self) -> str:
        return "ci_checks"


class RollbackTargetGate(_Gate):
    """A version to go back to is recorded."""

    kind: Literal["rollback_target"]

    @property
    def subject(self) -> str:
        return "rollback_target"


class SignoffGate(_Gate):
    """Every sign-off item with this `before` is signed for the release commit."""

    kind: Literal["signoff"]
    before: Name

    @property
    def subject(self) -> str:
        return f"signoff.{self.before}"


Gate = Annotated[
    HealthStateGate
    | ThresholdGate
    | EqualsGate
    | NoNewGate
    | FlatGate
    | AdvancingGate
    | TimelineGate
    | NoTriggerGate
    | HarnessGate
    | CiChecksGate
    | RollbackTargetGate
    | SignoffGate,
    Field(discriminator="kind"),
]

SOAK_GATE = "soak"
APPLIED_GATE = "applied"
RESERVED_GATE_NAMES = (SOAK_GATE, APPLIED_GATE)
"""Gates that every phase has without naming them."""


class Phase(Model):
    name: Name
    canary_percent: int = Field(ge=0, le=100)
    soak: Duration | RunsSoak
    max_gap: Duration | None = None
    """Overrides `sampling.max_gap` for this phase."""
    inherit: Name | None = None
    """The gates of this phase hold here too."""
    gates: tuple[Gate, ...] = ()


# --- triggers --------------------------------------------------------------------------------------------


class Action(StrEnum):
    """What the firing of a trigger sets off, in the words of the runbook's matrix."""

    FREEZE = "freeze"
    ROLLBACK = "rollback"
    CAPTURE_EVIDENCE = "capture_evidence"
    KNOWN_GOOD_LANE = "known_good_lane"
    BLOCK_SIGNOFF = "block_signoff"


class _Trigger(Model):
    name: Name
    phases: tuple[Name, ...] | None = None
    """The phases it watches; from the second one to the last when left out."""
    surfaces: tuple[Name, ...] | None = None
    actions: tuple[Action, ...]

    @model_validator(mode="after")
    def _always_stops(self) -> Self:
        if not {Action.FREEZE, Action.ROLLBACK} <= set(self.actions):
            raise ValueError("actions: a trigger always has freeze and rollback")
        return self


class HealthRegressionTrigger(_Trigger):
    """A surface in one of these states for so many consecutive checks."""

    kind: Literal["health_regression"]
    states: tuple[Literal["degraded", "failing"], ...] = Field(min_length=1)
    checks: int = Field(ge=1, le=100)


class ThresholdTrigger(_Trigger):
    """A numeric field at or above a bound, at once."""

    kind: Literal["threshold"]
    field: Identifier
    at_least: float


class NewCounterTrigger(_Trigger):
    """Any of these counters has risen since the phase's baseline."""

    kind: Literal["new_counter"]
    counters: tuple[Identifier, ...] = Field(min_length=1)


class TimelineTrigger(_Trigger):
    """A timeline step is not ok, or has an error code."""

    kind: Literal["timeline_error"]


class ValidationTrigger(_Trigger):
    """The harness (started after the rollout did) or a CI check of the release commit failed."""

    kind: Literal["validation_failure"]
    harness: bool = True
    checks: Line | None = None


Trigger = Annotated[
    HealthRegressionTrigger | ThresholdTrigger | NewCounterTrigger | TimelineTrigger | ValidationTrigger,
    Field(discriminator="kind"),
]


# --- rollback and sign-off -------------------------------------------------------------------------------


class RollbackStep(StrEnum):
    """The six steps of the runbook, in their order."""

    FREEZE = "freeze"
    CAPTURE_EVIDENCE = "capture_evidence"
    INSPECT_TARGET = "inspect_target"
    APPLY_METADATA = "apply_metadata"
    REVERT = "revert"
    REVALIDATE = "revalidate"


class Rollback(Model):
    """What happens when a trigger fires."""

    canary_percent: Literal["zero", "hold"] = "zero"
    """Where the freeze leaves the canary percent."""
    steps: tuple[RollbackStep, ...] = tuple(RollbackStep)
    evidence: tuple[RelativePath, ...] = ()
    """Globs below the product's folder, captured before any clean-up."""
    evidence_in_git: tuple[RelativePath, ...] = ()
    """Those of them whose bodies may go into git."""
    revert: Literal["pull_request", "push"] = "pull_request"

    @model_validator(mode="after")
    def _whole_runbook(self) -> Self:
        if self.steps != tuple(RollbackStep):
            raise ValueError(f"steps: must be {', '.join(RollbackStep)}, in this order")
        return self


class Proof(StrEnum):
    """What the machine can prove about a sign-off item."""

    HARNESS = "harness"
    CI_CHECKS = "ci_checks"
    ROLLBACK_TARGET = "rollback_target"
    PHASE_SOAKED = "phase_soaked"
    SURFACE_HEALTHY = "surface_healthy"
    NO_TRIGGER = "no_trigger"


class ItemProof(Model):
    kind: Proof
    of: Name | None = None
    """The phase of `phase_soaked`, the surface of `surface_healthy`."""

    @model_validator(mode="after")
    def _says_of_what(self) -> Self:
        if (self.kind in (Proof.PHASE_SOAKED, Proof.SURFACE_HEALTHY)) != (self.of is not None):
            raise ValueError(
                f"of: needed by {Proof.PHASE_SOAKED} and {Proof.SURFACE_HEALTHY}, and only by them"
            )
        return self


class SignoffItem(Model):
    id: Name
    section: Line
    title: Line
    before: Name
    """A phase's name, or `complete`."""
    proof: ItemProof | None = None
    """Recorded by reconcile itself once it holds; without it a person signs."""
    role: Literal["owner", "reviewer", "approver"] = "reviewer"


class SignoffPolicy(Model):
    items: tuple[SignoffItem, ...] = ()


class Product(Model):
    """Where the product lives; the tool's own repository when `repository` is left out."""

    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    branch: BranchName = "main"


class StateBranch(Model):
    branch: BranchName | None = None
    """The branch that carries state; the repository's default branch when left out."""


class Contract(Model):
    schema_: Literal[1] = Field(alias="schema")
    train: Name
    product: Product = Product.model_construct()
    state: StateBranch = StateBranch.model_construct()
    surfaces: dict[Name, Surface] = Field(min_length=1)
    harness: Harness | None = None
    apply: Apply | None = None
    sampling: Sampling = Sampling.model_construct()
    phases: tuple[Phase, ...] = Field(min_length=2)
    triggers: tuple[Trigger, ...] = ()
    rollback: Rollback = Rollback.model_construct()
    signoff: SignoffPolicy = SignoffPolicy.model_construct()

    def phase(self, name: str) -> Phase:
        """The phase of that name. Raises KeyError when the contract has none."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(name)

    def next_phase(self, name: str) -> Phase | None:
        """The phase after that one; None after the last."""
        names = [phase.name for phase in self.phases]
        after = names.index(name) + 1
        return self.phases[after] if after < len(names) else None

    def max_gap(self, phase: Phase) -> int:
        """Seconds: the longest interval between observations that earns soak in that phase."""
        return self.sampling.max_gap if phase.max_gap is None else phase.max_gap

    def gates_of(self, phase: Phase) -> tuple[Gate, ...]:
        """The phase's gates, inherited ones first, each name once (the phase's own wins)."""
        return self._gates[phase.name]

    @cached_property
    def _gates(self) -> dict[str, tuple[Gate, ...]]:
        return {phase.name: self._with_inherited(phase) for phase in self.phases}

    def _with_inherited(self, phase: Phase) -> tuple[Gate, ...]:
        inherited = self._with_inherited(self.phase(phase.inherit)) if phase.inherit else ()
        own = {gate.title for gate in phase.gates}
        return tuple(gate for gate in inherited if gate.title not in own) + phase.gates

    def surfaces_of(self, named: tuple[str, ...] | None) -> tuple[str, ...]:
        """The surfaces that a gate or trigger looks at, in the contract's order."""
        return tuple(name for name in self.surfaces if named is None or name in named)

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
                if isinstance(gate, NoNewGate | FlatGate | AdvancingGate):
                    yield gate.counter, gate.surfaces
        for trigger in self.triggers:
            if isinstance(trigger, NewCounterTrigger):
                yield from ((counter, trigger.surfaces) for counter in trigger.counters)

    def __copy__(self) -> Self:
        # A changed copy must not answer with what was worked out of the fields before.
        copied = super().__copy__()
        for name in ("_gates", "counters"):
            copied.__dict__.pop(name, None)
        return copied

    def watches(self, trigger: Trigger, phase: str) -> bool:
        """Whether the trigger watches that phase; by default all but the first."""
        if trigger.phases is None:
            return phase != self.phases[0].name
        return phase in trigger.phases


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a contract's glob matches, case-sensitive, in their order."""
    return [name for name in names if fnmatchcase(name, pattern)]


# --- what only the whole can show ------------------------------------------------------------------------


def find_problems(contract: Contract) -> list[str]:
    """Every mistake that types cannot see, each as `field: message`; empty when there is none."""
    return [
        *_phase_problems(contract),
        *_inherit_problems(contract),
        *_gate_problems(contract),
        *_trigger_problems(contract),
        *_sampling_problems(contract),
        *_signoff_problems(contract),
    ]


def _duplicates(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _phase_problems(contract: Contract) -> Iterator[str]:
    names = [phase.name for phase in contract.phases]
    for name in _duplicates(names):
        yield f"phases: duplicate name {name}"
    if COMPLETE in names:
        yield f"phases: {COMPLETE} is what sign-off items name the end of the rollout by; choose another name"
    for index, (before, after) in enumerate(zip(contract.phases, contract.phases[1:], strict=False), 1):
        if after.canary_percent <= before.canary_percent:
            yield (
                f"phases.{index}.canary_percent: must rise, and {after.name} has {after.canary_percent}"
                f" after {before.name}'s {before.canary_percent}"
            )
    last = contract.phases[-1]
    if last.canary_percent != 100:
        where = f"phases.{len(names) - 1}.canary_percent"
        yield f"{where}: the last phase must be 100, {last.name} is {last.canary_percent}"


def _inherit_problems(contract: Contract) -> Iterator[str]:
    parents = {phase.name: phase.inherit for phase in contract.phases}
    for index, phase in enumerate(contract.phases):
        if phase.inherit is not None and phase.inherit not in parents:
            yield f"phases.{index}.inherit: unknown phase {phase.inherit}"
        elif _inherits_itself(phase.name, parents):
            yield f"phases.{index}.inherit: a cycle leads back to {phase.name}"


def _inherits_itself(name: str, parents: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    parent = parents.get(name)
    while parent is not None and parent not in seen:
        if parent == name:
            return True
        seen.add(parent)
        parent = parents.get(parent)
    return False


def _has_gates(phase: Phase, contract: Contract) -> bool:
    by_name = {each.name: each for each in contract.phases}
    seen: set[str] = set()
    current: Phase | None = phase
    while current is not None and current.name not in seen:
        if current.gates:
            return True
        seen.add(current.name)
        current = by_name.get(current.inherit) if current.inherit else None
    return False


def _gate_problems(contract: Contract) -> Iterator[str]:
    befores = {item.before for item in contract.signoff.items}
    for index, phase in enumerate(contract.phases):
        where = f"phases.{index}.gates"
        if not _has_gates(phase, contract):
            yield f"{where}: {phase.name} has no gate; an empty list would promote anything"
        for name in _duplicates(gate.title for gate in phase.gates):
            yield f"{where}: duplicate name {name}"
        for number, gate in enumerate(phase.gates):
            at = f"{where}.{number}"
            if gate.title in RESERVED_GATE_NAMES:
                yield f"{at}.name: {gate.title} is a gate that every phase has; choose another name"
            if isinstance(gate, _SurfaceGate):
                yield from _unknown_surfaces(at, gate.surfaces, contract)
            if isinstance(gate, HarnessGate) and contract.harness is None:
                yield f"{at}: there is no harness section to read a report from"
            if isinstance(gate, SignoffGate) and gate.before not in befores:
                yield f"{at}.before: no sign-off item is before {gate.before}"


def _unknown_surfaces(where: str, named: tuple[str, ...] | None, contract: Contract) -> Iterator[str]:
    if named == ():
        yield f"{where}.surfaces: names none; leave it out for all"
    for surface in named or ():
        if surface not in contract.surfaces:
            yield f"{where}.surfaces: unknown surface {surface}"


def _trigger_problems(contract: Contract) -> Iterator[str]:
    phases = {phase.name for phase in contract.phases}
    for name in _duplicates(trigger.name for trigger in contract.triggers):
        yield f"triggers: duplicate name {name}"
    for index, trigger in enumerate(contract.triggers):
        where = f"triggers.{index}"
        yield from _unknown_surfaces(where, trigger.surfaces, contract)
        for phase in trigger.phases or ():
            if phase not in phases:
                yield f"{where}.phases: unknown phase {phase}"
        if isinstance(trigger, ValidationTrigger):
            if not trigger.harness and trigger.checks is None:
                yield f"{where}: watches neither harness nor checks"
            if trigger.harness and contract.harness is None:
                yield f"{where}.harness: there is no harness section to read a report from"


def _sampling_problems(contract: Contract) -> Iterator[str]:
    sampling = contract.sampling
    if sampling.interval <= 0:
        yield "sampling.interval: must be longer than nothing"
    if sampling.min_interval > sampling.interval:
        yield "sampling.min_interval: longer than interval, so no two observations would be two checks"
    for index, phase in enumerate(contract.phases):
        gap = contract.max_gap(phase)
        if not isinstance(phase.soak, int):
            continue
        if phase.soak > 0 and sampling.interval > gap:
            yield (
                f"phases.{index}.soak: can never be earned, because sampling.interval"
                f" {format_duration(sampling.interval)} is longer than max_gap {format_duration(gap)}"
            )


def _signoff_problems(contract: Contract) -> Iterator[str]:
    phases = [phase.name for phase in contract.phases]
    for item_id in _duplicates(item.id for item in contract.signoff.items):
        yield f"signoff.items: duplicate name {item_id}"
    for index, item in enumerate(contract.signoff.items):
        where = f"signoff.items.{index}"
        if item.before != COMPLETE and item.before not in phases:
            yield f"{where}.before: unknown phase {item.before}"
        elif item.before == phases[0]:
            yield f"{where}.before: nothing comes before {item.before}"
        elif item.before not in _gated_befores(contract):
            yield f"{where}.before: no gate waits for it; add {{kind: signoff, before: {item.before}}}"
        proof = item.proof
        if proof and proof.kind is Proof.PHASE_SOAKED and proof.of not in phases:
            yield f"{where}.proof.of: unknown phase {proof.of}"
        if proof and proof.kind is Proof.SURFACE_HEALTHY and proof.of not in contract.surfaces:
            yield f"{where}.proof.of: unknown surface {proof.of}"


def _gated_befores(contract: Contract) -> set[str]:
    gates = (gate for phase in contract.phases for gate in phase.gates)
    return {gate.before for gate in gates if isinstance(gate, SignoffGate)}
